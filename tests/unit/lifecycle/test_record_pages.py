"""Records whose image is gone, found by the names of records."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles import whole_life
from doubles.documents import text_pdf
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.errors import ConflictError, StorageRefusedError, VisionUnavailableError
from shared.lifecycle import first_start, pages, plans, record_pages, walks

RED, BLUE, GREEN = (picture(colour=colour) for colour in ((200, 0, 0), (0, 0, 200), (0, 200, 0)))
LETTER = text_pdf("Dear reader,")
LONG = f"folder/{'n' * 950}.jpg"


def begun(**settings: str) -> TaskHub:
    hub = TaskHub(parts(**{"THUMBNAIL_SIZES": "100x50,64x64", **settings}))
    first_start.note(hub.app.services)
    hub.app.clock.advance(60)
    return hub


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    hub = begun()
    with hub.running():
        yield hub


def counts(hub: TaskHub) -> dict[str, int]:
    ended = hub.reconcile()
    assert ended["state"] == "ended", ended
    return {name: count for name, count in ended["counts"].items() if count}


def without_event(hub: TaskHub, *gone: str) -> None:
    """Delete images; their events are lost."""
    hub.pass_time(60)
    for name in gone:
        hub.app.images.delete(names.IMAGES, name)


def test_records_of_every_kind_of_image_that_is_gone_go(hub: TaskHub) -> None:
    hub.upload("stays.jpg", GREEN)
    hub.upload("photo.jpg", RED)
    hub.upload("letter.pdf", LETTER)
    hub.upload("no-image.jpg", b"no image at all")
    hub.upload("by-sha256/odd.jpg", BLUE)
    hub.upload(LONG, picture(colour=(1, 2, 3)))
    without_event(hub, "photo.jpg", "letter.pdf", "no-image.jpg", "by-sha256/odd.jpg", LONG)
    # 3 of each picture, the two texts, the note.
    assert counts(hub) == {"images": 1, "orphans": 5, "records_deleted": 3 * 3 + 2 + 1}
    whole_life.check(hub.app)


@pytest.mark.parametrize(
    ("left", "record"),
    [
        (names.ANALYSIS, "photo.jpg.json"),
        (names.THUMBNAILS, "photo.jpg/100x50-smart.jpg"),
        (names.TEXT, "photo.jpg.txt"),
        (names.UNFINISHED, "thumbnails/photo.jpg.json"),
    ],
)
def test_one_record_of_any_phase_is_enough(hub: TaskHub, left: str, record: str) -> None:
    hub.app.images.write(left, record, b"{}", content_type=names.JSON)
    assert counts(hub) == {"orphans": 1, "records_deleted": 1}
    assert record not in hub.app.images.contents(left)


def test_an_image_with_a_name_that_begins_like_another_keeps_its_records(hub: TaskHub) -> None:
    for number, name in enumerate(("a", "a/b", "a/b/c.jpg", "a.json", "a.jpg", "a-1.jpg", "a.jpg.json")):
        hub.upload(name, picture(colour=(number, 9, 9)))
    without_event(hub, "a/b", "a.jpg")
    assert counts(hub) == {"images": 5, "orphans": 2, "records_deleted": 6}
    whole_life.check(hub.app)


def test_what_came_over_http_and_blobs_of_others_are_no_images_records(hub: TaskHub) -> None:
    strange = [
        (names.TEXT, "by-sha256/0000/read.json"),
        (names.THUMBNAILS, "by-sha256/0000/10x10-smart.jpg"),
        (names.ANALYSIS, "notes.md"),
        (names.THUMBNAILS, "loose.jpg"),
        (names.UNFINISHED, "other/thing.json"),
    ]
    for container, name in strange:
        hub.app.images.write(container, name, b"{}", content_type=names.JSON)
    assert counts(hub) == {}
    for container, name in strange:
        assert name in hub.app.images.contents(container)


def test_folders_of_records_are_passed_over(hub: TaskHub) -> None:
    hub.app.images.write(names.THUMBNAILS, "a/b.jpg", b"", content_type=names.BYTES, metadata={"hdi_isfolder": "true"})
    assert counts(hub) == {}


def test_a_folder_in_the_place_of_an_image_is_none(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    without_event(hub, "photo.jpg")
    hub.app.images.write(names.IMAGES, "photo.jpg", b"", content_type=names.BYTES, metadata={"hdi_isfolder": "true"})
    assert counts(hub)["orphans"] == 1


def test_a_record_whose_name_tells_no_image_and_of_which_no_name_is_known_stays(hub: TaskHub) -> None:
    stem = f"long/{'0' * 64}"
    hub.app.images.write(names.THUMBNAILS, f"{stem}/100x50-smart.jpg", b"x", content_type=names.JPEG)
    assert counts(hub) == {}
    assert len(hub.app.images.contents(names.THUMBNAILS)) == 1


@pytest.mark.parametrize("known_by", ["owner", "analysis", "text", "unfinished"])
def test_a_long_name_is_known_by_the_owners_mark_or_by_a_document(hub: TaskHub, known_by: str) -> None:
    stem = names.stem(LONG)
    document = json.dumps({"source": {"name": LONG}}).encode()
    hub.app.images.write(
        names.THUMBNAILS, f"{stem}/64x64-smart.jpg", b"x", content_type=names.JPEG, metadata={"sourcesha256": "ab"}
    )
    if known_by == "owner":
        hub.app.host.write(names.OWNERS, names.owner("ab", LONG), LONG.encode(), content_type=names.PLAIN)
    else:
        place = names.unfinished("text", LONG) if known_by == "unfinished" else f"{stem}.json"
        hub.app.images.write(known_by, place, document, content_type=names.JSON)
    assert counts(hub)["orphans"] == 1
    assert hub.app.images.contents(names.THUMBNAILS) == {}


def test_a_folder_called_like_the_place_of_long_names_is_walked_once_a_page(hub: TaskHub) -> None:
    for number in range(8):
        hub.upload(f"long/{number}.jpg", picture(colour=(number, 0, 0)))
    hub.pass_time(60)
    counts(hub)
    heads: list[str] = []
    hub.app.images.before = lambda operation, container, name: (
        heads.append(f"{container}/{name}") if operation == "head" and container != names.IMAGES else None
    )
    without_event(hub, "long/3.jpg")
    heads.clear()
    assert counts(hub) == {"images": 7, "orphans": 1, "records_deleted": 3}
    # Of the one that is gone.
    assert {head for head in heads if names.stem("long/3.jpg") not in head} == set()


def test_a_report_counts_each_image_that_is_gone_once_and_deletes_nothing() -> None:
    hub = begun(RECONCILE="report")
    with hub.running():
        hub.app.vision.tags = {"text": 0.9}
        hub.upload("sign.jpg", RED)
        hub.upload("letter.pdf", LETTER)
        hub.app.vision.failing = VisionUnavailableError("down")
        hub.upload("deferred.jpg", BLUE)
        hub.app.vision.failing = None
        without_event(hub, "sign.jpg", "letter.pdf", "deferred.jpg")
        before = {container: hub.app.images.contents(container) for container in (names.ANALYSIS, names.TEXT)}
        assert counts(hub) == {"orphans": 3}
        assert {container: hub.app.images.contents(container) for container in before} == before


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_of_any_size_find_the_same(size: int, hub: TaskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_pages, "_RECORDS", size)
    for number in range(6):
        hub.upload(f"{number}/photo.jpg", picture(colour=(number, 0, 0)))
    hub.upload("letter.pdf", LETTER)
    without_event(hub, "1/photo.jpg", "2/photo.jpg", "5/photo.jpg", "letter.pdf")
    assert counts(hub) == {"images": 3, "orphans": 4, "records_deleted": 11}
    whole_life.check(hub.app)


def test_a_page_that_takes_too_long_ends_early_and_the_next_forgets_the_rest(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PART", 2)
    monkeypatch.setattr(pages, "SECONDS", -1.0)
    gone = [f"{number}.jpg" for number in range(5)]
    for number, name in enumerate(gone):
        hub.upload(name, picture(colour=(number, 0, 0)))
    without_event(hub, *gone)
    work: Any = {"plan": plans.by_request(hub.app.services), "phase": "analysis", "continuation": None}
    orphans: list[int] = []
    while not orphans or work["continuation"]:
        page = record_pages.page(hub.app.services, work)
        work["continuation"] = page.continuation
        orphans.append(page.counts["orphans"])
    assert orphans == [2, 2, 1]
    assert hub.app.images.contents(names.ANALYSIS) == hub.app.images.contents(names.THUMBNAILS) == {}


def test_an_image_that_comes_back_meanwhile_keeps_what_is_its_own(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    without_event(hub, "photo.jpg")

    def before(operation: str, container: str, name: str) -> None:
        if (operation, container, name) == ("head", names.ANALYSIS, "photo.jpg.json"):
            hub.app.images.before = None
            hub.app.images.write(names.IMAGES, "photo.jpg", RED, content_type="image/jpeg")

    hub.app.images.before = before
    hub.reconcile()
    assert hub.app.images.before is None
    hub.deliver("photo.jpg")
    hub.pass_time(60)
    counts(hub)
    whole_life.check(hub.app)


@pytest.mark.parametrize("content", [b'{"source": 5}', b'{"source": null}', b'{"source": {"name": 7}}', b"[]", b"\xff"])
def test_a_record_that_is_damaged_and_tells_no_name_stays_and_stops_nothing(hub: TaskHub, content: bytes) -> None:
    record = f"{names.LONG}{'a' * 64}.json"
    hub.app.images.write(names.ANALYSIS, record, content, content_type=names.JSON)
    assert counts(hub) == {}
    assert record in hub.app.images.contents(names.ANALYSIS)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"another.jpg"])
def test_a_mark_that_is_damaged_stops_nothing_and_a_document_tells_the_name(hub: TaskHub, content: bytes) -> None:
    hub.upload(LONG, RED)
    hub.upload("another.jpg", GREEN)
    (mark,) = (name for name in hub.app.host.contents(names.OWNERS) if names.LONG in name)
    hub.app.host.write(names.OWNERS, mark, content, content_type=names.PLAIN)
    assert counts(hub) == {"images": 2}
    without_event(hub, LONG)
    assert counts(hub) == {"images": 1, "orphans": 1, "records_deleted": 3}
    whole_life.check(hub.app)


@pytest.mark.parametrize("error", [ConflictError, StorageRefusedError])
@pytest.mark.parametrize("is_listed", [True, False])
def test_one_image_that_storage_tells_nothing_of_ends_no_comparison(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch, error: type[Exception], is_listed: bool
) -> None:
    hub.upload("closed.jpg", RED)
    hub.upload("gone.jpg", BLUE)
    without_event(hub, "gone.jpg")

    def before(operation: str, container: str, name: str) -> None:
        if name == "closed.jpg" and container == names.IMAGES:
            raise error("its owner has the key")

    hub.app.images.before = before
    if not is_listed:
        monkeypatch.setattr(walks, "images_of", lambda *given: (set(), None))
    assert counts(hub) == {"images": 1, "orphans": 1, "records_deleted": 3}
    hub.app.images.before = None
    whole_life.check(hub.app)
