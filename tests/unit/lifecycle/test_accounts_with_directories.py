"""A reconciliation of an account in which directories are real: they are no images, no records and in no one's way."""

import random

import pytest
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.lifecycle import first_start, image_pages, plans
from shared.lifecycle.reconcile_loop import PageWork
from shared.storage import image_blobs
from shared.uploads import steps

RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)


@pytest.fixture
def lake() -> Parts:
    app = parts(THUMBNAIL_SIZES="100x50", TEXT_MODE="never")
    first_start.note(app.services)
    app.clock.advance(1)
    app.images.has_directories = True
    return app


def files(blobs: MemoryBlobs, container: str) -> list[str]:
    found = (blobs.head(container, name) for name in blobs.contents(container))
    return [info.name for info in found if info and not image_blobs.is_folder_marker(info)]


@pytest.mark.parametrize("seed", range(4))
def test_lost_uploads_are_done_and_records_of_lost_deletions_go_whatever_lies_in_which_directory(
    lake: Parts, seed: int
) -> None:
    chance = random.Random(seed)
    # Neighbours whose order by path is another one than by letters.
    folders = ["", "a/", "a-b/", "a.b/", "a/b/", "a/b/c/", "z/"]
    pictures = [picture(colour=(6 * number, 255 - 6 * number, 9)) for number in range(40)]
    for number in range(40):
        name = f"{chance.choice(folders)}{chance.choice('abc')}{number}.jpg"
        lake.images.write(names.IMAGES, name, pictures[number], content_type="image/jpeg")
        if chance.random() < 0.6:
            steps.process(lake.services, name, None)
            if chance.random() < 0.4:
                lake.images.delete(names.IMAGES, name)
    images = files(lake.images, names.IMAGES)
    lake.clock.advance(7200)
    with TaskHub(lake).running() as hub:
        hub.reconcile()
        hub.pass_time(900)
    assert sorted(files(lake.images, names.ANALYSIS)) == sorted(f"{name}.json" for name in images)
    assert sorted(files(lake.images, names.THUMBNAILS)) == sorted(f"{name}/100x50-smart.jpg" for name in images)
    assert lake.vision.count()["analyze"] == len(set(pictures))
    # No directory is left in which there is no record.
    for container in RECORDS:
        found = list(lake.images.contents(container))
        empty = [name for name in found if name not in files(lake.images, container)]
        assert [name for name in empty if not any(each.startswith(f"{name}/") for each in found)] == []
    before = {container: lake.images.contents(container) for container in RECORDS}
    with TaskHub(lake).running() as hub:
        lake.clock.advance(7200)
        hub.reconcile()
        hub.pass_time(900)
    assert {container: lake.images.contents(container) for container in RECORDS} == before


def test_a_page_that_was_broken_off_at_an_image_that_is_gone_by_now_leaves_none_out(
    lake: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here `a/y.jpg` comes before `a.jpg`, and by letters after it."""
    monkeypatch.setattr("shared.lifecycle.pages.SECONDS", 0.0)
    monkeypatch.setattr("shared.lifecycle.pages.PART", 2)
    for number, name in enumerate(("a/x.jpg", "a/y.jpg", "a.jpg", "b.jpg")):
        lake.images.write(names.IMAGES, name, picture(colour=(0, 60 * number, 0)), content_type="image/jpeg")
    lake.clock.advance(7200)
    work: PageWork = {
        "plan": plans.by_request(lake.services),
        "phase": "images",
        "continuation": None,
        "counts": {},
        "ended": False,
    }
    first = image_pages.page(lake.services, work)
    assert [each.name for each in first.left] == ["a/x.jpg", "a/y.jpg"]
    lake.images.delete(names.IMAGES, "a/y.jpg")
    found: list[str] = []
    continuation = first.continuation
    while continuation:
        page = image_pages.page(lake.services, {**work, "continuation": continuation})
        found += [each.name for each in page.left]
        continuation = page.continuation
    assert found == ["a/x.jpg", "a.jpg", "b.jpg"]
