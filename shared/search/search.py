"""
The search of one process: the index as it was read last, the whole texts, and the engine that has both.

The first search reads the index; each one after that reads what has changed, at most once a second.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, NamedTuple

from shared import names, threads
from shared.clock import Clock, Deadline
from shared.errors import StorageError
from shared.search.whole_texts import WholeTexts
from shared.settings import Settings
from shared.storage.blobs import Blobs
from shared.threads import side_by_side
from shared.transport import time_budget

if TYPE_CHECKING:
    from shared.index.reader import Added, Reader, Replaced
    from shared.search.engine import Engine
    from shared.search.found import Found, Hit
    from shared.search.order import Sort
    from shared.search.text_places import Place

# How old the index may be that a search is answered from, beside the time that reading it takes.
FRESH_SECONDS = 1.0
# Of a request's longest time, after which whole texts are left to the next search.
_PART_FOR_TEXTS = 0.2
# Records of texts that are read at once, and the length up to which they are opened.
_PARALLEL = 16
_MOST_BYTES = 4 * 1024**2
_TEXT = "text"


class Searched(NamedTuple):
    """
    What a search has found.

    Attributes:
        found: the page, with the counts of all that match.
        unsearched: texts of which only the first words were searched so far.
        building: whether the index was never made whole, so that images are missing in it.
    """

    found: "Found"
    unsearched: int
    building: bool


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
        # JSON takes ten times its length of memory, so one record is open at a time.
        self._opening = threading.Lock()
        self._reading: Future[Engine] | None = None
        self._read_at = 0.0
        self._is_loaded = self._is_built = False
        self._texts = WholeTexts(images)
        self._parts: tuple[Reader, Engine] | None = None

    async def ready(self) -> None:
        """Wait until `find` needs not wait for the index, or the caller's time is over, and hold no thread for it."""
        reading = asyncio.wrap_future(self._begun())
        # It is left alone when the time is over, because others wait for it too.
        done, _ = await asyncio.wait([reading], timeout=time_budget.left(self._settings.max_wait_seconds))
        for each in done:
            # What came of it, `find` tells.
            each.exception()

    def find(self, text: str, *, sort: "Sort" = "match", limit: int = 20, after: str | None = None) -> Searched:
        """
        One page of the images that match.

        Args:
            text: the query, as `shared.search.query` takes it; empty is every image.
            sort: by what.
            limit: images on the page.
            after: what the page before said.

        Raises:
            BadRequestError: `bad_query`, or *after* is none.
            StorageError: the index or a text could not be read in time.
        """
        from shared.search import query

        asked = query.parse(text)
        deadline = Deadline.after(time_budget.left(self._settings.max_wait_seconds) * _PART_FOR_TEXTS, self._clock)
        engine = self._refreshed()
        if asked.looks_at_text:
            self._texts.read(engine, deadline)
        with self._searching:
            found = engine.find(asked, sort=sort, limit=limit, after=after)
        return Searched(found, engine.texts_left() if asked.looks_at_text else 0, not self._has_been_built())

    def places(self, hits: "Sequence[Hit]") -> "list[list[list[Place]]]":
        """
        Of each match of each hit, the places in the text; none where the record is gone or too long to be opened.

        Raises:
            StorageError: a record of a text could not be read.
        """
        in_text = [hit for hit in hits if any(match.field == _TEXT for match in hit.matches)]
        if not in_text:
            return [[[] for _ in hit.matches] for hit in hits]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found = dict(zip(map(id, in_text), side_by_side(pool, self._places_of, in_text), strict=True))
        return [found.get(id(hit)) or [[] for _ in hit.matches] for hit in hits]

    def _places_of(self, hit: "Hit") -> "list[list[Place]]":
        from shared.search import text_places

        record = self._images.read(names.TEXT, f"{hit.entry.stem}.json", most=_MOST_BYTES)
        if record is None or record.info.size > _MOST_BYTES:
            return [[] for _ in hit.matches]
        with self._opening:
            try:
                lines = text_places.lines_of(record.data)
            except ValueError:
                # Another program's blob in the place of a record hides no image.
                lines = []
            return [text_places.find(lines, match.folded) if match.field == _TEXT else [] for match in hit.matches]

    def _has_been_built(self) -> bool:
        """Whether the index was made whole once; asked of storage until it was."""
        from shared.index import places

        self._is_built = self._is_built or self._host.head(names.INDEX, places.BUILT) is not None
        return self._is_built

    def _begun(self) -> "Future[Engine]":
        """The reading under way, or else the last one if it is not older than `FRESH_SECONDS`, or another one."""
        with self._lock:
            reading = self._reading
            is_over = reading is None or reading.done()
            is_old = self._clock.now() - self._read_at >= FRESH_SECONDS
            if reading is None or (is_over and (is_old or reading.exception() is not None)):
                reading = self._reading = Future()
                threads.begin("index", lambda: self._read(reading))
            return reading

    def _refreshed(self) -> "Engine":
        """The engine, with the index as it was at the beginning of this call or up to `FRESH_SECONDS` before."""
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

    def _read(self, reading: "Future[Engine]") -> None:
        """Take over what has changed in the index."""
        begun = self._clock.now()
        try:
            with time_budget.apart():
                engine = self._take_over()
        except Exception as error:
            reading.set_exception(error)
        else:
            self._read_at = begun
            reading.set_result(engine)

    def _take_over(self) -> "Engine":
        reader, engine = self._parts = self._parts or self._made()
        try:
            self._change(reader, engine)
        except StorageError:
            raise
        except Exception:
            # The engine may know half of a change, so the next search begins anew.
            self._parts, self._is_loaded = None, False
            engine.close()
            raise
        self._is_loaded = True
        return engine

    def _change(self, reader: "Reader", engine: "Engine") -> None:
        changes: list[Replaced | Added] = []
        try:
            for change in reader.changes():
                changes.append(change)
                if not self._is_loaded:
                    # Nothing is searched yet, and the whole index is too much to be held beside the engine.
                    _apply(engine, changes.pop())
        finally:
            # What was taken does not come again. No search sees a part of it: the base can tell less than lines did.
            with self._searching:
                while changes:
                    _apply(engine, changes.pop(0))

    def _made(self) -> tuple["Reader", "Engine"]:
        # Imported here: a database is loaded with them, which no other function needs.
        from shared.index.reader import Reader
        from shared.search.engine import Engine

        return Reader(self._host), Engine(self._settings)


def _apply(engine: "Engine", change: "Replaced | Added") -> None:
    from shared.index.reader import Replaced

    if isinstance(change, Replaced):
        engine.replace(change.first, change.last, change.entries)
    else:
        engine.apply(change.lines)
