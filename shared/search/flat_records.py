"""
The flat records of all images: written where an entry of the index changes, and compared with it once a day.

Only with SEARCH_RECORDS=true. The comparison makes all records where the setting is new, and heals what a killed fold
or a failure of storage has left. Without the setting, it deletes them.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from shared import log, names, threads
from shared.clock import Clock, Deadline
from shared.errors import StorageError
from shared.index import base, places
from shared.index.entry import Entry
from shared.index.fold import now_of
from shared.index.reader import snapshot
from shared.search import flat
from shared.settings import Settings
from shared.storage import directories, image_blobs, listing
from shared.storage.blobs import Blobs

# Of a function that may run for five minutes.
_SECONDS_OF_CHANGES, _SECONDS = 150.0, 200.0
_AT_ONCE = 8
_EVERY = timedelta(days=1)
# For so long an indexer can find that an image has gone.
_MARKED = timedelta(days=7)
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


@dataclass
class Compared:
    """
    What a comparison has done.

    Attributes:
        records: how many it has written.
        orphans: how many it has marked because their images are gone.
        records_deleted: how many have gone.
        more: whether there was no time for the rest, which the next one does.
    """

    records: int = 0
    orphans: int = 0
    records_deleted: int = 0
    more: bool = False


class _Stored(NamedTuple):
    """A record as a listing tells it; *modified* is None of one that is not marked."""

    made_of: str | None
    etag: str
    modified: datetime | None


class FlatRecords:
    """
    Keeps the flat records, for one invocation.

    Args:
        images: the account that has them, the images and the other records.
        host: the account that has the index.
        settings: whether they are kept, and what the states of images follow from.
        clock: the time.
        pool: where several are written at once.
    """

    def __init__(self, images: Blobs, host: Blobs, settings: Settings, clock: Clock, pool: Executor) -> None:
        self._images = images
        self._host = host
        self._settings = settings
        self._clock = clock
        self._pool = pool
        self._changes_end = Deadline.after(_SECONDS_OF_CHANGES, clock)
        self._end = Deadline.after(_SECONDS, clock)

    def changed(self, entries: Mapping[str, Entry]) -> None:
        """
        Write the records of these entries. A fold goes on without them: the next comparison writes those that are left.

        Raises:
            StorageError: it could not be noted that any are left.
        """
        try:
            if not self._each(self._write_or_mark, entries.values(), self._changes_end):
                self._note(None)
        except StorageError as error:
            log.event(_logger, "search.records_left", level=logging.WARNING, problem=error)
            self._note(None)

    def compare(self) -> Compared | None:
        """
        Compare all records with the index if that is due, and write those that differ; None if it is not due.

        Raises:
            StorageError: storage did not answer; the next call goes on.
        """
        blob = self._host.read(names.INDEX, places.COMPARED)
        if not self._settings.search_records:
            return self._delete_all() if blob else None
        if blob is None:
            self._note(None)
        elif self._is_new(blob.data):
            return None
        done = self._compare_all()
        if not done.more:
            self._note(now_of(self._host, self._clock))
        return done

    def _compare_all(self) -> Compared:
        done = Compared()
        stored = self._listed()
        for shard, last in list(base.read(self._host).manifest.ranges()) or [(base.Shard("", "", 0), None)]:
            entries = [entry for entry in snapshot(self._host, shard.first, last).values() if entry.is_there]
            differing = [entry for entry in entries if self._differs(entry, stored.pop(entry.stem, None))]
            done.records += len(differing)
            if not self._each(partial(flat.write, self._images, settings=self._settings), differing, self._end):
                done.more = True
                return done
        return self._let_go(stored, done)

    def _let_go(self, stored: Mapping[str, _Stored], done: Compared) -> Compared:
        """Mark the records whose images are gone, and delete those that were marked long ago."""
        now = now_of(self._host, self._clock)
        orphans = [stem for stem, each in stored.items() if each.modified is None]
        old = [(stem, each) for stem, each in stored.items() if each.modified and each.modified < now - _MARKED]
        done.orphans, done.records_deleted = len(orphans), len(old)
        all_marked = self._each(lambda stem: flat.mark(self._images, Entry(stem)), orphans, self._end)
        done.more = not (all_marked and self._each(self._delete, old, self._end))
        return done

    def _delete_all(self) -> Compared:
        """Delete every record, and at last the note that there are any."""
        done = Compared()
        stored = self._listed()
        done.records_deleted = len(stored)
        done.more = not self._each(self._delete, stored.items(), self._end)
        if not done.more:
            self._host.delete(names.INDEX, places.COMPARED)
        return done

    def _listed(self) -> dict[str, _Stored]:
        """The records by the stems of their images."""
        found = {}
        for info in listing.all_below(self._images, names.SEARCH, ""):
            if not image_blobs.is_folder_marker(info):
                marked = info.modified if flat.DELETED in info.metadata else None
                stem = info.name.removesuffix(".json")
                found[stem] = _Stored(info.metadata.get(flat.MADE_OF), info.etag, marked)
        return found

    def _differs(self, entry: Entry, stored: _Stored | None) -> bool:
        return stored is None or stored.made_of != flat.digest(flat.of_entry(entry, self._settings), entry)

    def _write_or_mark(self, entry: Entry) -> None:
        if entry.is_there:
            flat.write(self._images, entry, self._settings)
        elif self._images.head(names.SEARCH, flat.name_of(entry.stem)):
            flat.mark(self._images, entry)

    def _delete(self, each: tuple[str, _Stored]) -> None:
        directories.delete(self._images, names.SEARCH, flat.name_of(each[0]), each[1].etag)

    def _each(self, action: Callable[[_T], object], items: Iterable[_T], end: Deadline) -> bool:
        """Do it with each, several at once; False if the time was over before."""
        left = iter(items)
        while some := list(islice(left, _AT_ONCE)):
            if end.remaining() <= 0:
                return False
            for _ in threads.side_by_side(self._pool, action, some):
                pass
        return True

    def _note(self, at: datetime | None) -> None:
        data = json.dumps({"at": at.isoformat() if at else None}).encode()
        self._host.write(names.INDEX, places.COMPARED, data, content_type=names.JSON)

    def _is_new(self, data: bytes) -> bool:
        """Whether the last comparison of all is less than a day ago."""
        try:
            at = datetime.fromisoformat(json.loads(data)["at"])
        except (ValueError, LookupError, TypeError):
            return False
        return at > now_of(self._host, self._clock) - _EVERY
