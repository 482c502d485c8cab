"""An image is renamed, moved with its directory, or copied and deleted: its correction comes along, for nothing."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.documented_events import decoded, deleted, directory_renamed, renamed
from doubles.http_requests import answered, invocation, parsed, request
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

import CorrectionsHttp
from shared import names
from shared.errors import BusyError
from shared.lifecycle import first_start
from shared.records.thumbnails import FOCAL
from shared.thumbnails import recut
from shared.uploads import steps
from StorageEvents import main

SAID = {"caption": "A zebra", "focal": [0.25, 0.5]}
POINT = "0.25,0.5"


@pytest.fixture
def hub(app: Parts) -> Iterator[TaskHub]:
    first_start.note(app.services)
    app.clock.advance(1)
    with TaskHub(app).running() as hub:
        yield hub


def tell(body: Any) -> None:
    asyncio.run(main(decoded(body), "the durable client's binding", invocation()))


def put(app: Parts, name: str, colour: int = 10) -> None:
    data = picture("JPEG", 240, 120, colour=(colour, 0, 0))
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def corrected(app: Parts, name: str, colour: int = 10) -> None:
    """An upload whose records are there, and a correction of it."""
    put(app, name, colour)
    steps.process(app.services, name, None)
    said = answered(CorrectionsHttp.main, request("PUT", SAID, route={"name": name}))
    assert parsed(said)["recut"] == 1


def told(app: Parts, name: str) -> dict[str, Any]:
    found = parsed(answered(CorrectionsHttp.main, request("GET", route={"name": name})))
    assert {key: found[key] for key in SAID} == SAID
    return found


def marks(app: Parts, name: str) -> list[str | None]:
    page = app.images.page(names.THUMBNAILS, prefix=names.thumbnails(name))
    return [info.metadata.get(FOCAL) for info in page.items if info.size]


def corrections(app: Parts) -> list[str]:
    """Of every image, without the directories."""
    page = app.images.page(names.CORRECTIONS)
    return [info.name for info in page.items if info.size]


def test_a_renamed_file_takes_its_correction_along(app: Parts, hub: TaskHub) -> None:
    app.images.has_directories = True
    corrected(app, "in/a.jpg")
    paid = app.vision.count()
    app.images.rename(names.IMAGES, "in/a.jpg", "album/b.jpg")
    for _ in range(2):
        tell(renamed("in/a.jpg", "album/b.jpg"))
        hub.pass_time(5)
        assert told(app, "album/b.jpg")["current"] is True
        assert marks(app, "album/b.jpg") == [POINT]
    assert corrections(app) == ["album/b.jpg.json"]
    assert app.vision.count() == paid
    assert not app.host.contents(names.KEPT_CORRECTIONS)


def test_a_renamed_directory_takes_those_of_all_its_images_along(app: Parts, hub: TaskHub) -> None:
    app.images.has_directories = True
    for number, name in enumerate(("2025/a.jpg", "2025/sub/b.jpg", "other/c.jpg")):
        corrected(app, name, 10 + 50 * number)
    paid = app.vision.count()
    app.images.rename(names.IMAGES, "2025", "album")
    for _ in range(2):
        tell(directory_renamed("2025", "album"))
        hub.pass_time(120)
        assert corrections(app) == ["album/a.jpg.json", "album/sub/b.jpg.json", "other/c.jpg.json"]
        for name in ("album/a.jpg", "album/sub/b.jpg"):
            told(app, name)
            assert marks(app, name) == [POINT]
    assert app.vision.count() == paid
    # No directory tells the former name.
    assert not [name for name in app.images.contents(names.CORRECTIONS) if name.startswith("2025")]


@pytest.mark.parametrize("first", ["copy", "deletion"])
def test_a_copy_and_a_deletion_are_a_rename_in_any_order(app: Parts, hub: TaskHub, first: str) -> None:
    corrected(app, "a.jpg")
    paid = app.vision.count()
    blob = app.images.read(names.IMAGES, "a.jpg")
    assert blob is not None
    app.images.write(names.IMAGES, "b.jpg", blob.data, content_type="image/jpeg")
    app.images.delete(names.IMAGES, "a.jpg")

    def copy() -> None:
        steps.process(app.services, "b.jpg", blob.data)

    events = [copy, lambda: tell(deleted("a.jpg"))]
    for event in events if first == "copy" else reversed(events):
        event()
        hub.pass_time(5)
    assert told(app, "b.jpg")["current"] is True
    assert marks(app, "b.jpg") == [POINT]
    assert corrections(app) == ["b.jpg.json"]
    assert app.vision.count() == paid
    tell(deleted("a.jpg"))
    hub.pass_time(5)
    assert corrections(app) == ["b.jpg.json"]


def test_thumbnails_are_cut_later_where_that_was_not_possible_at_once(
    app: Parts, hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected(app, "a.jpg")
    put(app, "b.jpg")
    steps.process(app.services, "b.jpg", None)
    app.images.delete(names.IMAGES, "a.jpg")
    tell(deleted("a.jpg"))

    def busy(*_: object) -> int:
        raise BusyError("Too many pictures are being decoded.", retry_after_seconds=10)

    with monkeypatch.context() as patched:
        patched.setattr(recut, "recut", busy)
        hub.pass_time(5)
        assert marks(app, "b.jpg") == [None]
    hub.pass_time(60)
    assert marks(app, "b.jpg") == [POINT]


def test_an_undeleted_image_has_its_correction_back(app: Parts, hub: TaskHub) -> None:
    corrected(app, "a.jpg")
    blob = app.images.read(names.IMAGES, "a.jpg")
    assert blob is not None
    app.images.delete(names.IMAGES, "a.jpg")
    tell(deleted("a.jpg"))
    assert corrections(app) == []
    app.images.restore(names.IMAGES, blob)
    steps.process(app.services, "a.jpg", None)
    assert told(app, "a.jpg")["current"] is True
    assert marks(app, "a.jpg") == [POINT]
