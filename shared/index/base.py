"""
The base of the index: entries in shards of sorted ranges, and the manifest that lists them.

A shard never changes: a fold writes another one under a new name, then the manifest that names it. What folds have
taken from the tails waits in one more shard, `recent`, until it is an hour old or large; so few changes move few bytes.
"""

import gzip
import json
import math
import os
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from shared import names
from shared.errors import ConflictError
from shared.index import places
from shared.index.entry import Entry
from shared.storage.blobs import Blobs, IfEtag

# Of one shard; one with more is cut into halves.
MOST_ENTRIES = 10_000
# For so long a line may come late: until then an entry keeps the time of each part, also of a gone one.
LATE_SECONDS = 3600.0
_GZIP = "application/gzip"


@dataclass(frozen=True)
class Shard:
    """
    One range of stems, from `first` to the next shard's.

    Attributes:
        first: where the range begins; "" is the beginning.
        id: the name of its blob.
        entries: how many it has.
        settles: when times and tombstones in it are of no use any more, in seconds since 1970; None if it has none.
    """

    first: str
    id: str
    entries: int
    settles: float | None = None


@dataclass(frozen=True)
class Manifest:
    """
    What `base.json` tells.

    Attributes:
        shards: in the order of their ranges, which leave nothing out.
        recent: entries of all ranges, each with what has changed alone; None if there are none.
        since: when the first change in `recent` was made, in seconds since 1970.
        folded: by the name of a tail, how many bytes of it are in here already.
    """

    shards: tuple[Shard, ...] = ()
    recent: Shard | None = None
    since: float = 0.0
    folded: dict[str, int] = field(default_factory=dict)

    def ranges(self) -> Iterator[tuple[Shard, str | None]]:
        """Each shard, and where its range ends; None at the end."""
        ends = [*(shard.first for shard in self.shards[1:]), None]
        yield from zip(self.shards, ends, strict=False)

    def within(self, first: str, last: str | None) -> Iterator[Shard]:
        """The shards that have stems of a range, whose end `last` is not a part of it."""
        for shard, end in self.ranges():
            if (end is None or end > first) and (last is None or shard.first < last):
                yield shard

    def place(self, stem: str) -> int:
        """The number of the shard whose range has the stem; -1 where there is no shard."""
        return bisect_right([shard.first for shard in self.shards], stem) - 1

    @property
    def waiting(self) -> int:
        """How many entries `recent` has."""
        return self.recent.entries if self.recent else 0

    @property
    def ids(self) -> set[str]:
        """Of all shards."""
        return {shard.id for shard in (*self.shards, *([self.recent] if self.recent else []))}

    @property
    def blobs(self) -> set[str]:
        """The names of all blobs that it needs."""
        return {places.shard(each) for each in self.ids}

    def check(self, there: Collection[str]) -> None:
        """Raise MovedError for a shard that is not among these blobs."""
        for each in sorted(self.ids):
            if places.shard(each) not in there:
                raise _lost(each)


class MovedError(ConflictError):
    """Another fold was faster, and has deleted the blob; `shard` is its id if it is a shard."""

    shard: str | None = None


@dataclass(frozen=True)
class Told:
    """A manifest as it was read; `etag` is None where there is none, and `damaged` says that it cannot be read."""

    manifest: Manifest
    etag: str | None
    damaged: bool = False


def read(host: Blobs) -> Told:
    """
    The manifest; an empty one where there is none, or one that cannot be read.

    Raises:
        StorageError: storage did not answer.
    """
    blob = host.read(names.INDEX, places.MANIFEST)
    if blob is None:
        return Told(Manifest(), None)
    found = _parsed(blob.data)
    return Told(found or Manifest(), blob.info.etag, found is None)


def _parsed(data: bytes) -> Manifest | None:
    try:
        told = json.loads(data)
        shards = tuple(Shard(**each) for each in told["shards"])
        recent = Shard(**told["recent"]) if told["recent"] else None
        return Manifest(shards, recent, float(told["since"]), dict(told["folded"]))
    except (ValueError, LookupError, TypeError):
        return None


def write(host: Blobs, manifest: Manifest, etag: str | None) -> str:
    """
    Put the manifest in the place of the one with that ETag; return the new one.

    Raises:
        ConflictError: another fold was faster.
        StorageError: storage did not answer.
    """
    data = _json(asdict(manifest)).encode(errors="surrogatepass")
    return host.write(names.INDEX, places.MANIFEST, data, content_type=names.JSON, condition=IfEtag(etag))


def load(host: Blobs, shard: Shard) -> dict[str, Entry]:
    """
    The entries of a shard, by their stems, in their order.

    Raises:
        MovedError: it is not there, or no shard.
        StorageError: storage did not answer.
    """
    blob = host.read(names.INDEX, places.shard(shard.id))
    if blob is None:
        raise _lost(shard.id)
    try:
        # A text may have line breaks of Unicode, and half of a character's code, which JSON takes.
        lines = gzip.decompress(blob.data).splitlines()
        found = {entry.stem: entry for entry in map(loads, lines)}
    except (ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, zlib.error):
        raise _lost(shard.id) from None
    if len(found) != shard.entries:
        raise _lost(shard.id)
    return found


def _lost(shard: str) -> MovedError:
    error = MovedError(f"The shard {shard} of the index is not there, or cannot be read.")
    error.shard = shard
    return error


def save(host: Blobs, first: str, entries: Iterable[Entry], now: float) -> Shard:
    """Write a shard of these entries, sorted by their stems; *now* is the time by storage's clock."""
    kept = list(entries)
    shard = Shard(first, os.urandom(8).hex(), len(kept), _settles(kept, now))
    data = "".join(f"{dumps(entry, now)}\n" for entry in kept).encode(errors="surrogatepass")
    host.write(names.INDEX, places.shard(shard.id), gzip.compress(data, mtime=0), content_type=_GZIP)
    return shard


def settled(entry: Entry, now: float) -> Entry | None:
    """The entry without what has been gone for longer than lines may be late; None if nothing is left."""
    parts = {
        name: content
        for name, content in entry.parts.items()
        if content is not None or _is_young(entry.at.get(name, 0.0), now)
    }
    gone_at = entry.gone_at if _is_young(entry.gone_at, now) else 0.0
    if not parts and not gone_at:
        return None
    return Entry(entry.stem, parts, {name: entry.at.get(name, 0.0) for name in parts}, gone_at)


def dumps(entry: Entry, now: float) -> str:
    """
    The line of an entry in a shard.

    `at` is one time for all parts, a whole number of seconds, where no line can come so late that it needs more.
    """
    line: dict[str, Any] = {"stem": entry.stem, "parts": entry.parts}
    latest = max(entry.at.values(), default=0.0)
    if entry.gone_at:
        line["gone"] = entry.gone_at
    line["at"] = dict(entry.at) if _is_young(latest, now) else math.ceil(latest)
    return _json(line)


def loads(line: bytes) -> Entry:
    """The entry of a line; ValueError, LookupError, TypeError or AttributeError if it is none."""
    told = json.loads(line)
    parts, at = dict(told["parts"]), told["at"]
    times = {name: float(at[name]) for name in parts} if isinstance(at, dict) else dict.fromkeys(parts, float(at))
    return Entry(str(told["stem"]), parts, times, float(told.get("gone", 0.0)))


def _is_young(at: float, now: float) -> bool:
    return at > now - LATE_SECONDS


def _settles(entries: list[Entry], now: float) -> float | None:
    """When it is worth the while to write them again, as nothing is young any more."""
    latest = max((max([*entry.at.values(), entry.gone_at]) for entry in entries), default=0.0)
    return latest + LATE_SECONDS if _is_young(latest, now) else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
