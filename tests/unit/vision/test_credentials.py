"""Two keys that are rotated, and the app's identity instead of a key."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from azure.core.credentials import AccessToken
from doubles.clock import FakeClock
from doubles.identity_authority import Authority, settle, token
from doubles.parts import ENVIRONMENT

from shared import services
from shared.clock import Deadline
from shared.configuration.storage_accounts import Principal
from shared.errors import NoTimeLeftError, NoTokenError, VisionUnauthorizedError
from shared.images import ImageBytes
from shared.settings import Settings
from shared.transport.credentials import SCOPE
from shared.transport.identities import Identity
from shared.vision.client import VisionClient
from shared.vision.credentials import VisionBearer, VisionKeys

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
    client(VisionKeys("one", "two")).tag(IMAGE)
    assert shown == ["one", "two"]


def test_the_key_that_worked_is_used_first_from_then_on(service: responses.RequestsMock) -> None:
    shown = accept(service, "two")
    vision = client(VisionKeys("one", "two"))
    for _ in range(3):
        vision.tag(IMAGE)
    assert shown == ["one", "two", "two", "two"]


def test_keys_can_be_rotated_round_and_round_with_nothing_lost(service: responses.RequestsMock) -> None:
    vision = client(VisionKeys("one", "two"))
    for good in (("one", "two"), ("two",), ("one",), ("one", "two")):
        service.reset()
        accept(service, *good)
        assert vision.tag(IMAGE).tags == ()


def test_two_refused_keys_name_both_settings_and_show_neither(service: responses.RequestsMock) -> None:
    shown = accept(service)
    with pytest.raises(VisionUnauthorizedError) as caught:
        client(VisionKeys("first-secret", "second-secret")).tag(IMAGE)
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

    vision = client(VisionBearer(identity_of(get_token)))
    vision.tag(IMAGE)
    vision.tag(IMAGE)
    assert shown == ["Bearer t1"] * 2
    assert scopes == [SCOPE]
    assert "Ocp-Apim-Subscription-Key" not in service.calls[0].request.headers


Hold = Callable[[Authority], Authority]


def identity_of(get_token: Callable[..., AccessToken], clock: Any = None) -> Identity:
    return Identity(Principal(), get_token, clock=clock or FakeClock())


def test_a_caller_whose_time_is_over_does_not_wait_for_a_token_and_a_late_one_is_used(
    service: responses.RequestsMock, hold: Hold
) -> None:
    shown, authority = accept(service, "Bearer t1"), hold(Authority(token("t1", 5000.0)))
    hurried = VisionClient("https://vision.invalid", VisionBearer(identity_of(authority)), timeout_seconds=0.05)
    for _ in range(2):
        with pytest.raises(NoTokenError, match=r"no token within 0\.\d s") as caught:
            hurried.tag(IMAGE)
        assert (caught.value.code, caught.value.status) == ("identity_unavailable", 502)
    assert shown == []
    authority.free.set()
    settle()
    hurried.tag(IMAGE)
    assert shown == ["Bearer t1"]
    assert len(authority.asked) == 1


def test_a_token_that_comes_when_the_time_is_over_asks_nothing(service: responses.RequestsMock) -> None:
    shown, clock = accept(service, "Bearer t1"), FakeClock()

    def get_token(scope: str) -> AccessToken:
        clock.advance(30.0)
        return token("t1", 5000.0)

    with pytest.raises(NoTimeLeftError):
        VisionClient("https://vision.invalid", VisionBearer(identity_of(get_token, clock)), clock=clock).tag(IMAGE)
    assert shown == []


def test_a_refused_identity_is_told_its_role_and_asks_for_another_token_next_time(
    service: responses.RequestsMock,
) -> None:
    shown = accept(service, "Bearer t2")
    clock = FakeClock()
    vision = client(VisionBearer(identity_of(Authority(token("t1", 9000.0), token("t2", 9000.0)), clock)))
    with pytest.raises(VisionUnauthorizedError) as caught:
        vision.tag(IMAGE)
    assert "Cognitive Services User" in caught.value.action
    assert "VISION_KEY" not in caught.value.message
    clock.advance(5.0)
    vision.tag(IMAGE)
    assert shown == ["Bearer t1", "Bearer t2"]


def test_no_identity_at_all_is_told_as_such(service: responses.RequestsMock) -> None:
    def get_token(scope: str) -> AccessToken:
        raise RuntimeError("no managed identity endpoint, and a secret=abc in the text")

    with pytest.raises(VisionUnauthorizedError) as caught:
        client(VisionBearer(identity_of(get_token))).tag(IMAGE)
    assert caught.value.code == "identity_unavailable"
    assert "abc" not in caught.value.message
    assert not service.calls


def test_the_settings_choose_between_keys_and_identity() -> None:
    keys = services.build(Settings.from_env({**ENVIRONMENT, "VISION_KEY_2": "second"}))
    offers = keys.vision.credentials.offers(Deadline.after(1, FakeClock()))
    assert [list(offer.values()) for offer in offers] == [["first-secret-key"], ["second"]]
    identity = services.build(Settings.from_env({**ENVIRONMENT, "VISION_AUTH": "identity", "VISION_KEY": ""}))
    assert isinstance(identity.vision.credentials, VisionBearer)
