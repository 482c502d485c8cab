"""
What the version before images had a later life left still holds: nothing is pending, paid again or forgotten too soon.

`tests/fixtures/records/before_lifecycle.json` is what that version (f203851) has left in both accounts, its settings,
its time, the state of each image as it told it, and the orchestrations that slept. It ran with its own doubles
(`parts`, `task_hub`, `pictures`, `documents`), whose ETags began at 0x08DE2E9A00000001. In this order it was given:

- `photo.jpg` and, with the same bytes, `copies/photo.jpg`; `sign.png` with the tag `text`; `letter.pdf` and, with the
  same bytes, `copies/letter.pdf`; `by-sha256/odd.jpg` and one of 961 characters, whose records lie under digests;
  `notes.txt`, which is no picture;
- over HTTP a thumbnail of `photo.jpg` and of bytes, and a Read of bytes;
- an edit of the metadata of `copies/photo.jpg`; `twice.jpg` twice, with other bytes;
- `gone.jpg`, which was deleted again, so that its records stayed;
- `deferred.jpg` while Computer Vision throttled, and `lost.jpg` without an event.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from doubles import whole_life
from doubles.parts import parts
from doubles.stored_before import restore
from doubles.task_hub import TaskHub

from shared import names
from shared.api import image_states

BEFORE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "records" / "before_lifecycle.json").read_text()
)
STATES: dict[str, str] = BEFORE["states"]
# Neither a record nor a reason tells of its bytes.
LOST = "lost.jpg"
PHOTOS, LETTERS = ("photo.jpg", "copies/photo.jpg"), ("letter.pdf", "copies/letter.pdf")
RECORDS = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED)
DAY = 86_400.0
# Between the last that the version before did and the first start of this one; what slept sleeps on.
UPGRADE_SECONDS = 60.0


@contextmanager
def running(**settings: str) -> Iterator[TaskHub]:
    app = parts(**{**BEFORE["settings"], **settings})
    app.clock.advance(BEFORE["now_seconds"] + UPGRADE_SECONDS)
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    # The new version starts later than the last image came.
    app.clock.advance(1)
    hub = TaskHub(app)
    with hub.running():
        for each in BEFORE["instances"]:
            asyncio.run(hub.start_new(each["name"], each["id"], each["input"]))
        yield hub


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    with running() as hub:
        yield hub


def listed(hub: TaskHub) -> dict[str, str]:
    return {each["name"]: each["state"] for each in image_states.page(hub.app.services, limit=200)["images"]}


def etags(hub: TaskHub) -> dict[tuple[str, str], str]:
    """The ETag of each record."""
    pages = ((container, hub.app.images.page(container, limit=1000).items) for container in RECORDS)
    return {(container, info.name): info.etag for container, infos in pages for info in infos}


def contents(hub: TaskHub) -> dict[tuple[str, str], bytes]:
    """The content of each record."""
    return {
        (container, name): data for container in RECORDS for name, data in hub.app.images.contents(container).items()
    }


def marks(hub: TaskHub) -> dict[str, str]:
    """The ETag of each mark of an owner."""
    infos = hub.app.host.page(names.OWNERS, limit=1000).items
    return {info.name: info.etag for info in infos if info.name != names.ADOPTED}


def sha256_of(hub: TaskHub, name: str) -> str:
    return whole_life.digests(hub.app)[name]


def of_image(found: dict[tuple[str, str], str], name: str) -> set[tuple[str, str]]:
    """The records of an image."""
    of_steps = {f"{step}/{name}.json" for step in ("analysis", "thumbnails", "text")}
    return {
        (container, record)
        for container, record in found
        if record in {f"{name}.json", f"{name}.txt", *of_steps} or record.rpartition("/")[0] == name
    }


def test_after_the_upgrade_every_image_has_the_state_that_it_had(hub: TaskHub) -> None:
    before = etags(hub)
    assert listed(hub) == STATES
    assert {name: image_states.of_image(hub.app.services, name)["state"] for name in STATES} == STATES
    assert etags(hub) == before
    assert hub.app.vision.asked == []


def test_the_first_reconciliation_starts_nothing_pays_nothing_and_forgets_no_answer(hub: TaskHub) -> None:
    before, stored, under_way = etags(hub), contents(hub), set(hub.instances)
    answers = hub.app.host.contents(names.CACHE)
    ended = hub.reconcile()
    counts = {name: count for name, count in ended["counts"].items() if count}
    assert ended["state"] == "ended"
    gone = of_image(before, "gone.jpg")
    assert counts == {"images": len(STATES), "older": 1, "orphans": 1, "records_deleted": len(gone)}
    # An analysis gets a note in its metadata whether there is text, so that no later look has to read it.
    assert contents(hub) == {record: data for record, data in stored.items() if record not in gone}
    assert {record for record, etag in etags(hub).items() if etag != before[record]} <= {
        record for record in before if record[0] == names.ANALYSIS
    }
    assert hub.app.host.contents(names.CACHE) == answers
    assert set(hub.instances) - under_way == {"reconcile"}
    assert hub.app.vision.asked == []
    assert listed(hub) == STATES


def test_the_first_reconciliation_notes_whose_bytes_all_images_have_of_which_a_record_tells(hub: TaskHub) -> None:
    hub.reconcile()
    digests = whole_life.digests(hub.app)
    assert whole_life.owner_marks(hub.app) == {(name, sha256) for name, sha256 in digests.items() if name != LOST}
    assert "58b5a75b4c1d01f707511b58ea487b7f6e1a8f4839e5d42f010bbdba64a1ae1a" in hub.app.host.contents(names.FORGETTING)


def test_the_second_reconciliation_changes_nothing(hub: TaskHub) -> None:
    hub.reconcile()
    before = (etags(hub), whole_life.owner_marks(hub.app), hub.app.host.contents(names.CACHE))
    hub.pass_time(5)
    ended = hub.reconcile()
    assert {name for name, count in ended["counts"].items() if count} == {"images", "older"}
    assert (etags(hub), whole_life.owner_marks(hub.app), hub.app.host.contents(names.CACHE)) == before


def test_with_an_earlier_moment_the_lost_image_alone_is_started_and_paid() -> None:
    with running(RECONCILE_SINCE="2025-12-01") as hub:
        ended = hub.reconcile()
        assert (ended["counts"]["without_result"], ended["counts"]["started"]) == (1, 1)
        hub.pass_time(600)
        assert listed(hub) == {**STATES, LOST: "complete", "deferred.jpg": "complete"}
        # What slept before is paid by its own appointment.
        paid = {subject for _, subject in hub.app.vision.asked}
        assert paid == {sha256_of(hub, LOST), sha256_of(hub, "deferred.jpg")}
        assert whole_life.paid_twice(hub.app) == {}


@pytest.mark.parametrize("is_adopted", [True, False], ids=["after a reconciliation", "before one"])
@pytest.mark.parametrize("copies", [PHOTOS, LETTERS], ids=lambda copies: copies[0])
@pytest.mark.parametrize("gone", [0, 1], ids=["the first", "the second"])
def test_a_copy_that_is_deleted_leaves_the_others_records_and_answers(
    hub: TaskHub, gone: int, copies: tuple[str, str], is_adopted: bool
) -> None:
    if is_adopted:
        hub.reconcile()
    deleted, kept = copies[gone], copies[1 - gone]
    sha256, before = sha256_of(hub, kept), etags(hub)
    answers = {name for name in hub.app.host.contents(names.CACHE) if name.startswith(sha256)}
    hub.delete(deleted)
    for _ in range(3):
        hub.app.clock.advance(DAY)
        hub.keep_house()
    after = etags(hub)
    assert of_image(after, deleted) == set()
    assert of_image(after, kept) == of_image(before, kept)
    assert {name for name in hub.app.host.contents(names.CACHE) if name.startswith(sha256)} == answers
    assert listed(hub)[kept] == "complete"
    assert sha256 not in {subject for _, subject in hub.app.vision.asked}


@pytest.mark.parametrize("is_adopted", [True, False], ids=["after a reconciliation", "before one"])
@pytest.mark.parametrize("copies", [PHOTOS, LETTERS], ids=lambda copies: copies[0])
def test_when_the_last_copy_is_deleted_the_answers_are_forgotten_after_a_day(
    hub: TaskHub, copies: tuple[str, str], is_adopted: bool
) -> None:
    if is_adopted:
        hub.reconcile()
    sha256 = sha256_of(hub, copies[0])
    for name in copies:
        hub.delete(name)
    hub.keep_house()
    hub.app.clock.advance(DAY - 3600)
    hub.keep_house()
    assert sha256 in whole_life.subjects(hub.app)
    for _ in range(2):
        hub.app.clock.advance(DAY)
        hub.keep_house()
    assert sha256 not in whole_life.subjects(hub.app)
    assert not [name for name in hub.app.host.contents(names.OWNERS) if name.startswith(sha256)]
    assert sha256 not in hub.app.host.contents(names.FORGETTING)
    assert not [record for name in copies for record in of_image(etags(hub), name)]


def test_answers_about_bytes_that_were_overwritten_before_the_upgrade_go_after_a_month(hub: TaskHub) -> None:
    hub.reconcile()
    owned = {sha256 for _, sha256 in whole_life.owner_marks(hub.app)}
    unowned = whole_life.subjects(hub.app) - owned
    assert len(unowned) == 4  # the first of twice.jpg, gone.jpg, and what was asked over HTTP
    hub.app.clock.advance(31 * DAY)
    hub.reconcile()
    hub.pass_time(600)
    # Of the image that slept there is an answer now.
    assert whole_life.subjects(hub.app) & unowned == set()
    assert whole_life.subjects(hub.app) >= owned - {sha256_of(hub, "notes.txt"), sha256_of(hub, "deferred.jpg")}
    by_digest = [name for container in RECORDS for name in hub.app.images.contents(container) if name[:3] == "by-"]
    assert by_digest == []
