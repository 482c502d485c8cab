"""Two keys that are rotated, and the app's identity instead of a key."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from doubles.clock import EPOCH, FakeClock
from doubles.parts import ENVIRONMENT

from shared import services
from shared.errors import NoTimeLeftError, NoTokenError, VisionUnauthorizedError
from shared.images import ImageBytes
from shared.retry import Deadline, SystemClock
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
        return token("t1", 5000.0)

    vision = client(Identity(get_token, clock=FakeClock()))
    vision.tag(IMAGE)
    vision.tag(IMAGE)
    assert shown == ["Bearer t1"] * 2
    assert scopes == [SCOPE]
    assert "Ocp-Apim-Subscription-Key" not in service.calls[0].request.headers


def token(text: str, seconds: float) -> AccessToken:
    """A token that ends so many seconds after the fake clock's beginning."""
    return AccessToken(text, EPOCH.timestamp() + seconds)


class Authority:
    """
    Answers each asking for a token when it is told to, and counts them.

    Attributes:
        answers: one for each asking; an exception is raised.
        free: while it is clear, whoever asks has to wait.
    """

    def __init__(self, *answers: AccessToken | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.free = threading.Event()
        self.free.set()

    def __call__(self, scope: str) -> AccessToken:
        self.asked += 1
        assert self.free.wait(60), "nobody set it free"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


Hold = Callable[[Authority], Authority]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Hold an authority's answers; those that are still held at the end of the test are given then."""
    held: list[Authority] = []

    def hold_answers(authority: Authority) -> Authority:
        authority.free.clear()
        held.append(authority)
        return authority

    yield hold_answers
    for each in held:
        each.free.set()
    settle()


def settle() -> None:
    """Wait until nobody asks for a token any more."""
    for thread in threading.enumerate():
        if thread.name == "fetch a token":
            thread.join()


def bearer(identity: Identity, seconds: float = 60.0) -> str:
    """What the identity offers within so many seconds."""
    [headers] = identity.offers(Deadline.after(seconds, SystemClock()))
    return headers["Authorization"].removeprefix("Bearer ")


def test_a_token_is_renewed_before_it_ends_while_the_old_one_serves() -> None:
    clock, authority = FakeClock(), Authority(token("t1", 1000.0), token("t2", 9000.0))
    identity = Identity(authority, clock=clock)
    sent = [bearer(identity)]
    for passed in (699.0, 2.0, 0.0):
        clock.advance(passed)
        sent.append(bearer(identity))
        settle()
    assert sent == ["t1", "t1", "t1", "t2"]
    assert authority.asked == 2


def test_a_renewal_that_fails_or_hangs_costs_nobody_anything_while_the_old_token_lasts(hold: Hold) -> None:
    clock, authority = FakeClock(), Authority(token("t1", 1000.0), RuntimeError("down"), token("t2", 9000.0))
    identity = Identity(authority, clock=clock)
    bearer(identity)
    clock.advance(710.0)
    assert bearer(identity) == "t1"
    settle()
    hold(authority)
    clock.advance(200.0)
    assert [bearer(identity, 0.0), bearer(identity, 0.0)] == ["t1", "t1"]
    assert authority.asked == 3
    clock.advance(31.0)
    with pytest.raises(NoTokenError):
        bearer(identity, 0.0)


def test_a_caller_whose_time_is_over_does_not_wait_for_a_token_and_a_late_one_is_used(
    service: responses.RequestsMock, hold: Hold
) -> None:
    shown, authority = accept(service, "Bearer t1"), hold(Authority(token("t1", 5000.0)))
    identity = Identity(authority, clock=FakeClock())
    hurried = VisionClient("https://vision.invalid", identity, timeout_seconds=0.05)
    for _ in range(2):
        with pytest.raises(NoTokenError, match=r"no token within 0\.\d s") as caught:
            hurried.tag(IMAGE)
        assert (caught.value.code, caught.value.status) == ("identity_unavailable", 502)
    assert shown == []
    authority.free.set()
    settle()
    hurried.tag(IMAGE)
    assert shown == ["Bearer t1"]
    assert authority.asked == 1


def test_all_who_wait_get_the_token_of_one_asking(hold: Hold) -> None:
    authority = hold(Authority(token("t1", 5000.0)))
    identity = Identity(authority, clock=FakeClock())
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(bearer, identity) for _ in range(8)]
        authority.free.set()
        assert [each.result() for each in waiting] == ["t1"] * 8
    assert authority.asked == 1


def test_a_failure_is_told_to_all_for_five_seconds_and_no_longer() -> None:
    clock, authority = FakeClock(), Authority(RuntimeError("down"), token("t1", 5000.0))
    identity = Identity(authority, clock=clock)
    for passed in (0.0, 0.0, 4.9):
        clock.advance(passed)
        with pytest.raises(NoTokenError):
            bearer(identity)
    assert authority.asked == 1
    clock.advance(0.1)
    assert bearer(identity) == "t1"


def test_a_token_that_is_about_to_end_is_not_asked_for_at_every_call() -> None:
    authority = Authority(*[token("short", 30.0)] * 9)
    identity = Identity(authority, clock=FakeClock())
    assert [bearer(identity) for _ in range(9)] == ["short"] * 9
    assert authority.asked == 1


def test_a_token_that_comes_when_the_time_is_over_asks_nothing(service: responses.RequestsMock) -> None:
    shown, clock = accept(service, "Bearer t1"), FakeClock()

    def get_token(scope: str) -> AccessToken:
        clock.advance(30.0)
        return token("t1", 5000.0)

    with pytest.raises(NoTimeLeftError):
        VisionClient("https://vision.invalid", Identity(get_token, clock=clock), clock=clock).tag(IMAGE)
    assert shown == []


def test_no_asking_for_a_token_holds_the_process(hold: Hold) -> None:
    identity = Identity(hold(Authority(token("t1", 5000.0))), clock=FakeClock())
    with pytest.raises(NoTokenError):
        bearer(identity, 0.0)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "fetch a token"] == [True]


def test_a_refused_identity_is_told_its_role_and_asks_for_another_token_next_time(
    service: responses.RequestsMock,
) -> None:
    shown = accept(service, "Bearer t2")
    vision = client(Identity(Authority(token("t1", 9000.0), token("t2", 9000.0)), clock=FakeClock()))
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


class Endpoint(BaseHTTPRequestHandler):
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
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
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
    assert bearer(Identity()) == "from-the-authority"
    [(query, header)] = authority.asked
    assert query["resource"] == ["https://cognitiveservices.azure.com"]
    assert header == "the header"


def test_the_settings_choose_between_keys_and_identity() -> None:
    keys = services.build(Settings.from_env({**ENVIRONMENT, "VISION_KEY_2": "second"}))
    offers = keys.vision.credentials.offers(Deadline.after(1, FakeClock()))
    assert [list(offer.values()) for offer in offers] == [["first-secret-key"], ["second"]]
    identity = services.build(Settings.from_env({**ENVIRONMENT, "VISION_AUTH": "identity", "VISION_KEY": ""}))
    assert isinstance(identity.vision.credentials, Identity)
