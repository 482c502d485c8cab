"""
The search of one process: the index as it was read last, the whole texts, and the engine that has both.

The first search reads the index; each one after that reads what has changed, at most once a second.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from shared import names, threads
from shared.clock import Clock, Deadline
from shared.errors import BlobsightError, StorageError
from shared.search.whole_texts import WholeTexts
from shared.settings import Settings
from shared.storage import image_blobs
from shared.storage.blobs import Blobs
from shared.transport import time_budget

if TYPE_CHECKING:
    from shared.index.reader import Added, Reader, Replaced
    from shared.search.engine import Engine
    from shared.search.found import Found, Hit
    from shared.search.order import Sort
    from shared.search.placed import Placed
    from shared.search.suggestions import Suggestion
    from shared.search.text_places import Place

# How old the index may be that a search is answered from, beside the time that reading it takes.
FRESH_SECONDS = 1.0
# Of a request's longest time, after which whole texts are left to the next search.
_PART_FOR_TEXTS = 0.2
# Images up to which a listing tells whether the index has them all.
MOST_COMPARED = 1000
_TEXT = "text"


class Searched(NamedTuple):
    """
    What a search has found.

    Attributes:
        found: the page, with the counts of all that match.
        unsearched: texts of which only the first words were searched so far.
        building: whether the index was never made whole, so that images may be missing in it.
    """

    found: "Found"
    unsearched: int
    building: bool


@dataclass
class _Loaded:
    """The engine and what it is kept up to date by; whether it has been read once, and whether any image is missing."""

    reader: "Reader"
    engine: "Engine"
    is_read: bool = False
    is_whole: bool = False


class Search:
    """
    The search. Cheap until it is used; safe for threads.

    Args:
        images, host: the accounts of the records and of the index.
        clock: the time.
        settings: they decide what an image misses, and so its state.
    """

    def __init__(self, images: Blobs, host: Blobs, clock: Clock, settings: Settings) -> None:
        self._images = images
        self._host = host
        self._clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._searching = threading.Lock()
        self._reading: Future[_Loaded] | None = None
        self._read_at = 0.0
        self._texts = WholeTexts(images)
        self._loaded: _Loaded | None = None
        self._placed: Placed | None = None

    async def ready(self) -> None:
        """Wait until `find` needs not wait for the index, or the caller's time is over, and hold no thread for it."""
        reading = asyncio.wrap_future(self._begun())
        # It is left alone when the time is over, because others wait for it too.
        done, _ = await asyncio.wait([reading], timeout=time_budget.left(self._settings.max_wait_seconds))
        for each in done:
            # What came of it, `find` tells.
            each.exception()

    def find(
        self,
        text: str,
        *,
        sort: "Sort" = "match",
        limit: int = 20,
        after: str | None = None,
        offset: int | None = None,
        only: str | None = None,
    ) -> Searched:
        """
        One page of the images that match.

        Args:
            text: the query, as `shared.search.query` takes it; empty is every image.
            sort: by what.
            limit: images on the page.
            after: what the page before said.
            offset: in its place, how many come before the page.
            only: the name of an image besides which none counts.

        Raises:
            BadRequestError: `bad_query`, or *after* is none.
            StorageError: the index or a text could not be read in time, or the temporary file not be written.
        """
        from sqlite3 import Error

        from shared.search import query

        asked = query.parse(text)
        deadline = Deadline.after(time_budget.left(self._settings.max_wait_seconds) * _PART_FOR_TEXTS, self._clock)
        loaded = self._refreshed()
        engine = loaded.engine
        with self._given_up_on(Error, loaded):
            if asked.looks_at_text:
                self._texts.read(engine, deadline)
            with self._searching:
                found = engine.find(asked, sort=sort, limit=limit, after=after, offset=offset, only=only)
        return Searched(found, engine.texts_left() if asked.looks_at_text else 0, not loaded.is_whole)

    def suggest(self, text: str) -> "list[Suggestion]":
        """
        What can take the place of the last word of a query that is being typed, the most likely first.

        Raises:
            StorageError: as `find`.
        """
        from sqlite3 import Error

        loaded = self._refreshed()
        with self._given_up_on(Error, loaded), self._searching:
            return loaded.engine.suggest(text)

    def places(self, hits: "Sequence[Hit]") -> "list[list[list[Place]]]":
        """
        Of each match of each hit, the places in the text; none where the record is gone or too long to be opened.

        Raises:
            StorageError: a record of a text could not be read.
        """
        if not any(match.field == _TEXT for hit in hits for match in hit.matches):
            return [[[] for _ in hit.matches] for hit in hits]
        with self._lock:
            if self._placed is None:
                from shared.search.placed import Placed

                self._placed = Placed(self._images)
        return self._placed.of(hits)

    def _begun(self) -> "Future[_Loaded]":
        """The reading under way, or else the last one if it is not older than `FRESH_SECONDS`, or another one."""
        with self._lock:
            reading = self._reading
            is_over = reading is None or reading.done()
            is_old = self._clock.now() - self._read_at >= FRESH_SECONDS
            if reading is None or (is_over and (is_old or reading.exception() is not None)):
                reading = self._reading = Future()
                threads.begin("index", lambda: self._read(reading))
            return reading

    def _refreshed(self) -> _Loaded:
        """The engine with the index as it was at the beginning of this call or up to `FRESH_SECONDS` before."""
        reading = self._begun()
        try:
            # The reading goes on after a caller whose time is over, so the next one finds more of it done.
            return reading.result(time_budget.left(self._settings.max_wait_seconds))
        except FutureTimeoutError:
            raise StorageError(
                "The index of images is being read, and it took too long.",
                retry_after_seconds=2.0,
                action="Ask again: the reading goes on.",
            ) from None

    def _read(self, reading: "Future[_Loaded]") -> None:
        """Take over what has changed in the index."""
        begun = self._clock.now()
        try:
            with time_budget.apart():
                loaded = self._take_over()
        except Exception as error:
            reading.set_exception(error)
        else:
            self._read_at = begun
            reading.set_result(loaded)

    def _take_over(self) -> _Loaded:
        loaded = self._loaded = self._loaded or self._made()
        with self._given_up_on(Exception, loaded):
            self._change(loaded)
            loaded.is_read = True
            loaded.is_whole = loaded.reader.is_built or self._has_all(loaded.engine)
        return loaded

    @contextmanager
    def _given_up_on(self, kind: type[Exception], loaded: _Loaded) -> Iterator[None]:
        """After such an error the engine may know half of a change, so the next search begins anew."""
        from sqlite3 import Error

        try:
            yield
        except BlobsightError:
            raise
        except kind as error:
            with self._lock:
                if self._loaded is loaded:
                    self._loaded = self._reading = None
            loaded.engine.close()
            if not isinstance(error, Error):
                raise
            raise StorageError(
                f"The temporary file of the search cannot be used: {error}.",
                action="Ask again: the index is read anew. If that is of no use, make room where the app's temporary "
                "files lie.",
            ) from error

    def _has_all(self, engine: "Engine") -> bool:
        """Whether the index has all images though it was never made from the records, as in an app that is new."""
        try:
            page = self._images.page(names.IMAGES, limit=MOST_COMPARED)
        except StorageError:
            return False
        images = (info.name for info in page.items if not image_blobs.is_folder_marker(info))
        return page.continuation is None and engine.has_all(map(names.stem, images))

    def _change(self, loaded: _Loaded) -> None:
        changes: list[Replaced | Added] = []
        try:
            for change in loaded.reader.changes():
                changes.append(change)
                if not loaded.is_read:
                    # Nothing is searched yet, and the whole index is too much to be held beside the engine.
                    _apply(loaded.engine, changes.pop())
        finally:
            # What was taken does not come again. No search sees a part of it: the base can tell less than lines did.
            with self._searching:
                while changes:
                    _apply(loaded.engine, changes.pop(0))

    def _made(self) -> _Loaded:
        # Imported here: a database is loaded with them, which no other function needs.
        from shared.index.reader import Reader
        from shared.search.engine import Engine

        return _Loaded(Reader(self._host), Engine(self._settings))


def _apply(engine: "Engine", change: "Replaced | Added") -> None:
    from shared.index.reader import Replaced

    if isinstance(change, Replaced):
        engine.replace(change.first, change.last, change.entries)
    else:
        engine.apply(change.lines)
