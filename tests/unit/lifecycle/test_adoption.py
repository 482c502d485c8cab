"""Images of earlier versions have no marks at first, and keep their answers all the same."""

from typing import Any

import pytest
from doubles.cleaning import DAY, adopted, run, work
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture

from shared import names
from shared.images import ImageBytes
from shared.lifecycle import adoption, answer_pages, digest_pages, image_pages, plans
from shared.lifecycle.reconcile_loop import CLEANING, COMPARING, INDEXING
from shared.uploads import steps
from shared.vision import questions

PICTURES = {f"{number}.jpg": picture(colour=(number * 20, 0, 0)) for number in range(5)}
SENT = picture(colour=(0, 200, 0))


@pytest.fixture
def upgraded() -> Parts:
    """Five images and the answer of a caller, as the version before has left them a hundred days ago."""
    app = parts()
    for name, data in PICTURES.items():
        app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        steps.process(app.services, name, data)
    app.services.answers.ask(questions.describe(), ImageBytes(SENT))
    app.clock.advance(DAY)  # the leases have lapsed
    for container in (names.OWNERS, names.FORGETTING):
        for name in app.host.contents(container):
            app.host.delete(container, name)
    for name, data in app.host.contents(names.CACHE).items():
        app.host.write(names.CACHE, name, data, content_type=names.JSON)  # without the metadata of today
    app.clock.advance(100 * DAY)
    return app


def subjects(app: Parts) -> set[str]:
    return {names.subject(name) for name in app.host.contents(names.CACHE)}


def clean(app: Parts) -> None:
    run(app, answer_pages.forgetting)
    run(app, answer_pages.answers)
    run(app, digest_pages.by_digest)


OF_IMAGES = {ImageBytes(data).subject for data in PICTURES.values()}
ALL = {*OF_IMAGES, ImageBytes(SENT).subject}


@pytest.mark.parametrize("mode", ["repair", "report"])
def test_the_first_comparison_adopts_all_images_whatever_its_mode(upgraded: Parts, mode: str) -> None:
    run(upgraded, image_pages.page, mode)
    clean(upgraded)
    assert subjects(upgraded) == OF_IMAGES
    marks = set(upgraded.host.contents(names.OWNERS)) - {names.ADOPTED}
    assert marks == {names.owner(ImageBytes(data).subject, name) for name, data in PICTURES.items()}


def test_a_comparison_that_came_to_no_end_has_adopted_nothing(upgraded: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pages, "_IMAGES", 2)
    page = image_pages.page(upgraded.services, work(upgraded, "images"))
    assert page.continuation is not None
    clean(upgraded)
    assert subjects(upgraded) == ALL


def test_the_comparison_of_a_directory_adopts_no_others(upgraded: Parts) -> None:
    one = work(upgraded, "images")
    one["plan"]["images_prefix"] = "1"
    assert image_pages.page(upgraded.services, one).continuation is None
    assert adoption.since(upgraded.services) is None


@pytest.mark.parametrize("reconcile", ["repair", "report", "off"])
def test_whatever_the_setting_one_night_adopts_and_then_cleans(upgraded: Parts, reconcile: str) -> None:
    app = restarted(upgraded, RECONCILE=reconcile)
    asked = list(app.vision.asked)
    plan = plans.by_timer(app.services)
    phases: dict[str, Any] = {
        "images": image_pages.page,
        "forgetting": answer_pages.forgetting,
        "answers": answer_pages.answers,
        "by_digest": digest_pages.by_digest,
    }
    for phase in plan["phases"]:
        if phase in phases:
            run(app, phases[phase], plan["mode"])
    assert subjects(app) == OF_IMAGES
    assert app.vision.asked == asked


def test_where_the_comparison_is_off_it_adopts_once_and_starts_nothing() -> None:
    app = parts(RECONCILE="off")
    plan = plans.by_timer(app.services)
    assert (plan["phases"], plan["mode"]) == (["images", *CLEANING, *INDEXING], "report")
    adopted(app)
    assert plans.by_timer(app.services)["phases"] == list(CLEANING + INDEXING)
    assert plans.by_timer(restarted(app, RECONCILE="report").services)["phases"] == list(
        COMPARING + CLEANING + INDEXING
    )
    # A caller's comparison is whole, whatever the setting says.
    assert plans.by_request(app.services)["mode"] == "repair"
