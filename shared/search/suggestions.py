"""
What can take the place of the last word in the box: words, tags, folders, names, and the terms that narrow a search.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Literal

from shared.search import query, words
from shared.search.images import Images
from shared.search.query import AFTER, BEFORE, COLOUR, FOLDER, HAS, IS, KIND, SAME, STATES, TAG, TEXT, THINGS, Typed
from shared.search.store import Store
from shared.search.vocabulary import Vocabulary

Kind = Literal["word", "tag", "folder", "name", "operator"]
MOST = 8
# Of each kind beside the others; words fill the places that are left.
_SHARES: dict[Kind, int] = {"word": 3, "tag": 2, "operator": 2, "folder": 2, "name": 2}
_YEAR_CHARACTERS = 4
# A letter begins a part of all names.
_LEAST_OF_NAME = 2
_FACETS = {TAG: "tag", FOLDER: "folder", KIND: "kind", COLOUR: "colour", IS: "state", HAS: "has"}
_KINDS: dict[str, Kind] = {TAG: "tag", FOLDER: "folder", SAME: "name"}
# Offered where the box is empty.
_FIRST = (("is", "failed"), ("is", "deferred"), ("is", "pending"), ("has", "text"), ("has", "people"))


@dataclass(frozen=True)
class Suggestion:
    """
    One suggestion.

    Attributes:
        text: the whole box with it.
        label: the text that the page shows.
        count: how many images it finds by itself; None where that is not counted.
    """

    text: str
    label: str
    kind: Kind
    count: int | None


@dataclass(frozen=True)
class _Term:
    """A term that can be typed; a lower rank fits better."""

    term: str
    label: str
    kind: Kind
    count: int | None
    rank: int = 0


class Suggestions:
    """For one thread at a time."""

    def __init__(self, store: Store, vocabulary: Vocabulary, images: Images) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._images = images

    def of(self, asked: str) -> list[Suggestion]:
        """What the box could say, the most likely first; at most `MOST`, and nothing where a new word begins."""
        if not asked.strip():
            return [_placed("", term) for term in self._first()]
        typed = query.open_piece(asked)
        if typed is None:
            return []
        terms = self._of_field(typed) if typed.field else self._of_word(typed)
        before = asked[: typed.begin] + ("-" if typed.negated else "")
        found = [_placed(before, term) for term in terms]
        return [each for each in dict.fromkeys(found) if each.text != asked][:MOST]

    def _first(self) -> list[_Term]:
        terms = [term for field, value in _FIRST for term in self._values(field, value)]
        return [*terms, *_best(self._values(TAG, ""), MOST - len(terms))]

    def _of_field(self, typed: Typed) -> list[_Term]:
        field, value = typed.field, words.fold(typed.value.strip())
        if field == TEXT:
            return [replace(each, term=f"{TEXT}:{each.term}", count=None) for each in self._words(value)]
        if field in (BEFORE, AFTER):
            return self._dates(field, value)
        if field == SAME:
            return list(self._names(typed.value.strip(), SAME))
        found = _best(self._values(field, value), MOST)
        return found or (_best(self._near_tags(value), MOST) if field == TAG else [])

    def _of_word(self, typed: Typed) -> list[_Term]:
        value = words.fold(typed.value)
        found = words.of(typed.value)
        if typed.quoted and len(found) > 1:
            return self._phrases(typed, found[-1])
        by_kind: dict[Kind, list[_Term]] = {
            "word": self._words(found[-1]) if len(found) == 1 else [],
            "tag": _best(self._values(TAG, value), MOST),
            "operator": _best(self._operators(value), MOST),
            "folder": _best(self._values(FOLDER, value), MOST),
            "name": list(self._names(typed.value, "")) if len(value) >= _LEAST_OF_NAME else [],
        }
        first = chain.from_iterable(by_kind[kind][:share] for kind, share in _SHARES.items())
        rest = chain.from_iterable(by_kind[kind][share:] for kind, share in _SHARES.items())
        return [*first, *rest]

    def _phrases(self, typed: Typed, last: str) -> list[_Term]:
        """A phrase in quotes with its last word completed."""
        # The words that stand before it are kept as they were typed.
        spans = list(words.spans(typed.value))
        before = typed.value[: spans[-1][1]]
        return [_Term(f'"{before}{each.term}', f"{before}{each.label}", "word", None) for each in self._words(last)]

    def _words(self, beginning: str) -> list[_Term]:
        """Words that begin so, by how many images have them; else those that differ by one letter."""
        if not beginning or " " in beginning:
            return []
        counts = list(self._store.words_from(beginning))
        if not counts:
            counts = [found for near in self._vocabulary.near(beginning) for found in self._exact(near)]
        best = heapq.nsmallest(MOST, counts, key=lambda each: (-each[1], each[0]))
        return [_Term(word, word, "word", count) for word, count in best]

    def _exact(self, word: str) -> Iterable[tuple[str, int]]:
        return islice((each for each in self._store.words_from(word) if each[0] == word), 1)

    def _values(self, field: str, value: str) -> Iterator[_Term]:
        """The values of a facet that begin so, or have a part that does, by how many images have them."""
        allowed = {IS: STATES, HAS: THINGS}.get(field)
        for key, shown, count in self._images.facets.all_values(_FACETS[field]):
            rank = _rank(key, value)
            term = query.written(field, shown)
            if rank is not None and term and (allowed is None or key in allowed):
                is_value = field in (TAG, FOLDER)
                yield _Term(term, shown if is_value else term, _KINDS.get(field, "operator"), count, rank)

    def _near_tags(self, value: str) -> Iterator[_Term]:
        near = set(self._vocabulary.near(value))
        return (each for each in self._values(TAG, "") if words.key(each.label) in near)

    def _operators(self, value: str) -> Iterator[_Term]:
        for field in (IS, HAS, KIND, COLOUR):
            yield from self._values(field, value)
        yield from (
            _Term(f"{field}:", f"{field}:", "operator", None, 1) for field in query.FIELDS if field.startswith(value)
        )

    def _dates(self, field: str, value: str) -> list[_Term]:
        """Years, and months of a year that is typed; the latest first."""
        facet = "month" if len(value) >= _YEAR_CHARACTERS else "year"
        found = sorted(
            (shown for _, shown, _ in self._images.facets.all_values(facet) if shown.startswith(value)), reverse=True
        )
        return [_Term(f"{field}:{shown}", f"{field}:{shown}", "operator", None) for shown in found]

    def _names(self, value: str, field: str) -> Iterator[_Term]:
        """The first images whose file is called so at its beginning."""
        beginning = value.lower()
        size, found = len(beginning), []
        for name in self._images.names:
            at = name.rfind("/") + 1
            if name[at : at + size].lower() == beginning and name:
                found.append(name)
        for name in heapq.nsmallest(MOST, found):
            # In quotes, so that it finds this name and no words that are alike.
            term = query.written(field, name) if field else query.quoted(name)
            if term and (field or words.of(name)):
                yield _Term(term, name, "name", 1)


def _rank(key: str, value: str) -> int | None:
    """How well a folded value begins with what was typed; None if no part of it does."""
    if key.startswith(value):
        return 0
    parts = key.replace("/", " ").split(" ")
    return 1 if any(part.startswith(value) for part in parts) else None


def _best(terms: Iterable[_Term], most: int) -> list[_Term]:
    return heapq.nsmallest(max(0, most), terms, key=lambda term: (term.rank, -(term.count or 0), term.label))


def _placed(before: str, term: _Term) -> Suggestion:
    return Suggestion(before + term.term, term.label, term.kind, term.count)
