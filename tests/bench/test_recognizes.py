"""How what is said of a photograph is judged."""

from pathlib import Path
from typing import Any

import pytest

from bench import photographs, recognizes
from bench.photographs import Package, PhotographsError, Picture
from bench.recognizes import Said, Verdict

PACKAGE = Package("cats", "1.0.0", "npm", "MIT", "LICENSE")
CAT = Picture(PACKAGE, "demo/cat.jpg", "0" * 64, "a cat on a desk", frozenset({"cat"}), frozenset({"animal", "desk"}))


def tag(name: str, confidence: float) -> Said:
    return Said("tag", name, confidence)


def verdict(*said: Said) -> Verdict:
    return Verdict(CAT, said)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ([tag("cat", 0.2)], "right"),
        ([tag("animal", 0.9)], "missed"),
        ([Said("object", "cat", 0.9), Said("caption", "a cat", 0.9)], "missed"),
        ([tag("dog", 0.6)], "missed"),
        ([tag("dog", 0.61)], "missed, wrong"),
        ([tag("cat", 0.9), tag("dog", 0.61)], "right, wrong"),
        ([tag("cat", 0.9), Said("object", "dog", 0.61)], "right, wrong"),
        ([tag("cat", 0.9), Said("caption", "a dog on a desk", 0.61)], "right, wrong"),
        ([tag("cat", 0.9), Said("caption", "a dog on a desk", 0.6)], "right"),
        ([tag("gray", 0.7), tag("black and white", 0.9), tag("outdoor", 0.9)], "missed"),
        ([tag("text", 0.9)], "missed, wrong"),
    ],
)
def test_a_tag_names_the_subject_and_nothing_else_is_said_with_confidence(said: list[Said], word: str) -> None:
    assert verdict(*said).word == word


@pytest.mark.parametrize(
    ("caption", "strange"),
    [
        ("a cat", []),
        ("two cats next to a desk", []),
        ("a black and white photo of an animal in gray and blue tones", []),
        ("a catfish", ["catfish"]),
        ("a cat and a cell phone", ["cell", "phone"]),
        ("a group of people", ["group", "people"]),
    ],
)
def test_a_caption_may_name_what_is_in_the_picture(caption: str, strange: list[str]) -> None:
    assert recognizes.strange(Said("caption", caption, 0.9), CAT) == strange


def test_a_result_of_analyze_is_read_whole() -> None:
    result: dict[str, Any] = {
        "tags": [{"name": "cat", "confidence": 0.7}],
        "objects": [{"object": "desk", "confidence": 0.8, "parent": {"object": "furniture", "confidence": 0.9}}],
        "description": {"tags": ["cat"], "captions": [{"text": "a cat", "confidence": 0.6}]},
    }

    assert recognizes.said_in(result) == (
        Said("object", "desk", 0.8),
        Said("tag", "cat", 0.7),
        Said("caption", "a cat", 0.6),
    )


@pytest.mark.parametrize(
    ("pictures", "right", "wrong", "held"),
    [
        (16, 12, 1, True),
        (16, 11, 1, False),
        (16, 12, 2, False),
        (31, 24, 1, True),
        (31, 23, 1, False),
        (31, 24, 2, False),
        (32, 24, 2, True),
    ],
)
def test_three_in_four_have_to_be_right_and_one_in_sixteen_may_be_wrong(
    pictures: int, right: int, wrong: int, held: bool
) -> None:
    verdicts = [verdict(tag("cat", 0.9)) for _ in range(right)]
    verdicts += [verdict(tag("dog", 0.9)) for _ in range(wrong)]
    verdicts += [verdict() for _ in range(pictures - right - wrong)]

    assert all(goal.held for goal in recognizes.goals(verdicts)) == held


def test_the_table_tells_what_was_said_and_which_of_it_is_wrong() -> None:
    told = recognizes.report([verdict(tag("dog", 0.9), tag("cat", 0.3), Said("caption", "a dog", 0.7))])

    assert told.splitlines()[2] == (
        "| npm cats 1.0.0: cat.jpg | MIT | a cat on a desk | tags dog 0.90, cat 0.30; captions a dog 0.70 "
        "| right, wrong; tag 'dog' 0.90; caption 'a dog' 0.70 |"
    )


def test_without_the_photographs_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(photographs, "FOLDER", tmp_path)

    with pytest.raises(PhotographsError, match=r"`python -m bench\.photographs` fetches them"):
        recognizes.section()
