"""
The fold: what the tails tell goes into the base, and then they go.

It may end at any moment, and two may go on at once: the manifest, written only over the one that was read, decides what
counts. Until then all is as it was; after it, it says how much of each tail is in the base.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import log, names
from shared.clock import Clock, Deadline
from shared.errors import ConflictError, StorageError
from shared.index import base, places, tails
from shared.index.base import LATE_SECONDS, Manifest, MovedError, Told
from shared.index.entry import Entry
from shared.index.push import Push, is_settled
from shared.index.tails import Look, Portion
from shared.storage.blobs import BlobInfo, Blobs

# Of entries in `recent`: some 150 kB, which each reader loads after each fold.
MOST_RECENT = 1_000
# A writer begins another tail every five minutes. What it no longer writes goes.
_WRITTEN = timedelta(minutes=7)
# A reader, or a fold, that began before may still read what no manifest names any more.
_GARBAGE = timedelta(hours=1)
_TRIES = 5
_SECONDS = 120.0
_logger = logging.getLogger(__name__)

# Told each entry that has changed, whole, by its stem, before the fold counts; it may be told twice.
Changed = Callable[[Mapping[str, Entry]], None]


@dataclass
class Folded:
    """
    What a fold has done.

    Attributes:
        lines: how many it took from the tails.
        shards: how many it wrote.
        tails: how many went.
        more: whether it left lines to the next fold, as there was no time for them.
    """

    lines: int = 0
    shards: int = 0
    tails: int = 0
    more: bool = False


def fold(host: Blobs, clock: Clock, changed: Changed | None = None) -> Folded:
    """
    Bring the lines of all tails into the base.

    Args:
        host: the account that has the index.
        clock: the time.
        changed: told each changed entry.

    Raises:
        StorageError: storage did not answer, or other folds were faster again and again; all is as another fold finds
            it.
    """
    work = _Fold(host, clock, changed)
    for _ in range(_TRIES):
        try:
            return work.run()
        except MovedError as moved:
            work.lost(moved)
        except ConflictError:
            continue
    raise StorageError("Other folds of the index were faster again and again.")


class _Fold:
    """One fold, with what its tries that came too late have touched."""

    def __init__(self, host: Blobs, clock: Clock, changed: Changed | None) -> None:
        self._host = host
        self._clock = clock
        self._changed = changed
        self._deadline = Deadline.after(_SECONDS, clock)
        self._touched: set[str] = set()
        self._told = Told(Manifest(), None)
        self._missing: tuple[str | None, str | None] | None = None
        self._done = Folded()
        self._horizon = 0.0

    def run(self) -> Folded:
        """One try; ConflictError if another fold was faster."""
        seen = tails.look(self._host)
        self._told = base.read(self._host)
        before = self._told.manifest.blobs
        self._horizon = self._since_when(seen)
        orphans = self._told.etag is None and any(self._is_older(shard, _GARBAGE) for shard in seen.shards)
        if self._told.damaged or orphans:
            self._build_anew(places.MANIFEST)
        # No line may ever come for the range of one that is lost.
        self._told.manifest.check({shard.name for shard in seen.shards})
        for portion in tails.portions(self._host, seen, self._told.manifest):
            if self._deadline.remaining() <= 0:
                self._done.more = True
                return self._done
            self._step(seen, portion)
        self._step(seen, None)
        self._delete_tails(seen)
        self._delete_garbage(seen, before)
        return self._done

    def _step(self, seen: Look, portion: Portion | None) -> None:
        """Bring one portion into the base; None if only the work of the hour may be due."""
        lines = tails.lines(portion.data) if portion else []
        fresh: dict[str, Entry] = {}
        for line in lines:
            fresh.setdefault(line["stem"], Entry(line["stem"])).apply(line)
        self._touched.update(fresh)
        before = self._told.manifest
        manifest = self._with(before, fresh) if fresh or self._is_due(before, before.waiting) else before
        if portion:
            left = {name: end for name, end in before.folded.items() if name in seen.tails}
            manifest = replace(manifest, folded={**left, portion.tail: portion.end})
        if self._changed and self._touched:
            self._changed(self._whole(manifest))
        if manifest != before:
            self._told = Told(manifest, base.write(self._host, manifest, self._told.etag))
        self._touched.clear()
        self._done.lines += len(lines)

    def _with(self, manifest: Manifest, fresh: Mapping[str, Entry]) -> Manifest:
        """The manifest of a base that has these entries too."""
        now = self._now()
        recent = base.load(self._host, manifest.recent) if manifest.recent else {}
        for stem, entry in fresh.items():
            recent.setdefault(stem, Entry(stem)).merge(entry)
        since = manifest.since if manifest.recent else now
        manifest = replace(manifest, since=since)
        if not self._is_due(manifest, len(recent)):
            kept = base.save(self._host, "", [recent[stem] for stem in sorted(recent)], self._horizon)
            self._done.shards += 1
            return replace(manifest, recent=kept)
        push = Push(self._host, manifest, self._horizon)
        shards = push.shards(recent)
        self._done.shards += push.written
        return replace(manifest, shards=shards, recent=None, since=0.0)

    def _is_due(self, manifest: Manifest, recent: int) -> bool:
        """Whether what waits in `recent` is to go into the shards of its ranges."""
        now = self._now()
        if any(is_settled(shard, now) for shard in manifest.shards):
            return True
        return recent > MOST_RECENT or (recent > 0 and manifest.since <= now - LATE_SECONDS)

    def _since_when(self, seen: Look) -> float:
        """
        When the first tail that is to be taken was begun: its lines are not late, however long no fold has come.

        A tombstone of one tail has to stay until the line of another one, which it beats, is there.
        """
        folded = self._told.manifest.folded
        left = [tail.created for name, tail in seen.tails.items() if tail.size > folded.get(name, 0)]
        return min([self._now(), *(created.timestamp() for created in left if created)])

    def _whole(self, manifest: Manifest) -> dict[str, Entry]:
        """What has been touched, as a base of that manifest has it."""
        found = {stem: Entry(stem) for stem in self._touched}
        touched = sorted(found)
        places = {manifest.place(stem) for stem in touched} - {-1}
        for shard in [manifest.shards[place] for place in sorted(places)] + [manifest.recent]:
            entries = base.load(self._host, shard) if shard else {}
            for stem in touched:
                if stem in entries:
                    found[stem].merge(entries[stem])
        return found

    def _delete_tails(self, seen: Look) -> None:
        folded = self._told.manifest.folded
        for name, tail in seen.tails.items():
            if tail.size <= folded.get(name, 0) and self._is_older(tail, _WRITTEN):
                # Its writer was late; the next fold takes what it has added.
                with suppress(ConflictError):
                    self._host.delete(names.INDEX, name, etag=tail.etag)
                    self._done.tails += 1

    def _delete_garbage(self, seen: Look, before: set[str]) -> None:
        """Delete what killed folds and those before this one have left."""
        needed = before | self._told.manifest.blobs
        for shard in seen.shards:
            if shard.name not in needed and self._is_older(shard, _GARBAGE):
                with suppress(ConflictError):
                    self._host.delete(names.INDEX, shard.name, etag=shard.etag)

    def lost(self, moved: MovedError) -> None:
        """Take a shard for lost that is missing though no other fold has come in between, and go on without it."""
        missing = (self._told.etag, moved.shard)
        if not moved.shard or missing != self._missing:
            self._missing = missing
            return
        self._build_anew(places.shard(moved.shard))
        manifest = self._told.manifest
        left = [shard for shard in manifest.shards if shard.id != moved.shard]
        shards = tuple(replace(shard, first=shard.first if at else "") for at, shard in enumerate(left))
        recent = manifest.recent if manifest.recent and manifest.recent.id != moved.shard else None
        with suppress(ConflictError):
            base.write(self._host, replace(manifest, shards=shards, recent=recent), self._told.etag)

    def _build_anew(self, lost: str) -> None:
        """Have the records compared with the index once more, as a part of it is lost."""
        log.event(_logger, "index.lost", level=logging.ERROR, lost=lost)
        self._host.delete(names.INDEX, places.BUILT)

    def _is_older(self, blob: BlobInfo, age: timedelta) -> bool:
        return blob.modified is None or blob.modified < now_of(self._host, self._clock) - age

    def _now(self) -> float:
        return now_of(self._host, self._clock).timestamp()


def now_of(host: Blobs, clock: Clock) -> datetime:
    """The time by storage's clock, as far as its answers have told it."""
    return clock.utc() + (host.clock_ahead or timedelta(0))
