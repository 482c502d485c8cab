"""A directory with images is renamed or deleted: from its event to what there is at the end."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.documented_events import decoded, deleted, directory_deleted, directory_renamed, renamed
from doubles.http_requests import invocation
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.lifecycle import first_start
from shared.uploads import steps
from StorageEvents import main

RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)


@pytest.fixture
def lake(app: Parts) -> Parts:
    """The images are in an account with directories, and the app has run before they came."""
    first_start.note(app.services)
    app.clock.advance(1)
    app.images.has_directories = True
    return app


@pytest.fixture
def hub(lake: Parts) -> Iterator[TaskHub]:
    with TaskHub(lake).running() as hub:
        yield hub


def tell(body: Any) -> None:
    asyncio.run(main(decoded(body), "the durable client's binding", invocation()))


def put(app: Parts, name: str, colour: int) -> None:
    app.images.write(names.IMAGES, name, picture(colour=(colour, 0, 0)), content_type="image/jpeg")


def processed(app: Parts, *found: str) -> None:
    for number, name in enumerate(found):
        put(app, name, 10 * number)
        steps.process(app.services, name, None)


def files(app: Parts) -> list[str]:
    """The records, without the directories."""
    return [
        f"{container}/{name}"
        for container in RECORDS
        for name in app.images.contents(container)
        if not app.images.head(container, name).metadata.get("hdi_isfolder")  # type: ignore[union-attr]
    ]


def wanted(*found: str) -> list[str]:
    analyses = [f"analysis/{name}.json" for name in sorted(found)]
    return [*analyses, *(f"thumbnails/{name}/100x50-smart.jpg" for name in sorted(found))]


def test_all_images_of_a_renamed_directory_have_their_records_without_a_call(lake: Parts, hub: TaskHub) -> None:
    processed(lake, "2025/a.jpg", "2025/sub/b.jpg", "2025b.jpg")
    paid = lake.vision.count()
    lake.images.rename(names.IMAGES, "2025", "album")
    tell(directory_renamed("2025", "album"))
    hub.pass_time(60)
    assert files(lake) == wanted("2025b.jpg", "album/a.jpg", "album/sub/b.jpg")
    assert lake.vision.count() == paid
    # No directory of records tells the former name.
    assert not [name for container in RECORDS for name in lake.images.contents(container) if name.startswith("2025/")]
    before = files(lake)
    tell(directory_renamed("2025", "album"))
    hub.pass_time(60)
    assert (files(lake), lake.vision.count()) == (before, paid)


def test_images_older_than_the_app_keep_their_result_and_get_none_that_they_had_not(app: Parts) -> None:
    app.images.has_directories = True
    processed(app, "old/done.jpg")
    put(app, "old/never.jpg", 200)
    app.clock.advance(3600)
    first_start.note(app.services)
    paid = app.vision.count()
    with TaskHub(app).running() as hub:
        app.images.rename(names.IMAGES, "old", "new")
        tell(directory_renamed("old", "new"))
        hub.pass_time(60)
    assert files(app) == wanted("new/done.jpg")
    assert app.vision.count() == paid


def test_a_directory_that_comes_from_another_container_is_uploaded_however_old_it_is(app: Parts) -> None:
    app.images.has_directories = True
    put(app, "in/a.jpg", 1)
    app.clock.advance(3600)
    first_start.note(app.services)
    with TaskHub(app).running() as hub:
        tell(directory_renamed("/staging/in", "in"))
        hub.pass_time(60)
    assert files(app) == wanted("in/a.jpg")


def test_the_records_of_a_deleted_directory_go_and_no_others(lake: Parts, hub: TaskHub) -> None:
    processed(lake, "album/a.jpg", "album/sub/b.jpg", "album2/c.jpg", "d.jpg")
    for name in ("album/sub/b.jpg", "album/sub", "album/a.jpg", "album"):
        lake.images.delete(names.IMAGES, name)
    tell(directory_deleted("album"))
    hub.pass_time(60)
    assert files(lake) == wanted("album2/c.jpg", "d.jpg")


def test_an_image_that_is_there_again_when_its_directory_is_told_deleted_keeps_its_records(
    lake: Parts, hub: TaskHub
) -> None:
    processed(lake, "album/a.jpg")
    tell(directory_deleted("album"))
    hub.pass_time(60)
    assert files(lake) == wanted("album/a.jpg")


@pytest.mark.parametrize("seed", range(12))
def test_renames_and_deletions_told_late_twice_and_in_any_order_end_with_the_records_of_what_there_is(
    lake: Parts, hub: TaskHub, seed: int
) -> None:
    """Each image that there is has its records, nothing is left of others, and no bytes were paid twice."""
    chance = random.Random(seed)
    processed(lake, *(f"{folder}/{number}.jpg" for folder in "ab" for number in range(3)))
    paid = lake.vision.count()
    told: list[Any] = []
    for number in range(6):
        there = [
            name
            for name in lake.images.contents(names.IMAGES)
            if not lake.images.head(names.IMAGES, name).metadata.get("hdi_isfolder")  # type: ignore[union-attr]
        ]
        if not there:
            break
        name, identity = chance.choice(there), f"{seed}-{number}"
        folder, _, file = name.partition("/")
        match chance.choice(["delete", "file", "directory"]):
            case "delete":
                lake.images.delete(names.IMAGES, name)
                told.append(deleted(name, id=identity))
            case "file":
                lake.images.rename(names.IMAGES, name, f"{folder}/r{number}-{file}")
                told.append(renamed(name, f"{folder}/r{number}-{file}", id=identity))
            case _:
                lake.images.rename(names.IMAGES, folder, f"d{number}")
                told.append(directory_renamed(folder, f"d{number}", id=identity))
    deliveries = told * 2
    chance.shuffle(deliveries)
    for each in deliveries:
        tell(each)
        hub.pass_time(chance.choice([0, 1, 30]))
    hub.pass_time(120)
    there = [
        name
        for name in lake.images.contents(names.IMAGES)
        if not lake.images.head(names.IMAGES, name).metadata.get("hdi_isfolder")  # type: ignore[union-attr]
    ]
    assert files(lake) == wanted(*there)
    assert lake.vision.count() == paid
