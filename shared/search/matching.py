"""
Which images meet the terms of a query, and how well.
"""

from collections.abc import Iterable, Mapping
from itertools import compress
from typing import NamedTuple

from shared.search import document
from shared.search.images import Images, moment
from shared.search.query import AFTER, BEFORE, COLOUR, FOLDER, HAS, IS, KIND, SAME, TAG, TEXT, Query, Term
from shared.search.store import Store
from shared.search.vocabulary import LEAST_ASKED, Vocabulary, differ_by_one, other_numbers

# How well a word matches: in what people say of the image, in its text, or by another one.
_SAID, _READ, _NEAR = 4, 2, 1
_OF_PEOPLE = tuple(field for field in document.FIELDS if field != document.TEXT)
_FACETS = {TAG: "tag", FOLDER: "folder", IS: "state", HAS: "has", KIND: "kind", COLOUR: "colour"}


class Phrases(NamedTuple):
    """
    What a term looks for: folded words with spaces between them.

    Attributes:
        typed: what was typed, and other spellings of it.
        near: its plural or singular, and what differs from it by one letter.
    """

    typed: list[str]
    near: list[str]


class Matching:
    """For one thread at a time."""

    def __init__(self, store: Store, vocabulary: Vocabulary, images: Images) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._images = images

    def phrases(self, query: Query) -> dict[Term, Phrases]:
        """What each term that is about words looks for."""
        return {term: self._phrases(term) for term in query.terms if term.field in ("", TEXT, TAG)}

    def _phrases(self, term: Term) -> Phrases:
        if term.field == TAG:
            found = self._tags(term)
            return Phrases(found, []) if found == [term.value] else Phrases([], found)
        if len(term.words) != 1:
            return Phrases([term.value], [])
        typed = [term.value, *([term.spelled] if term.spelled else []), *self._vocabulary.spelled(term.value)]
        near = () if term.exact else (*other_numbers(term.value), *self._vocabulary.near(term.value))
        return Phrases(list(dict.fromkeys(typed)), [word for word in dict.fromkeys(near) if word not in typed])

    def scores(self, query: Query, phrases: Mapping[Term, Phrases]) -> tuple[list[int], dict[int, int]]:
        """The images that meet all terms, by their numbers, and how well they do: more is better, 0 if left out."""
        by_words = [term for term in query.terms if term.field in ("", TEXT)]
        levels = [(term, self._levels(term, phrases[term])) for term in by_words]
        wanted = sorted((level for term, level in levels if not term.negated), key=lambda level: len(level))
        found = list(compress(range(len(self._images.there)), self._images.there)) if not wanted else list(wanted[0])
        for level in wanted[1:]:
            found = [image for image in found if image in level]
        for term, level in levels:
            if term.negated:
                found = [image for image in found if image not in level]
        for term in query.terms:
            if term.field not in ("", TEXT):
                found = self._filtered(term, found)
        if len(wanted) < 2:
            return found, wanted[0] if wanted else {}
        return found, {image: sum(level[image] for level in wanted) for image in found}

    def _levels(self, term: Term, phrases: Phrases) -> dict[int, int]:
        """The images that have the words, with how well."""
        typed, near = phrases
        fields = (document.TEXT,) if term.field == TEXT else ()
        level = dict.fromkeys(self._store.matching(near, fields), _NEAR) if near else {}
        level |= dict.fromkeys(self._store.matching(typed, fields), _READ)
        if not fields and not term.negated:
            level |= dict.fromkeys(self._store.matching(typed, _OF_PEOPLE), _SAID)
        return level

    def _filtered(self, term: Term, images: list[int]) -> list[int]:
        """Those of the images that meet a term that is not about words."""
        if term.field in (BEFORE, AFTER):
            return self._by_date(term, images)
        if term.field == SAME:
            same = self._same(term.value)
            return [image for image in images if (image in same) != term.negated]
        wanted, values, negated = self._numbers(term), self._images.values, term.negated
        if not wanted:
            return images if negated else []
        if len(wanted) == 1:
            (number,) = wanted
            return [image for image in images if (number in values[image]) != negated]
        return [image for image in images if wanted.isdisjoint(values[image]) == negated]

    def _by_date(self, term: Term, images: list[int]) -> list[int]:
        """Those before the bound, or from it on; what has no date is neither."""
        bound, dates, negated = moment(term.value), self._images.dates, term.negated
        if term.field == BEFORE:
            return [image for image in images if (0 < dates[image] < bound) != negated]
        return [image for image in images if (dates[image] >= bound) != negated]

    def _same(self, name: str) -> Iterable[int]:
        """The images with the same picture as this one, and itself."""
        image = next((image for image, each in enumerate(self._images.names) if each == name), None)
        if image is None or not name:
            return ()
        return self._images.likeness.groups().get(image, (image,))

    def _numbers(self, term: Term) -> set[int]:
        """The numbers of the values that meet the term."""
        facet, facets = _FACETS[term.field], self._images.facets
        keys = self._tags(term) if term.field == TAG else [term.value]
        return {number for key in keys if (number := facets.number(facet, key)) is not None}

    def _tags(self, term: Term) -> list[str]:
        """The tag, or where no image has it, its other number and those that differ from it by one letter."""
        typed = [term.value, *([term.spelled] if term.spelled else []), *self._vocabulary.spelled(term.value)]
        found = [tag for tag in dict.fromkeys(typed) if self._images.facets.number("tag", tag) is not None]
        if found or term.exact:
            return found
        others, is_long = other_numbers(term.value), len(term.value) >= LEAST_ASKED
        tags = self._images.facets.keys("tag")
        return [tag for tag in tags if tag in others or (is_long and differ_by_one(tag, term.value))]
