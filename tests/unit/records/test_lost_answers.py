"""Writes that arrive and whose answers are lost are not taken for another writer's."""

import json

import pytest
from doubles.clock import FakeClock
from doubles.lost_answers import lose_answers
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.api import unfinished_entries
from shared.errors import ConflictError, StorageError, ThrottledError, VisionRefusedError
from shared.pace.ledger import Ledger, Rate
from shared.pace.quota import OFFLINE_SECONDS, Quota
from shared.uploads import steps

LOST = "the storage client repeated it and was told 412"


@pytest.fixture
def app() -> Parts:
    app = parts(THUMBNAIL_SIZES="100x50")
    app.images.write(names.IMAGES, "a.jpg", picture(), content_type="image/jpeg")
    return app


def test_an_attempt_is_noted_once(app: Parts) -> None:
    app.vision.failing = ThrottledError("slow")
    for attempts in (1, 2):
        lose_answers(app.images, names.UNFINISHED, ConflictError(LOST))
        steps.process(app.services, "a.jpg", None, only=("analysis",))
        assert json.loads(app.images.contents(names.UNFINISHED)["analysis/a.jpg.json"])["attempts"] == attempts


def test_what_was_reopened_is_known_as_that(app: Parts) -> None:
    app.vision.failing = VisionRefusedError("no")
    steps.process(app.services, "a.jpg", None, only=("analysis",))
    (entry,) = unfinished_entries.find(app.services, "a.jpg", None)
    lose_answers(app.images, names.UNFINISHED, ConflictError(LOST))
    assert unfinished_entries.reopen(app.services, entry, 0.0)
    info = app.images.head(names.UNFINISHED, "analysis/a.jpg.json")
    assert info
    assert info.metadata["state"] == "deferred"
    # The record that it was is there no longer.
    app.clock.advance(1)
    assert not unfinished_entries.reopen(app.services, entry, 0.0)


def test_a_record_is_made_once(app: Parts) -> None:
    lose_answers(app.images, names.ANALYSIS, ConflictError(LOST))
    steps.process(app.services, "a.jpg", None)
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    assert app.images.contents(names.UNFINISHED) == {}


@pytest.mark.parametrize("correction", [-2, 3])
def test_a_correction_of_the_transactions_is_counted_once(correction: int) -> None:
    clock = FakeClock()
    blobs = MemoryBlobs(clock)
    quota = Quota(blobs, "vision.json", Rate(10, 1.0), clock)
    quota.settle(10, at_once=True)
    lose_answers(blobs, names.QUOTA, StorageError("no answer within two seconds"))
    quota.settle(correction, at_once=True)
    clock.advance(OFFLINE_SECONDS)
    quota.settle(100, at_once=True)
    assert Ledger.from_json(blobs.contents(names.QUOTA)["vision.json"]).paid_of_day == 110 + correction


def test_a_correction_that_did_not_arrive_is_counted_with_the_next_write() -> None:
    clock = FakeClock()
    blobs = MemoryBlobs(clock)
    quota = Quota(blobs, "vision.json", Rate(10, 1.0), clock)
    quota.settle(10, at_once=True)

    def refuse(operation: str, container: str, name: str) -> None:
        if operation == "write":
            raise StorageError("down")

    blobs.before = refuse
    quota.settle(-2, at_once=True)
    blobs.before = None
    clock.advance(OFFLINE_SECONDS)
    quota.settle(100, at_once=True)
    assert Ledger.from_json(blobs.contents(names.QUOTA)["vision.json"]).paid_of_day == 108
