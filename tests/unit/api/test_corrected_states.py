"""Corrections in the states of images: they win, and a page of images costs no request for each."""

from collections import Counter

import pytest
from doubles.clock import FakeClock
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.api import finished_images, image_states, pending_steps
from shared.records import corrections
from shared.records.corrections import Correction
from shared.records.versions import UnreadVersion
from shared.uploads import steps

SAID = Correction("A zebra", "A zebra at a fence", ("zebra",), ("outdoor",), (0.25, 0.5))


@pytest.fixture
def app() -> Parts:
    return parts(THUMBNAIL_SIZES="100x50")


def upload(app: Parts, *images: str, process: bool = True) -> None:
    for name in images:
        app.images.write(names.IMAGES, name, picture(), content_type="image/jpeg")
        if process:
            steps.process(app.services, name, None)


def say(app: Parts, name: str, correction: Correction = SAID) -> None:
    info = app.images.head(names.IMAGES, name)
    assert info is not None
    version = UnreadVersion(name, info.etag, info.size)
    corrections.write(app.images, version, correction, app.clock)


def counted(app: Parts) -> Counter[tuple[str, str]]:
    """From now on, how often storage is asked for what, by operation and container."""
    found: Counter[tuple[str, str]] = Counter()

    def count(operation: str, container: str, name: str) -> None:
        found[operation, container] += 1

    app.images.before = count
    return found


def test_caption_and_tags_of_one_image_are_those_that_people_gave(app: Parts) -> None:
    upload(app, "a.jpg")
    before = image_states.of_image(app.services, "a.jpg")
    assert "correction" not in before
    said = SAID._replace(removed=(before["analysis"]["tags"][0].upper(),))
    say(app, "a.jpg", said)
    found = image_states.of_image(app.services, "a.jpg")
    assert found["analysis"]["caption"] == "A zebra"
    assert found["analysis"]["captionConfidence"] is None
    assert found["analysis"]["tags"] == ["zebra", *before["analysis"]["tags"][1:]]
    assert found["correction"]["alt"] == "A zebra at a fence"
    assert found["correction"]["focal"] == [0.25, 0.5]
    assert found["correction"]["current"] is True
    assert found["state"] == before["state"]


def test_what_a_correction_leaves_out_the_analysis_says(app: Parts) -> None:
    upload(app, "a.jpg")
    before = image_states.of_image(app.services, "a.jpg")["analysis"]
    say(app, "a.jpg", Correction(alt="A zebra"))
    assert image_states.of_image(app.services, "a.jpg")["analysis"] == before


def test_an_image_that_computer_vision_does_not_take_has_what_people_say(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.svg", b"<svg/>", content_type="image/svg+xml")
    steps.process(app.services, "a.svg", None)
    say(app, "a.svg", Correction("A drawing", added=("drawing",)))
    found = image_states.of_image(app.services, "a.svg")
    assert found["state"] == "failed"
    assert (found["analysis"]["caption"], found["analysis"]["tags"]) == ("A drawing", ["drawing"])


def test_of_an_overwritten_image_it_stands_and_says_that_it_is_not_of_this_version(app: Parts) -> None:
    upload(app, "a.jpg")
    say(app, "a.jpg")
    app.images.write(names.IMAGES, "a.jpg", picture(colour=(7, 7, 200)), content_type="image/jpeg")
    steps.process(app.services, "a.jpg", None)
    found = image_states.of_image(app.services, "a.jpg")
    assert found["analysis"]["caption"] == "A zebra"
    assert found["correction"]["current"] is False


@pytest.mark.parametrize("state", [None, "complete"])
def test_a_page_of_images_costs_one_listing_and_a_read_for_each_correction(app: Parts, state: str | None) -> None:
    images = [f"2026/{number:02}.jpg" for number in range(20)]
    upload(app, *images)
    say(app, "2026/03.jpg")
    say(app, "2026/17.jpg")
    asked = counted(app)
    found = image_states.page(app.services, limit=50, state=state)["images"]
    corrected = [each["name"] for each in found if "correction" in each]
    assert corrected == ["2026/03.jpg", "2026/17.jpg"]
    assert [each["analysis"]["caption"] for each in found if each["name"] in corrected] == ["A zebra"] * 2
    of_corrections = {operation: count for (operation, place), count in asked.items() if place == names.CORRECTIONS}
    assert of_corrections == {"page": 1, "read": 2}


def test_a_page_without_corrections_costs_one_listing(app: Parts) -> None:
    upload(app, *(f"{number:02}.jpg" for number in range(20)))
    asked = counted(app)
    image_states.page(app.services, limit=50)
    assert [(operation, count) for (operation, place), count in asked.items() if place == names.CORRECTIONS] == [
        ("page", 1)
    ]


def test_pages_tell_the_corrections_of_their_images_where_there_are_more_than_a_listing_has(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.api.corrected_states._MOST_LISTED", 5)
    images = [f"{letter}/{number:02}.jpg" for letter in "ab" for number in range(10)]
    images += [f"{'y' * 1000}{number}.jpg" for number in range(3)]
    upload(app, *images, process=False)
    corrected = [name for number, name in enumerate(images) if number % 2]
    for name in corrected:
        say(app, name)
    for limit in (1, 2, 3, 7, 50):
        found, token = [], None
        while token or not found:
            page = image_states.page(app.services, limit=limit, continuation=token)
            found += page["images"]
            token = page["continuation"]
        assert [each["name"] for each in found if "correction" in each] == sorted(corrected)


def test_images_that_became_finished_are_told_with_what_people_say(app: Parts, clock: FakeClock) -> None:
    upload(app, "a.jpg", "b.jpg")
    say(app, "b.jpg")
    app.clock.advance(60)
    found = finished_images.since(app.services, "2020-01-01T00:00:00Z", limit=10).images
    assert {each["name"]: each["analysis"]["caption"] == "A zebra" for each in found} == {"a.jpg": False, "b.jpg": True}


def test_a_correction_makes_no_image_finished_once_more(app: Parts) -> None:
    upload(app, "a.jpg")
    app.clock.advance(60)
    since = finished_images.since(app.services, "2020-01-01T00:00:00Z", limit=10).since
    say(app, "a.jpg")
    app.clock.advance(60)
    assert finished_images.since(app.services, since, limit=10).images == []


def test_a_retry_of_pending_steps_asks_for_no_correction(app: Parts) -> None:
    upload(app, "a.jpg", "b.jpg", process=False)
    say(app, "a.jpg")
    asked = counted(app)
    assert len(pending_steps.page(app.services, None, limit=50)[0]) == 2
    assert len(pending_steps.of_image(app.services, "a.jpg", None)) == 1
    assert not [place for _, place in asked if place == names.CORRECTIONS]


def test_a_record_that_was_damaged_hides_nothing(app: Parts) -> None:
    upload(app, "a.jpg")
    before = image_states.of_image(app.services, "a.jpg")
    app.images.write(names.CORRECTIONS, names.correction("a.jpg"), b"{", content_type=names.JSON)
    assert image_states.of_image(app.services, "a.jpg") == before
    assert image_states.page(app.services, limit=5)["images"] == [before]
