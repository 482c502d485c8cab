"""
Where in a text words stand: the page and the corners, as the record of the text has them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from shared.json_types import Json
from shared.search import words

# More would hide an image on which a word stands in each line.
MOST_PLACES = 10
# Of four corners.
_NUMBERS = 8


class Place(NamedTuple):
    """
    Words on one line of a page.

    Attributes:
        page: from 1.
        box: four corners, clockwise from the upper left: x and y of each, in the unit of the page.
        unit: `pixel` of images, `inch` of PDFs.
        text: the words as they stand there.
    """

    page: int
    box: list[float]
    unit: str
    text: str


class _Sign(NamedTuple):
    """A folded word, with the number of the written word on its line that it is a part of."""

    folded: str
    number: int


class _Line(NamedTuple):
    """A line with its written words, and with the folded ones that are searched."""

    page: int
    unit: str
    written: list[Json]
    signs: list[_Sign]


def lines_of(record: bytes) -> list[_Line]:
    """
    The lines of a text record, `text/{name}.json`, as `find` takes them.

    Raises:
        ValueError: it is none.
    """
    try:
        pages = json.loads(record)["analyzeResult"]["readResults"]
        return [_line(page, line) for page in pages for line in page["lines"]]
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"The bytes are no text record: {error!r}") from error


def _line(page: Json, line: Json) -> _Line:
    written = line.get("words") or [line]
    if any(len(word["boundingBox"]) != _NUMBERS for word in written):
        raise ValueError("A word has not four corners.")
    # A written word can be several that are searched, such as `mother-in-law`, and each sign of Chinese is one.
    signs = [_Sign(sign, number) for number, word in enumerate(written) for sign in words.of(word["text"])]
    return _Line(page["page"], page["unit"], written, signs)


def find(lines: Iterable[_Line], wanted: Sequence[str]) -> list[Place]:
    """The first places of these folded words, where they follow each other on one line."""
    return list(islice(chain.from_iterable(_on(line, wanted) for line in lines), MOST_PLACES)) if wanted else []


def _on(line: _Line, wanted: Sequence[str]) -> Iterator[Place]:
    folded = [sign.folded for sign in line.signs]
    at = 0
    while at + len(wanted) <= len(folded):
        end = at + len(wanted)
        if folded[at:end] != list(wanted):
            at += 1
            continue
        written = line.written[line.signs[at].number : line.signs[end - 1].number + 1]
        text = " ".join(word["text"] for word in written)
        yield Place(line.page, _around(written[0]["boundingBox"], written[-1]["boundingBox"]), line.unit, text)
        at = end


def _around(first: list[float], last: list[float]) -> list[float]:
    """From the left corners of the first word to the right ones of the last."""
    return [*first[:2], *last[2:6], *first[6:]]
