"""Two keys that are rotated, and the app's identity instead of a key."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from doubles.clock import FakeClock
from doubles.parts import ENVIRONMENT

from shared import services
from shared.errors import VisionUnauthorizedError
from shared.images import ImageBytes
from shared.settings import Settings
from shared.vision.client import VisionClient
from shared.vision.credentials import SCOPE, AccessToken, Identity, Keys

BASE = "https://vision.invalid/vision/v3.2"
IMAGE = ImageBytes(b"\xff\xd8\xff image")
DENIED = {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def accept(service: responses.RequestsMock, *good: str) -> list[str]:
    """Let the service take these keys or tokens; returns the list of what it was shown."""
    shown: list[str] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        sent = request.headers.get("Ocp-Apim-Subscription-Key") or request.headers.get("Authorization")
        shown.append(sent)
        return (200, {}, json.dumps({"tags": []})) if sent in good else (401, {}, json.dumps(DENIED))

    service.add_callback(responses.POST, f"{BASE}/tag", answer)
    return shown


def client(credentials: Any) -> VisionClient:
    return VisionClient("https://vision.invalid", credentials, clock=FakeClock())


def test_the_second_key_answers_when_the_first_is_refused(service: responses.RequestsMock) -> None:
    shown = accept(service, "two")
    client(Keys("one", "two")).tag(IMAGE)
    assert shown == ["one", "two"]


def test_the_key_that_worked_is_used_first_from_then_on(service: responses.RequestsMock) -> None:
    shown = accept(service, "two")
    vision = client(Keys("one", "two"))
    for _ in range(3):
        vision.tag(IMAGE)
    assert shown == ["one", "two", "two", "two"]


def test_keys_can_be_rotated_round_and_round_with_nothing_lost(service: responses.RequestsMock) -> None:
    vision = client(Keys("one", "two"))
    for good in (("one", "two"), ("two",), ("one",), ("one", "two")):
        service.reset()
        accept(service, *good)
        assert vision.tag(IMAGE).tags == ()


def test_two_refused_keys_name_both_settings_and_show_neither(service: responses.RequestsMock) -> None:
    shown = accept(service)
    with pytest.raises(VisionUnauthorizedError) as caught:
        client(Keys("first-secret", "second-secret")).tag(IMAGE)
    assert shown == ["first-secret", "second-secret"]
    assert "VISION_KEY_2" in caught.value.message
    assert "VISION_KEY or VISION_KEY_2" in caught.value.action
    assert "secret" not in caught.value.message + caught.value.action


def test_one_refused_key_names_its_setting(service: responses.RequestsMock) -> None:
    accept(service)
    with pytest.raises(VisionUnauthorizedError) as caught:
        client("only-secret").tag(IMAGE)
    assert "VISION_KEY" in caught.value.action
    assert "VISION_KEY_2" not in caught.value.message + caught.value.action


def test_a_token_is_sent_as_bearer_without_any_key(service: responses.RequestsMock) -> None:
    shown = accept(service, "Bearer t1")
    scopes: list[str] = []

    def get_token(scope: str) -> AccessToken:
        scopes.append(scope)
        return AccessToken("t1", 5000.0)

    vision = client(Identity(get_token, now=lambda: 0.0))
    vision.tag(IMAGE)
    vision.tag(IMAGE)
    assert shown == ["Bearer t1"] * 2
    assert scopes == [SCOPE]
    assert "Ocp-Apim-Subscription-Key" not in service.calls[0].request.headers


def test_a_token_is_renewed_before_it_ends(service: responses.RequestsMock) -> None:
    accept(service, "Bearer t1", "Bearer t2")
    now, tokens = [0.0], iter([AccessToken("t1", 1000.0), AccessToken("t2", 9000.0)])
    vision = client(Identity(lambda scope: next(tokens), now=lambda: now[0]))
    vision.tag(IMAGE)
    now[0] = 699.0
    vision.tag(IMAGE)
    now[0] = 701.0
    vision.tag(IMAGE)
    sent = [call.request.headers["Authorization"] for call in service.calls]
    assert sent == ["Bearer t1", "Bearer t1", "Bearer t2"]


def test_a_refused_identity_is_told_its_role_and_asks_for_another_token_next_time(
    service: responses.RequestsMock,
) -> None:
    shown = accept(service, "Bearer t2")
    tokens = iter([AccessToken("t1", 9000.0), AccessToken("t2", 9000.0)])
    vision = client(Identity(lambda scope: next(tokens), now=lambda: 0.0))
    with pytest.raises(VisionUnauthorizedError) as caught:
        vision.tag(IMAGE)
    assert "Cognitive Services User" in caught.value.action
    assert "VISION_KEY" not in caught.value.message
    vision.tag(IMAGE)
    assert shown == ["Bearer t1", "Bearer t2"]


def test_no_identity_at_all_is_told_as_such(service: responses.RequestsMock) -> None:
    def get_token(scope: str) -> AccessToken:
        raise RuntimeError("no managed identity endpoint, and a secret=abc in the text")

    with pytest.raises(VisionUnauthorizedError) as caught:
        client(Identity(get_token)).tag(IMAGE)
    assert caught.value.code == "identity_unavailable"
    assert "abc" not in caught.value.message
    assert not service.calls


class Authority(BaseHTTPRequestHandler):
    """What a Functions app finds at IDENTITY_ENDPOINT: a token for whoever has the right header."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        server: Any = self.server
        server.asked.append((query, self.headers.get("X-IDENTITY-HEADER")))
        body = json.dumps(
            {"access_token": "from-the-authority", "expires_on": "4102444800", "resource": query["resource"][0]}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "the header")
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_azure_identity_takes_the_token_of_the_apps_managed_identity(authority: Any) -> None:
    """The real azure-identity against an authority on loopback, as it finds one inside a Functions app."""
    [headers] = Identity().offers()
    assert headers == {"Authorization": "Bearer from-the-authority"}
    [(query, header)] = authority.asked
    assert query["resource"] == ["https://cognitiveservices.azure.com"]
    assert header == "the header"


def test_the_settings_choose_between_keys_and_identity() -> None:
    keys = services.build(Settings.from_env({**ENVIRONMENT, "VISION_KEY_2": "second"}))
    assert [list(offer.values()) for offer in keys.vision.credentials.offers()] == [["first-secret-key"], ["second"]]
    identity = services.build(Settings.from_env({**ENVIRONMENT, "VISION_AUTH": "identity", "VISION_KEY": ""}))
    assert isinstance(identity.vision.credentials, Identity)
