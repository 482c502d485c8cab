"""Where words stand in a text record: page, corners, and the words as they are written."""

import json
from typing import Any

import pytest

from shared.search import text_places, words
from shared.search.text_places import MOST_PLACES, Place


def box(left: int, top: int, right: int) -> list[float]:
    return [left, top, right, top, right, top + 10, left, top + 10]


def line(text: str, top: int = 0) -> dict[str, Any]:
    """Each letter is ten pixels wide."""
    written, left = [], 0
    for word in text.split():
        written.append({"text": word, "boundingBox": box(left, top, left + 10 * len(word)), "confidence": 0.9})
        left += 10 * (len(word) + 1)
    return {"text": text, "boundingBox": box(0, top, left - 10), "words": written}


def record(*pages: list[dict[str, Any]], unit: str = "pixel") -> bytes:
    read = [{"page": number, "unit": unit, "lines": lines} for number, lines in enumerate(pages, 1)]
    return json.dumps({"analyzeResult": {"version": "3.2.0", "readResults": read}}).encode()


def places(data: bytes, text: str) -> list[Place]:
    return text_places.find(text_places.lines_of(data), list(words.of(text)))


def test_a_word_is_found_with_its_page_and_corners() -> None:
    data = record([line("THE MENU")], [line("Coffee 3.50", 20), line("Tea 2.00", 40)])
    assert places(data, "tea") == [Place(2, box(0, 40, 30), "pixel", "Tea")]


def test_a_phrase_reaches_from_its_first_word_to_its_last() -> None:
    data = record([line("the total due is 12")], unit="inch")
    assert places(data, "total due") == [Place(1, box(40, 0, 130), "inch", "total due")]


@pytest.mark.parametrize("asked", ["due total", "total 12", "the due"])
def test_words_that_do_not_follow_each_other_are_no_phrase(asked: str) -> None:
    assert places(record([line("the total due is 12")]), asked) == []


def test_a_written_word_of_several_searched_ones_is_found_whole() -> None:
    assert places(record([line("his mother-in-law came")]), "law") == [
        Place(1, box(40, 0, 170), "pixel", "mother-in-law")
    ]


def test_accents_and_case_do_not_matter() -> None:
    assert [each.text for each in places(record([line("ÜBER uber Über")]), "über")] == ["ÜBER", "uber", "Über"]


def test_every_place_is_told_up_to_a_number() -> None:
    data = record([line("word " * 40, 10 * number) for number in range(3)])
    assert len(places(data, "word")) == MOST_PLACES


def test_a_line_without_words_is_looked_at_as_one() -> None:
    whole = {"text": "total due", "boundingBox": box(0, 0, 90)}
    assert places(record([whole]), "due") == [Place(1, box(0, 0, 90), "pixel", "total due")]


def test_nothing_stands_nowhere() -> None:
    assert places(record([line("word")]), "") == []
    assert places(record([]), "word") == []


@pytest.mark.parametrize(
    "data", [b"no record", b"[]", b"{}", b'{"analyzeResult": {"readResults": [{"lines": [{}]}]}}', b"[" * 100_000]
)
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|no text record"):
        text_places.lines_of(data)
