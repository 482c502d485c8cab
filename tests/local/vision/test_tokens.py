"""Calls that carry an Entra ID token instead of a key."""

import json
from typing import Any

import pytest
from doubles.tokens import token
from doubles.vision_calls import Caller, picture

from local.vision.server import running_vision

NOW = 1_800_000_000
CLAIMS = {"aud": "https://cognitiveservices.azure.com", "nbf": NOW - 60, "exp": NOW + 60}
WORDS = "Unauthorized. Access token is missing, invalid, audience is incorrect"


def changed(**claims: Any) -> str:
    return token({**CLAIMS, **claims})


def status(authorization: str, **headers: str) -> tuple[int, str]:
    with running_vision(wall_clock=lambda: float(NOW)) as vision, Caller(vision.url) as caller:
        answer = caller.post("tag", picture(), headers={"Authorization": authorization, **headers})
        return answer.status_code, answer.text


@pytest.mark.parametrize(
    "sent",
    [
        f"Bearer {changed()}",
        f"bearer  {changed()}",
        f"Bearer {changed(aud='https://cognitiveservices.azure.com/')}",
        f"Bearer {changed(nbf=NOW, exp=NOW + 1)}",
    ],
)
def test_a_token_for_computer_vision_serves_in_place_of_a_key(sent: str) -> None:
    assert status(sent)[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        changed(aud="https://storage.azure.com"),
        changed(aud="https://cognitiveservices.azure.com.example"),
        changed(aud=None),
        changed(exp=NOW),
        changed(nbf=NOW + 1),
        changed(exp=str(NOW + 60)),
        token([1]),
        token("no JSON"),
        "not.base64 at all.x",
        "ü.ü.ü".encode().decode("latin-1"),
        "two.parts",
        "",
    ],
)
def test_any_other_token_is_refused_in_the_gateways_words(sent: str) -> None:
    code, text = status(f"Bearer {sent}")

    assert code == 401
    error = json.loads(text)["error"]
    assert error["code"] == "401"
    assert error["message"].startswith(WORDS)


def test_a_token_helps_neither_a_wrong_key_nor_a_wrong_scheme() -> None:
    for sent in (status(f"Bearer {changed()}", **{"Ocp-Apim-Subscription-Key": "wrong"}), status(f"Basic {changed()}")):
        assert sent[0] == 401
        assert "subscription key" in sent[1]


def test_with_no_valid_key_at_all_a_token_still_serves() -> None:
    with running_vision(wall_clock=lambda: float(NOW)) as vision, Caller(vision.url, vision.key) as caller:
        assert caller.control("PUT", "keys", {"keys": []}).status_code == 204
        assert caller.post("tag", picture()).status_code == 401
        caller.key = None
        assert caller.post("tag", picture(), headers={"Authorization": f"Bearer {changed()}"}).status_code == 200
