"""
What waits in `recent` goes into the shards of its ranges.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from shared.index import base
from shared.index.base import MOST_ENTRIES, Manifest, Shard
from shared.index.entry import Entry
from shared.storage.blobs import Blobs


class Push:
    """
    One pass over the shards, of which one at a time is in the memory.

    Args:
        host: the account that has the index.
        manifest: what lists the shards.
        now: seconds since 1970, by storage's clock.
    """

    def __init__(self, host: Blobs, manifest: Manifest, now: float) -> None:
        self._host = host
        self._manifest = manifest
        self._now = now
        self._shards: list[Shard] = []
        # Not written yet: where the range begins, and the entries.
        self._open: tuple[str, list[Entry]] | None = None
        self.written = 0

    def shards(self, recent: Mapping[str, Entry]) -> tuple[Shard, ...]:
        """
        Write the shards that change, and return all that there are then.

        Raises:
            MovedError: a shard is not there.
            StorageError: storage did not answer.
        """
        changes = self._by_shard(recent)
        for number, shard in enumerate(self._manifest.shards or (Shard("", "", 0),)):
            changed = changes.get(number, [])
            if changed or is_settled(shard, self._now):
                self._add(shard.first, self._merged(shard, changed))
            else:
                self._close()
                self._shards.append(shard)
        self._close()
        # The range of the first one begins where all begin, also where the one before it has gone.
        return tuple(replace(shard, first=shard.first if at else "") for at, shard in enumerate(self._shards))

    def _by_shard(self, recent: Mapping[str, Entry]) -> dict[int, list[Entry]]:
        found: dict[int, list[Entry]] = defaultdict(list)
        for stem in sorted(recent):
            found[max(0, self._manifest.place(stem))].append(recent[stem])
        return found

    def _merged(self, shard: Shard, changed: list[Entry]) -> list[Entry]:
        entries = base.load(self._host, shard) if shard.id else {}
        for each in changed:
            entries.setdefault(each.stem, Entry(each.stem)).merge(each)
        kept = [base.settled(entries[stem], self._now) for stem in sorted(entries)]
        return [entry for entry in kept if entry]

    def _add(self, first: str, entries: list[Entry]) -> None:
        # Small neighbours that are written anyway become one shard, so that deletions leave no crumbs.
        if self._open and len(self._open[1]) + len(entries) <= MOST_ENTRIES // 4:
            self._open[1].extend(entries)
            return
        self._close()
        self._open = first, entries

    def _close(self) -> None:
        if self._open:
            for first, entries in _pieces(*self._open):
                self._shards.append(base.save(self._host, first, entries, self._now))
                self.written += 1
        self._open = None


def is_settled(shard: Shard, now: float) -> bool:
    """Whether times and tombstones in it are of no use any more."""
    return shard.settles is not None and shard.settles <= now


def _pieces(first: str, entries: list[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """The entries in halves, quarters and so on, none with too many; nothing where there are none."""
    count = 1
    while len(entries) > count * MOST_ENTRIES:
        count *= 2
    ends = [len(entries) * number // count for number in range(count + 1)]
    for begin, end in pairwise(ends):
        if begin < end:
            yield (entries[begin].stem if begin else first), entries[begin:end]
