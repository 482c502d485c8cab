"""Answers that were paid for under another key: found before a paid call, and never taken for what they are not."""

import json
from typing import Any

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers import former
from shared.answers.claims import Claims
from shared.answers.tickets import ReadTicket
from shared.contract import FEATURES
from shared.errors import ImageRejectedError
from shared.images import ImageBytes, ImageUrl
from shared.pictures.fitting import FIT
from shared.pictures.inspection import ImageHeader
from shared.vision import questions
from shared.vision.models import Answer
from shared.vision.questions import Question

THREE = questions.analyze(["Tags", "Description", "Objects"])
SIX = questions.analyze(["Categories", "Tags", "Description", "Objects", "ImageType", "Color"])
# Of a picture of 60x100 upright pixels whose orientation is 6, as it is stored.
BODY: dict[str, Any] = {
    "categories": [],
    "tags": [],
    "description": {"captions": []},
    "objects": [{"object": "cup", "rectangle": {"x": 10, "y": 5, "w": 20, "h": 10}}],
    "imageType": {"clipArtType": 0},
    "color": {"accentColor": "111111"},
    "requestId": "r1",
    "metadata": {"width": 100, "height": 60, "format": "Jpeg"},
    "modelVersion": "2021-05-01",
}
TURNED = {"x": 45, "y": 10, "w": 10, "h": 20}


class World:
    """Claims, and the storage operations that a look takes."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.blobs = MemoryBlobs(self.clock)
        self.claims = Claims(self.blobs, self.clock)

    def keep(self, image: ImageBytes | ImageUrl, question: Question, body: dict[str, Any]) -> None:
        self.claims.keep(image.subject, question, Answer(names.JSON, json.dumps(body).encode(), "r1"))

    def refuse(self, image: ImageBytes, question: Question) -> None:
        def call() -> Answer:
            raise ImageRejectedError("no image", request_id="r1")

        with pytest.raises(ImageRejectedError):
            self.claims.ask(image.subject, question, call, wait_seconds=0)

    def find(self, question: Question, image: ImageBytes | ImageUrl) -> Answer | None:
        return former.find(self.claims, question, image)

    def operations(self, question: Question, image: ImageBytes | ImageUrl) -> list[str]:
        seen: list[str] = []
        self.blobs.before = lambda operation, container, name: seen.append(operation)
        self.find(question, image)
        self.blobs.before = None
        return seen


@pytest.fixture
def world() -> World:
    return World()


def picture(kind: str = "JPEG", sides: tuple[int, int] = (60, 100), orientation: int = 1, size: int = 9) -> ImageBytes:
    """An image of which only the header counts."""
    image = ImageBytes(bytes(size))
    image.__dict__["header"] = ImageHeader(kind, "image/x", *sides, orientation)
    return image


def fitted(question: Question) -> Question:
    return question._replace(fit=FIT)


def test_an_analysis_with_more_features_answers_for_fewer_without_the_others(world: World) -> None:
    world.keep(picture(), SIX, BODY)
    found = world.find(THREE, picture())
    assert found is not None
    assert not found.paid
    assert found.at == EPOCH
    expected = ("tags", "description", "objects", "requestId", "metadata", "modelVersion")
    assert found.json() == {key: BODY[key] for key in expected}


def test_of_each_feature_the_answer_has_its_own_member_alone(world: World) -> None:
    members = ("categories", "adult", "tags", "description", "faces", "objects", "imageType", "color", "brands")
    world.keep(picture(), questions.analyze(FEATURES), {member: member for member in members})
    told = {}
    for feature in FEATURES:
        found = world.find(questions.analyze([feature]), picture())
        assert found is not None
        (told[feature],) = found.json()
    assert told == dict(zip(FEATURES, members, strict=True))


@pytest.mark.parametrize(
    "other",
    [
        questions.analyze(["Tags", "Description"]),
        questions.analyze(["Tags", "Description", "Faces", "Color"]),
        questions.analyze(questions.features(SIX), language="es"),
        questions.analyze(questions.features(SIX), details=["Landmarks"]),
        questions.analyze(questions.features(SIX), description_exclude=["Landmarks"]),
        questions.analyze(questions.features(SIX), model_version="2021-05-01"),
        fitted(SIX),
        questions.describe(),
    ],
    ids=["fewer", "others", "language", "details", "exclude", "model", "of a copy", "operation"],
)
def test_what_was_asked_otherwise_does_not_answer(world: World, other: Question) -> None:
    world.keep(picture(), other, BODY)
    assert world.find(THREE, picture()) is None


def test_it_costs_one_listing_for_each_image_and_the_read_of_what_there_is(world: World) -> None:
    image = picture()
    assert world.operations(THREE, image) == ["page"]
    assert world.operations(questions.analyze(["Faces"]), image) == []
    world.keep(image, SIX, BODY)
    again = picture()
    assert world.operations(THREE, again) == ["page", "read"]
    assert world.operations(questions.analyze(["Objects"]), again) == ["read"]
    # Nothing can be an answer to these but their own.
    asked = (questions.analyze(FEATURES), questions.area_of_interest(), questions.thumbnail(9, 9), questions.read())
    assert [world.operations(each, picture()) for each in asked] == [[], [], [], []]


def test_an_address_has_former_answers_too_and_no_copy(world: World) -> None:
    image = ImageUrl("https://example.invalid/a.jpg")
    world.keep(image, SIX, BODY)
    found = world.find(THREE, ImageUrl(image.url))
    assert found is not None
    assert "color" not in found.json()
    assert world.operations(questions.describe(), ImageUrl(image.url)) == []


@pytest.mark.parametrize("other", [THREE, SIX])
def test_an_answer_about_a_picture_as_it_is_stored_is_turned(world: World, other: Question) -> None:
    world.keep(picture(), other, BODY)
    found = world.find(fitted(THREE), picture(orientation=6))
    assert found is not None
    assert found.sent is None
    assert found.json()["objects"][0]["rectangle"] == TURNED
    assert found.json()["metadata"] == {"width": 60, "height": 100, "format": "Jpeg"}
    assert ("color" in found.json()) == (other is THREE)


def test_an_answer_that_the_service_has_turned_itself_is_not_turned_again(world: World) -> None:
    world.keep(picture(), THREE, {**BODY, "metadata": {"width": 60, "height": 100, "format": "Jpeg"}})
    found = world.find(fitted(THREE), picture(orientation=6))
    assert found is not None
    assert found.json()["objects"] == BODY["objects"]


def test_the_same_copy_comes_before_the_picture_as_it_is_stored(world: World) -> None:
    world.keep(picture(), THREE, BODY)
    world.keep(picture(), fitted(SIX), {**BODY, "requestId": "of the copy"})
    found = world.find(fitted(THREE), picture(orientation=6))
    assert found is not None
    assert found.json()["requestId"] == "of the copy"
    assert found.json()["objects"] == BODY["objects"]


@pytest.mark.parametrize(
    ("image", "is_found"),
    [
        (picture(orientation=3), True),
        (picture("PNG", orientation=8), True),
        (picture("MPO"), True),
        (picture("HEIC"), False),
        (picture("JPEG", size=4 * 1024**2), False),
        (picture("JPEG", (16_001, 100)), False),
    ],
    ids=["JPEG", "PNG", "MPO", "HEIC", "too large", "too wide"],
)
def test_only_what_went_as_it_is_before_has_such_an_answer(world: World, image: ImageBytes, is_found: bool) -> None:
    for asked in (THREE, questions.detect(), questions.domain("Landmarks")):
        world.keep(image, asked, BODY)
        image.kept = None
        assert (world.find(fitted(asked), image) is not None) == is_found


@pytest.mark.parametrize(("image", "is_found"), [(picture(orientation=6), False), (picture("MPO"), True)])
def test_a_thumbnail_of_which_no_one_knows_which_side_is_up_is_none(
    world: World, image: ImageBytes, is_found: bool
) -> None:
    asked = questions.thumbnail(90, 60, smart_cropping=True)
    world.claims.keep(image.subject, asked, Answer("image/jpeg", b"a thumbnail", "r1"))
    found = world.find(fitted(asked), image)
    assert (found.body if found else None) == (b"a thumbnail" if is_found else None)


def test_an_answer_of_the_version_before_lies_under_another_path(world: World) -> None:
    asked = questions.domain("LandMarks")
    world.keep(picture(), asked._replace(path=asked.former_path), BODY)
    assert world.find(asked, picture()) is not None
    assert world.find(fitted(asked), picture(orientation=6)) is not None
    assert world.find(fitted(asked), picture("HEIC")) is None


def test_a_refusal_of_the_same_bytes_holds_for_fewer_features_and_none_of_others(world: World) -> None:
    world.refuse(picture(), SIX)
    with pytest.raises(ImageRejectedError):
        world.find(THREE, picture())
    # The copy is upright, and whole.
    assert world.find(fitted(THREE), picture(orientation=6)) is None


def test_what_was_read_of_a_picture_as_it_is_stored_is_turned(world: World) -> None:
    asked = questions.read_result(questions.read())
    line = {"boundingBox": [5, 50, 5, 10, 15, 10, 15, 50], "text": "UP", "words": []}
    page = {"page": 1, "angle": -90.0, "width": 100, "height": 60, "unit": "pixel", "lines": [line]}
    world.keep(picture(), asked, {"status": "succeeded", "analyzeResult": {"readResults": [page]}})
    assert world.operations(asked, picture()) == []
    found = world.find(fitted(asked), picture("TIFF", orientation=6))
    assert found is not None
    (turned,) = found.json()["analyzeResult"]["readResults"]
    assert (turned["width"], turned["height"], turned["angle"]) == (60, 100, 0.0)
    assert turned["lines"][0]["boundingBox"] == [10, 5, 50, 5, 50, 15, 10, 15]


def test_a_read_of_a_picture_as_it_is_stored_is_gone_with_its_ticket(world: World) -> None:
    image, asked = picture(orientation=6), questions.read()
    ticket = ReadTicket("https://vision.invalid/1", EPOCH)
    world.claims.ask(image.subject, asked, lambda: ticket.answer, wait_seconds=0, lifetime_seconds=60.0)
    found = world.find(fitted(asked), image)
    assert found is not None
    assert ReadTicket.from_json(found.json()) == ticket
    world.clock.advance(60)
    assert world.find(fitted(asked), image) is None
