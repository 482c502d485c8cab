"""Thumbnails that a killed process has not cut as the correction says are cut at night, for nothing."""

from collections.abc import Iterator

import pytest
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.durable import appointments
from shared.lifecycle import deletion
from shared.records import corrections, seen_bytes
from shared.records.corrections import Correction
from shared.records.thumbnails import FOCAL
from shared.thumbnails import recut

LONG = f"{'l' * 950}.jpg"
DAY = 86_400.0
POINT = Correction(focal=(0.25, 0.5))
RED = picture("JPEG", 240, 120, colour=(200, 0, 0))
BLUE = picture("JPEG", 240, 120, colour=(0, 0, 200))


def hub_of(**settings: str) -> TaskHub:
    return TaskHub(parts(THUMBNAIL_SIZES="100x50,40x40", **settings))


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    hub = hub_of()
    with hub.running():
        yield hub


def say(app: Parts, name: str, correction: Correction = POINT) -> None:
    """What a PUT does until it is killed before it cuts."""
    info = app.images.head(names.IMAGES, name)
    assert info is not None
    corrections.write(app.images, seen_bytes.version(app.images, info), correction, app.clock)


def night(hub: TaskHub) -> None:
    hub.app.clock.advance(DAY)
    hub.keep_house()
    hub.pass_time(20)


def cuts(app: Parts, name: str) -> set[str]:
    page = app.images.page(names.THUMBNAILS, prefix=names.thumbnails(name))
    return {info.metadata.get(FOCAL, "") for info in page.items if info.size}


def tries(hub: TaskHub, name: str) -> list[str]:
    return [key for key in hub.instances if key == appointments.of_focal_point(name).instance_id]


@pytest.mark.parametrize("name", ["a.jpg", "dir/ä b.jpg", LONG], ids=["short", "folder", "long"])
@pytest.mark.parametrize("directories", [False, True])
def test_a_correction_whose_writer_was_killed_before_it_cut_is_followed_at_night(name: str, directories: bool) -> None:
    hub = hub_of()
    hub.app.images.has_directories = directories
    with hub.running():
        hub.upload(name, RED)
        hub.upload("other.jpg", BLUE)
        hub.pass_time(60)
        paid = len(hub.app.vision.asked)
        say(hub.app, name)
        hub.app.services.index_writer.flush()
        night(hub)
        assert (cuts(hub.app, name), cuts(hub.app, "other.jpg")) == ({"0.25,0.5"}, {""})
        assert len(hub.app.vision.asked) == paid
        assert tries(hub, "other.jpg") == []


def test_a_focal_point_that_is_gone_is_followed_too(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    hub.pass_time(60)
    say(hub.app, "a.jpg")
    recut.recut(hub.app.services, "a.jpg")
    say(hub.app, "a.jpg", Correction("A zebra"))
    night(hub)
    assert cuts(hub.app, "a.jpg") == {""}


def test_an_heir_whose_appointment_was_never_handed_over_is_cut_at_night(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    say(hub.app, "a.jpg")
    recut.recut(hub.app.services, "a.jpg")
    hub.upload("b.jpg", RED)
    hub.pass_time(60)
    hub.app.images.delete(names.IMAGES, "a.jpg")
    heirs: list[str] = []
    deletion.forget(hub.app.services, "a.jpg", heir=heirs.append)
    assert (heirs, cuts(hub.app, "b.jpg")) == (["b.jpg"], {""})
    night(hub)
    assert cuts(hub.app, "b.jpg") == {"0.25,0.5"}


def test_what_is_cut_as_it_is_to_be_costs_no_look_and_no_try(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    hub.upload("b.jpg", BLUE)
    hub.pass_time(60)
    say(hub.app, "a.jpg")
    recut.recut(hub.app.services, "a.jpg")
    night(hub)
    asked: list[str] = []
    hub.app.images.before = lambda operation, container, name: asked.append(f"{operation} {container}")
    night(hub)
    assert f"read {names.CORRECTIONS}" not in asked
    assert tries(hub, "a.jpg") == []


def test_a_report_cuts_nothing() -> None:
    hub = hub_of(RECONCILE="report")
    with hub.running():
        hub.upload("a.jpg", RED)
        hub.pass_time(60)
        say(hub.app, "a.jpg")
        night(hub)
        assert cuts(hub.app, "a.jpg") == {""}


def test_to_cut_anew_takes_no_turn_from_images_that_are_to_be_asked_about(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    hub.pass_time(60)
    say(hub.app, "a.jpg")
    night(hub)
    assert tries(hub, "a.jpg")
    assert hub.app.services.quota.outlook().backlog_calls == 0
    assert hub.app.services.quota.spending().backlog == 0.0
