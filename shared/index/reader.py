"""
The index as it is read: the base, what waits beside it, and the lines that no fold has taken yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.errors import StorageError
from shared.index import base, tails
from shared.index.base import Manifest, MovedError, Shard
from shared.index.entry import Entry, Line
from shared.index.tails import Look
from shared.storage.blobs import Blobs

# A fold that goes on at the same time takes a moment; the next one comes minutes later.
_TRIES = 5


@dataclass(frozen=True)
class Replaced:
    """All entries of a range of stems; those known before go. `last` is no part of it; None is the end."""

    first: str
    last: str | None
    entries: list[Entry]


@dataclass(frozen=True)
class Added:
    """Lines to be applied to the entries of before."""

    lines: list[Line]


@dataclass
class _Known:
    """What has been handed out."""

    etag: str | None = None
    ranges: set[tuple[str, str | None, str]] = field(default_factory=set)
    folded: dict[str, int] = field(default_factory=dict)
    # How far each tail was read; a tail that a fold has taken is forgotten.
    offsets: dict[str, int] = field(default_factory=dict)


class Reader:
    """
    What has changed in the index since the last call. For one thread at a time.

    Args:
        host: the account that has it.

    `is_built` says whether all records had been compared with the index at the last call.
    """

    is_built = False

    def __init__(self, host: Blobs) -> None:
        self._host = host
        self._known = _Known()

    def changes(self) -> Iterator[Replaced | Added]:
        """
        What has changed since the last call: at first all. What was not taken from it comes again at the next call.

        One listing, then only the news: the manifest, shards that are others, and the bytes that tails have gained.

        Raises:
            StorageError: storage did not answer, or folds were faster again and again; the next call goes on.
        """
        for _ in range(_TRIES):
            try:
                yield from self._round()
                return
            except MovedError:
                continue
        raise StorageError("The index of images changes faster than it can be read.")

    def _round(self) -> Iterator[Replaced | Added]:
        seen = tails.look(self._host)
        self.is_built = seen.is_built
        known = self._known
        if seen.etag != known.etag or not known.offsets.keys() <= seen.tails.keys():
            told = base.read(self._host)
            yield from self._base(told.manifest)
            known.etag, known.folded = told.etag, told.manifest.folded
            # Lines of a tail may have been in a range that is another one now.
            known.offsets = {}
        yield from self._tails(seen)

    def _base(self, manifest: Manifest) -> Iterator[Replaced | Added]:
        known = self._known
        # The next call begins with the base again if this one ends early.
        known.etag, known.offsets = "", {}
        parts = {(shard.first, last, shard.id): shard for shard, last in manifest.ranges()}
        if known.ranges and not parts:
            yield Replaced("", None, [])
        known.ranges &= parts.keys()
        for part, shard in parts.items():
            if part not in known.ranges:
                yield Replaced(part[0], part[1], list(base.load(self._host, shard).values()))
                known.ranges.add(part)
        yield from self._recent(manifest.recent)

    def _recent(self, recent: Shard | None) -> Iterator[Added]:
        if recent:
            yield Added([line for entry in base.load(self._host, recent).values() for line in entry.lines()])

    def _tails(self, seen: Look) -> Iterator[Added]:
        offsets = self._known.offsets
        for name, tail in sorted(seen.tails.items()):
            begin = offsets.get(name, self._known.folded.get(name, 0))
            data = tails.unread(self._host, tail, begin)
            if data:
                yield Added(tails.lines(data))
            offsets[name] = begin + len(data)


def snapshot(host: Blobs, first: str = "", last: str | None = None) -> dict[str, Entry]:
    """
    The entries of a range of stems, by their stems, as they are now; also those of images known to be gone.

    Args:
        host: the account that has the index.
        first: where the range begins.
        last: where it ends, itself not a part of it; None is the end.

    Raises:
        StorageError: storage did not answer, or folds were faster again and again.
    """
    for _ in range(_TRIES):
        try:
            return _snapshot(host, first, last)
        except MovedError:
            continue
    raise StorageError("The index of images changes faster than it can be read.")


def _snapshot(host: Blobs, first: str, last: str | None) -> dict[str, Entry]:
    seen = tails.look(host)
    manifest = base.read(host).manifest
    found: dict[str, Entry] = {}
    for shard in manifest.within(first, last):
        found.update((stem, entry) for stem, entry in base.load(host, shard).items() if _is_in(stem, first, last))
    if manifest.recent:
        for stem, entry in base.load(host, manifest.recent).items():
            if _is_in(stem, first, last):
                found.setdefault(stem, Entry(stem)).merge(entry)
    for line in tails.all_unread(host, seen, manifest):
        if _is_in(line["stem"], first, last):
            found.setdefault(line["stem"], Entry(line["stem"])).apply(line)
    return found


def _is_in(stem: str, first: str, last: str | None) -> bool:
    return stem >= first and (last is None or stem < last)
