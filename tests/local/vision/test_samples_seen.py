"""The samples and the drawn pictures, seen with the models that set-up makes."""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles.recorded_answers import answers_about, pictures
from doubles.set_up_models import set_up_models
from doubles.vision_calls import Caller

from local.vision.recognition.loading import Models
from local.vision.server import running_vision

PICTURES = pictures()
DRAWN = ("receipt.png", "sign.jpg", "scan.png")


@pytest.fixture(scope="module")
def models() -> Models:
    return set_up_models()


@pytest.fixture(scope="module")
def answers(models: Models) -> Iterator[dict[str, Any]]:
    """What is told of each picture."""
    with running_vision(models=models) as vision, Caller(vision.url, vision.key) as caller:
        yield {name: answers_about(caller, data) for name, data in PICTURES.items()}


@pytest.mark.parametrize(
    ("name", "caption", "tags", "objects", "category"),
    [
        ("astronaut.jpg", "a person", {"person", "human face"}, ["person"], "people_portrait"),
        ("chelsea.jpg", "a cat", {"cat", "mammal", "animal"}, ["cat"], "animal_cat"),
        ("coffee.jpg", "a cup of espresso", {"cup", "espresso", "coffee", "drink"}, ["cup"], "drink_"),
    ],
)
def test_the_subject_of_a_sample_is_told_and_nothing_else(
    answers: dict[str, Any], name: str, caption: str, tags: set[str], objects: list[str], category: str
) -> None:
    analyzed = answers[name]["analyze"]

    assert analyzed["description"]["captions"][0]["text"] == caption
    assert {tag["name"] for tag in analyzed["tags"]} == tags
    assert [found["object"] for found in analyzed["objects"]] == objects
    assert [found["name"] for found in analyzed["categories"]] == [category]
    assert not analyzed["adult"]["isRacyContent"]


def test_of_the_rocket_nothing_wrong_is_told(answers: dict[str, Any]) -> None:
    analyzed = answers["rocket.jpg"]["analyze"]

    assert {tag["name"] for tag in analyzed["tags"]} <= {"rocket", "blue", "black"}
    assert analyzed["objects"] == []
    assert [found["name"] for found in analyzed["categories"]] == ["others_"]


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_picture_shows_no_animal_and_no_thing(answers: dict[str, Any], name: str) -> None:
    analyzed = answers[name]["analyze"]
    colours = {"white", "gray", "green", "blue"}

    assert {tag["name"] for tag in analyzed["tags"]} - colours <= {"text", "clipart", "graphics"}
    assert analyzed["objects"] == analyzed["faces"] == []
    assert [found["name"] for found in analyzed["categories"]] == ["text_"]


@pytest.mark.parametrize("name", PICTURES)
def test_no_caption_is_surer_than_the_tags(answers: dict[str, Any], name: str) -> None:
    surest = max(tag["confidence"] for tag in answers[name]["tag"]["tags"])
    captions = answers[name]["describe"]["description"]["captions"]

    assert captions[0]["confidence"] <= surest
    assert len({caption["text"] for caption in captions}) == len(captions) >= 2
