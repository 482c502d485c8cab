"""The three states of a claim, as the version before has written them: read as they were meant, written to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers import claim_documents
from shared.answers.claims import LEASE_SECONDS, Claims
from shared.errors import ImageRejectedError, PayloadTooLargeError
from shared.vision import questions
from shared.vision.models import Answer

# What the version before has left, by its code, under a clock that stands and with a lease that is always the same.
BEFORE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "fixtures" / "claims" / "before.json").read_text())
QUESTION = questions.describe(language="de")
CLAIM = names.claim("subject", QUESTION.key)
SAID = {"description": {"captions": [{"text": "eine Brücke", "confidence": 0.5}]}, "requestId": "r1"}
JSON = Answer("application/json", json.dumps(SAID).encode(), "r1")
PICTURE = Answer("image/jpeg", bytes(range(0, 256, 17)), "r2")
UNREADABLE = ImageRejectedError("no image: ä", code="image_unreadable", action="Send another.", request_id="r3")
TOO_LARGE = PayloadTooLargeError("too many bytes", code="image_too_large", action="Send a smaller one.")
WRITTEN: dict[str, claim_documents.ClaimDocument] = {
    "asking": claim_documents.asking(QUESTION, lease=BEFORE["lease"], since=EPOCH, seconds=LEASE_SECONDS),
    "answered with JSON": claim_documents.answered(QUESTION, JSON, at=EPOCH, lifetime_seconds=None),
    "answered with bytes": claim_documents.answered(QUESTION, PICTURE, at=EPOCH, lifetime_seconds=None),
    "answered for a while": claim_documents.answered(QUESTION, JSON, at=EPOCH, lifetime_seconds=300),
    "refused": claim_documents.refused(QUESTION, UNREADABLE, at=EPOCH),
    "refused as too large": claim_documents.refused(QUESTION, TOO_LARGE, at=EPOCH),
}


class World:
    """A claim of the version before, and what is asked of the service beside it."""

    def __init__(self, state: str) -> None:
        self.clock = FakeClock()
        self.blobs = MemoryBlobs(self.clock)
        self.claims = Claims(self.blobs, self.clock)
        self.calls = 0
        data = BEFORE["claims"][state].encode()
        self.blobs.write(names.CACHE, CLAIM, data, content_type=names.JSON)

    def ask(self) -> Answer:
        def call() -> Answer:
            self.calls += 1
            return JSON

        return self.claims.ask("subject", QUESTION, call, wait_seconds=20.0)


def test_every_state_has_a_claim_of_the_version_before() -> None:
    assert WRITTEN.keys() == BEFORE["claims"].keys()
    assert {json.loads(data)["state"] for data in BEFORE["claims"].values()} == {"asking", "answered", "refused"}


@pytest.mark.parametrize("state", BEFORE["claims"])
def test_a_claim_is_written_as_the_version_before_wrote_it(state: str) -> None:
    assert claim_documents.write(WRITTEN[state]).decode() == BEFORE["claims"][state]


@pytest.mark.parametrize("state", BEFORE["claims"])
def test_what_is_read_is_what_was_written(state: str) -> None:
    assert claim_documents.read(BEFORE["claims"][state].encode()) == WRITTEN[state]


def test_what_the_version_before_was_answered_is_not_paid_for_again() -> None:
    for state, answer in (
        ("answered with JSON", JSON),
        ("answered with bytes", PICTURE),
        ("answered for a while", JSON),
    ):
        world = World(state)
        assert world.ask() == world.claims.find("subject", QUESTION) == answer._replace(paid=False, at=EPOCH)
        assert world.calls == 0


def test_what_the_version_before_was_answered_for_a_while_is_asked_for_after_it() -> None:
    world = World("answered for a while")
    world.clock.advance(300)
    assert world.claims.find("subject", QUESTION) is None
    assert world.ask().paid
    assert world.calls == 1


@pytest.mark.parametrize(("state", "refusal"), [("refused", UNREADABLE), ("refused as too large", TOO_LARGE)])
def test_what_the_version_before_was_refused_is_refused_without_a_call(
    state: str, refusal: ImageRejectedError | PayloadTooLargeError
) -> None:
    world = World(state)
    with pytest.raises(type(refusal)) as caught:
        world.ask()
    assert world.calls == 0
    told = ("message", "code", "action", "request_id")
    assert [getattr(caught.value, name) for name in told] == [getattr(refusal, name) for name in told]
    world.claims.forget_refusal("subject", QUESTION)
    assert world.ask().paid


def test_a_call_of_the_version_before_is_waited_for_while_its_lease_lasts() -> None:
    world = World("asking")
    assert world.blobs.acquire(names.CACHE, CLAIM, BEFORE["lease"], LEASE_SECONDS)
    began = world.clock.now()
    assert world.ask().paid
    assert LEASE_SECONDS <= world.clock.now() - began < LEASE_SECONDS + 1


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"asking"', b"{}", b'{"state": "new"}', b'{"state": []}'])
def test_what_is_no_claim_is_none(data: bytes) -> None:
    assert claim_documents.read(data) is None


@pytest.mark.parametrize(
    "amiss",
    [
        {"expires": "soon"},
        {"expires": "2026-01-01T00:00:00"},
        {"at": "2026-01-01T00:00:00"},
        {"at": None},
        {"body": [1]},
        {"state": ["answered"]},
        *({member: ...} for member in ("state", "at", "expires", "requestId", "contentType", "body")),
    ],
    ids=str,
)
def test_an_answer_with_a_member_amiss_counts_as_a_claim_whose_holder_is_gone(amiss: dict[str, Any]) -> None:
    world = World("answered with JSON")
    document = {**json.loads(BEFORE["claims"]["answered with JSON"]), **amiss}
    kept = {key: value for key, value in document.items() if value is not ...}
    world.blobs.write(names.CACHE, CLAIM, json.dumps(kept).encode(), content_type=names.JSON)
    assert world.claims.find("subject", QUESTION) is None
    assert world.ask() == JSON
    assert world.calls == 1


@pytest.mark.parametrize("member", ["code", "message", "action", "requestId", "tooLarge"])
def test_so_does_a_refusal_without_a_member(member: str) -> None:
    world = World("refused")
    document = json.loads(BEFORE["claims"]["refused"])
    del document[member]
    world.blobs.write(names.CACHE, CLAIM, json.dumps(document).encode(), content_type=names.JSON)
    assert world.ask() == JSON


def test_and_so_does_an_answer_whose_bytes_cannot_be_decoded() -> None:
    world = World("answered with bytes")
    document = {**json.loads(BEFORE["claims"]["answered with bytes"]), "base64": "%%%"}
    world.blobs.write(names.CACHE, CLAIM, json.dumps(document).encode(), content_type=names.JSON)
    assert world.ask() == JSON


@pytest.mark.parametrize("state", WRITTEN)
def test_metadata_tell_since_when_an_answer_or_a_refusal_stands(state: str) -> None:
    document = WRITTEN[state]
    told = claim_documents.metadata(document)
    assert told["state"] == document["state"]
    assert claim_documents.said_at(told) == (None if state == "asking" else EPOCH)


@pytest.mark.parametrize("told", [{}, {"saidat": ""}, {"saidat": "soon"}, {"saidat": "2026-01-01T00:00:00"}])
def test_metadata_that_tell_no_moment_tell_nothing(told: dict[str, str]) -> None:
    assert claim_documents.said_at(told) is None


def test_a_claim_that_is_answered_tells_so_in_its_metadata() -> None:
    clock = FakeClock()
    blobs = MemoryBlobs(clock)
    seen: list[dict[str, str]] = []

    def call() -> Answer:
        info = blobs.head(names.CACHE, CLAIM)
        assert info
        seen.append(dict(info.metadata))
        return JSON

    Claims(blobs, clock).ask("subject", QUESTION, call, wait_seconds=20.0)
    info = blobs.head(names.CACHE, CLAIM)
    assert info
    assert seen == [{"state": "asking"}]
    assert info.metadata == {"state": "answered", "saidat": EPOCH.isoformat()}
