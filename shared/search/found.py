"""
What a search has found.
"""

from typing import NamedTuple

from shared.index.entry import Entry


class Match(NamedTuple):
    """
    Why an image was found.

    Attributes:
        field: name, caption, alt, tags or text.
        asked: the term as it was typed.
        matched: what stands in the field; of a text that is longer than the index has, in folded words.
        folded: the folded words that follow each other there, as `words.of` gives them.
    """

    field: str
    asked: str
    matched: str
    folded: tuple[str, ...]


class Hit(NamedTuple):
    """
    One image.

    Attributes:
        state: complete, pending, deferred or failed.
        date: when it was taken, else uploaded; ISO 8601.
        same: how many other images show the same picture.
        caption, alt, tags, colour: as people and Computer Vision say; None where none is known.
        matches: at most one for each term and field.
    """

    entry: Entry
    state: str
    date: str | None
    same: int
    caption: str | None
    alt: str | None
    tags: list[str]
    colour: str | None
    matches: list[Match]


class Found(NamedTuple):
    """
    A page of images.

    Attributes:
        total: how many match, on all pages.
        facets: of all that match: by facet the values with their counts. Years and months come latest first, others
            by falling count.
        after: what gives the next page to `find`; None on the last.
    """

    hits: list[Hit]
    total: int
    facets: dict[str, list[tuple[str, int]]]
    after: str | None
