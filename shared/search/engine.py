"""
The engine of the search: takes entries and lines of the index, and finds images in them.
"""

import threading
from collections.abc import Callable, Iterable, Mapping

from shared.index import states
from shared.index.entry import PLAIN, Entry, Line
from shared.search import document, order, store, why, words
from shared.search.document import Document
from shared.search.found import Found, Hit, Match
from shared.search.images import NEVER, Images
from shared.search.matching import Matching, Phrases
from shared.search.order import Sort
from shared.search.query import Query, Term
from shared.search.store import Kept, Store
from shared.search.suggestions import Suggestion, Suggestions
from shared.search.vocabulary import Vocabulary
from shared.settings import Settings

SAME = "same"
_MOST_GROUPS = 50


class Engine:
    """
    Images in a temporary database, and what orders and counts them in memory. Safe for threads.

    After an error other than BadRequestError it may know half of a change: make another one.

    Args:
        settings: the app's, by which an image is complete.
        state_of: the state of an entry by them.
    """

    def __init__(self, settings: Settings, state_of: Callable[[Entry, Settings], str] = states.state_of) -> None:
        self._settings = settings
        self._state_of = state_of
        self._lock = threading.Lock()
        self._store = Store()
        self._images = Images()
        self._vocabulary = Vocabulary(self._store.database)
        self._matching = Matching(self._store, self._vocabulary, self._images)
        self._suggestions = Suggestions(self._store, self._vocabulary, self._images)
        # The texts that are longer than the index has and that were not added yet: by stem, their version.
        self._wanted: dict[str, str] = {}

    def close(self) -> None:
        """Give back the memory and the file."""
        with self._lock:
            self._store.close()

    def replace(self, first: str, last: str | None, entries: Iterable[Entry]) -> None:
        """Take *entries* for all that is kept of stems from *first* on, and before *last* if that is given."""
        with self._lock, self._store.changing():
            before = self._store.between(first, last)
            for entry in entries:
                self._put(entry, before.pop(entry.stem, None))
            for stem, stored in before.items():
                self._drop(stem, stored)

    def apply(self, lines: Iterable[Line]) -> None:
        """Change the entries as the lines say; in any order, and as often as they come."""
        by_stem: dict[str, list[Line]] = {}
        for line in lines:
            by_stem.setdefault(line["stem"], []).append(line)
        with self._lock, self._store.changing():
            for stem, each in by_stem.items():
                stored = self._store.entry(stem)
                entry = store.unpacked(stem, stored) if stored else Entry(stem)
                for line in each:
                    entry.apply(line)
                self._put(entry, Kept(stored.image, stored.digest) if stored else None)

    def find(
        self,
        query: Query,
        sort: Sort = "match",
        limit: int = 20,
        after: str | None = None,
        *,
        offset: int | None = None,
        only: str | None = None,
    ) -> Found:
        """
        The images that meet all terms of the query.

        Args:
            sort: by how well they match, then the latest first; the latest first; or by name.
            limit: of this page.
            after: what the page before gave.
            offset: in its place, how many come before this page; then there is no next one in `Found.after`.
            only: the name of an image besides which none counts.

        Raises:
            BadRequestError: `bad_parameter`: *after* or *sort* cannot be.
        """
        order.check(sort)
        with self._lock:
            phrases = self._matching.phrases(query)
            images, scores = self._matching.scores(query, phrases)
            names = self._images.names
            if only is not None:
                images = [image for image in images if names[image] == only]
            ranks = self._ranks(images, sort, scores)
            if offset is None:
                numbers, following = order.page(images, sort, ranks, names, limit, after)
            else:
                numbers, following = order.window(images, ranks, names, offset, limit), None
            facets = self._images.facets.counted(self._images.values, images, self._images.there)
            facets[SAME] = self._groups(images)
            return Found([self._hit(image, phrases) for image in numbers], len(images), facets, following)

    def suggest(self, asked: str) -> list[Suggestion]:
        """What can take the place of the last word of a query that is being typed, the most likely first."""
        with self._lock:
            return self._suggestions.of(asked)

    def has_all(self, stems: Iterable[str]) -> bool:
        """Whether there is an image of each stem."""
        with self._lock:
            return all((stored := self._store.entry(stem)) and stored.image is not None for stem in stems)

    def texts_wanted(self, limit: int) -> list[tuple[str, str]]:
        """Stem and version of texts that are longer than the index has and that were not added yet."""
        with self._lock:
            return [each for each, _ in zip(self._wanted.items(), range(limit), strict=False)]

    def texts_left(self) -> int:
        """How many such texts there are."""
        with self._lock:
            return len(self._wanted)

    def add_text(self, stem: str, e: str, text: str) -> None:
        """Search the whole text of an image from now on, if this version is still its text."""
        with self._lock, self._store.changing():
            if self._wanted.get(stem) != e:
                return
            del self._wanted[stem]
            self._store.set_text(stem, e, " ".join(words.of(text)))
            self._vocabulary.add_spellings(words.spellings(text))
            stored = self._store.entry(stem)
            if stored and stored.image is not None:
                self._set_words(stored.image, store.unpacked(stem, stored))

    def _put(self, entry: Entry, before: Kept | None) -> None:
        content = store.packed(entry)
        if before and before.digest == store.digest(content):
            return
        image = before.image if before else None
        if entry.is_there:
            shown = document.of_entry(entry)
            image = self._images.put(image, entry.stem, shown, self._state_of(entry, self._settings))
            self._want_text(entry)
            self._set_words(image, entry, shown)
        elif image is not None:
            self._forget(entry.stem, image)
            image = None
        self._store.put(entry.stem, store.stored(image, content))

    def _drop(self, stem: str, stored: Kept) -> None:
        if stored.image is not None:
            self._forget(stem, stored.image)
        self._store.drop(stem)

    def _forget(self, stem: str, image: int) -> None:
        self._images.drop(image)
        self._store.set_words(image, None)
        self._store.set_text(stem, "", None)
        self._wanted.pop(stem, None)

    def _want_text(self, entry: Entry) -> None:
        """Note whether the whole text has to be added."""
        plain = entry.part(PLAIN)
        e = str(plain.get("e", ""))
        if plain.get("more") and self._store.text(entry.stem, e) is None:
            self._wanted[entry.stem] = e
        else:
            self._wanted.pop(entry.stem, None)

    def _set_words(self, image: int, entry: Entry, shown: Document | None = None) -> None:
        plain = entry.part(PLAIN)
        shown = shown or document.of_entry(entry)
        whole = self._store.text(entry.stem, str(plain.get("e", ""))) if plain.get("more") else None
        columns = document.columns(shown, whole)
        if self._store.set_words(image, columns):
            self._vocabulary.add(columns)
            self._vocabulary.add_spellings(document.spellings(shown))

    def _ranks(self, images: list[int], sort: Sort, scores: Mapping[int, int]) -> list[int]:
        """What orders each of the images before its name does: by match, the later one of equals comes first."""
        dates = self._images.dates
        if sort == "name":
            return [0] * len(images)
        if sort == "date" or not scores:
            return [dates[image] for image in images]
        return [scores[image] * NEVER + dates[image] for image in images]

    def _groups(self, images: list[int]) -> list[tuple[str, int]]:
        """The pictures that several of the images show: the first name of each group, and how many of them do."""
        groups = self._images.likeness.groups()
        counts: dict[tuple[int, ...], int] = {}
        for group in filter(None, map(groups.get, images)):
            counts[group] = counts.get(group, 0) + 1
        found = [(min(self._images.names[image] for image in group), n) for group, n in counts.items() if n > 1]
        return sorted(found, key=lambda each: (-each[1], each[0]))[:_MOST_GROUPS]

    def _hit(self, image: int, phrases: Mapping[Term, Phrases]) -> Hit:
        stem = self._images.stems[image]
        stored = self._store.entry(stem)
        entry = store.unpacked(stem, stored) if stored else Entry(stem)
        shown = document.of_entry(entry)
        return Hit(
            entry=entry,
            state=self._state_of(entry, self._settings),
            date=shown.date,
            same=len(self._images.likeness.groups().get(image, (image,))) - 1,
            caption=shown.caption,
            alt=shown.alt,
            tags=shown.tags,
            colour=shown.colour,
            matches=self._matches(phrases, image, shown),
        )

    def _matches(self, phrases: Mapping[Term, Phrases], image: int, shown: Document) -> list[Match]:
        columns = self._store.words_of(image)
        found: list[Match] = []
        for term, (typed, near) in phrases.items():
            if not term.negated:
                found += why.matches(term, [*typed, *near], shown, columns)
        return found
