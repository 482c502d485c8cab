"""What a poll looks at: each image's last record first, and of one that a later step has overtaken next to nothing."""

from collections import Counter

import pytest
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.api import finished_images
from shared.errors import ThrottledError
from shared.records import text
from shared.vision.questions import Question

BEGIN = "2025-12-31T23:00:00Z"
IMAGES = [f"{number}.jpg" for number in range(6)]


def filled(*, tag: str = "text", **settings: str) -> TaskHub:
    """A hub whose app has made all records of the images, which lie some seconds back."""
    hub = TaskHub(parts(THUMBNAIL_SIZES="60x50,50x60", **settings))
    hub.app.vision.tags = {tag: 0.9}
    with hub.running():
        for number, name in enumerate(IMAGES):
            hub.upload(name, picture(colour=(0, 0, 10 * number)))
            hub.pass_time(10)
    return hub


def polled(app: Parts, *, limit: int = 50) -> tuple[list[str], Counter[str]]:
    """What polls from the beginning have told until all was, and their requests to storage."""
    asked: Counter[str] = Counter()
    app.images.before = lambda operation, container, name: asked.update([f"{operation} {container}"])
    found, since, is_over = [], BEGIN, False
    while not is_over:
        images, since, is_over = finished_images.since(app.services, since, limit=limit)
        found += [image["name"] for image in images]
    app.images.before = None
    return sorted(found), asked


def of_one(asked: Counter[str]) -> float:
    """Requests beside the listings, of one image."""
    return sum(count for kind, count in asked.items() if not kind.startswith("page ")) / len(IMAGES)


def test_images_with_text_are_told_by_the_first_polls() -> None:
    app = filled().app
    since, found = BEGIN, []
    for _ in range(3):
        images, since, _ = finished_images.since(app.services, since, limit=2)
        found += [image["name"] for image in images]
    assert sorted(found) == IMAGES


def test_an_image_with_text_is_nine_requests() -> None:
    """Six derive its state; two tell of its thumbnails that its text is newer, one of its analysis that they are."""
    found, asked = polled(filled().app)
    assert (found, of_one(asked)) == (IMAGES, 9)


def test_an_image_without_text_is_five_requests() -> None:
    """Four derive its state; one tells of its analysis that the thumbnails are newer."""
    found, asked = polled(filled(tag="outdoor").app)
    assert (found, of_one(asked)) == (IMAGES, 5)


def test_without_thumbnails_an_analysis_is_overtaken_by_the_text() -> None:
    """Four requests derive the state; one tells of the analysis that the text is newer."""
    found, asked = polled(restarted(filled().app, THUMBNAIL_SIZES=","))
    assert (found, of_one(asked)) == (IMAGES, 5)


def test_text_that_no_setting_asks_for_any_more_overtakes_nothing() -> None:
    hub = filled(tag="outdoor", TEXT_MODE="always")
    assert hub.app.images.head(names.TEXT, names.text(IMAGES[0]))
    found, _ = polled(restarted(hub.app, THUMBNAIL_SIZES="60x50,50x60", TEXT_MODE="auto"))
    assert found == IMAGES


def test_thumbnails_that_were_made_after_the_text_are_overtaken_by_nothing() -> None:
    """Such as those of an image that waited for a turn: the text has none."""
    hub = TaskHub(parts(THUMBNAIL_SIZES="60x50,50x60"))
    hub.app.vision.tags = {"text": 0.9}

    def fail(question: Question, image: object) -> None:
        if question.operation == "areaOfInterest":
            raise ThrottledError("Slow down.")

    with hub.running():
        hub.app.vision.at_call = fail
        hub.upload(IMAGES[0], picture())
        hub.pass_time(20)
        assert hub.app.images.head(names.TEXT, names.text(IMAGES[0]))
        assert polled(hub.app)[0] == []
        hub.app.vision.at_call = None
        hub.pass_time(900)
        assert polled(hub.app)[0] == IMAGES[:1]


@pytest.mark.parametrize("key", [names.SOURCE_SHA256, names.REQUEST])
def test_a_text_of_other_bytes_or_of_another_question_overtakes_nothing(key: str) -> None:
    """The state decides, as of an image whose text failed and whose former text was not deleted yet."""
    app = filled().app
    for name in IMAGES:
        spec = text.specs(name, app.services.settings)[-1]
        record = app.images.head(spec.container, spec.name)
        assert record
        app.images.edit(spec.container, spec.name, metadata={**record.metadata, key: "other"})
    _, asked = polled(app)
    # Once for the text, and once for the thumbnails.
    assert asked["head images"] >= 2 * len(IMAGES)
