"""
The index as it is read: the base, what waits beside it, and the lines that no fold has taken yet.
"""

from collections.abc import Collection, Iterator
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
    # Shards that two looks one after the other did not find, though the manifest names them: lost until a fold comes.
    lost: set[str] = field(default_factory=set)
    is_damaged: bool = False
    # How far each tail was read; a tail that a fold has taken is forgotten.
    offsets: dict[str, int] = field(default_factory=dict)


class Reader:
    """
    What has changed in the index since the last call. For one thread at a time.

    Args:
        host: the account that has it.

    `is_built` says whether all records had been compared with the index at the last call, and nothing of it was lost.
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
        moved = None
        for _ in range(_TRIES):
            try:
                yield from self._round()
                return
            except MovedError as error:
                moved = _again(error, moved, self._known.lost)
        raise StorageError("The index of images changes faster than it can be read.")

    def _round(self) -> Iterator[Replaced | Added]:
        seen = tails.look(self._host)
        known = self._known
        if seen.etag != known.etag or not known.offsets.keys() <= seen.tails.keys():
            told = base.read(self._host)
            yield from self._base(told.manifest)
            known.is_damaged = told.damaged or not known.lost.isdisjoint(told.manifest.ids)
            known.etag, known.folded = told.etag, told.manifest.folded
            # Lines of a tail may have been in a range that is another one now.
            known.offsets = {}
        is_lost = seen.etag is None and bool(seen.shards)
        self.is_built = seen.is_built and not known.is_damaged and not is_lost
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
                yield Replaced(part[0], part[1], list(_load(self._host, shard, known.lost).values()))
                known.ranges.add(part)
        yield from self._recent(manifest.recent)

    def _recent(self, recent: Shard | None) -> Iterator[Added]:
        if recent:
            yield Added(
                [line for entry in _load(self._host, recent, self._known.lost).values() for line in entry.lines()]
            )

    def _tails(self, seen: Look) -> Iterator[Added]:
        offsets = self._known.offsets
        for name, tail in sorted(seen.tails.items()):
            begin = offsets.get(name, self._known.folded.get(name, 0))
            data = tails.unread(self._host, tail, begin)
            if data:
                yield Added(tails.lines(data))
            offsets[name] = begin + len(data)


def snapshot(host: Blobs, first: str = "", last: str | None = None, *, whole: bool = True) -> dict[str, Entry]:
    """
    The entries of a range of stems, by their stems, as they are now; also those of images known to be gone.

    Args:
        host: the account that has the index.
        first: where the range begins.
        last: where it ends, itself not a part of it; None is the end.
        whole: whether a lost shard is an error; else its entries are left out, for those who make them anew.

    Raises:
        StorageError: storage did not answer, a shard is lost, or folds were faster again and again.
    """
    lost: set[str] = set()
    moved = None
    for _ in range(_TRIES):
        try:
            return _snapshot(host, first, last, lost)
        except MovedError as error:
            moved = error if whole else _again(error, moved, lost)
    raise StorageError("The index of images changes faster than it can be read.")


def _again(error: MovedError, before: MovedError | None, lost: set[str]) -> MovedError:
    """Take a shard for lost that the one before was about too: the manifest was read anew in between."""
    if error.shard and before and before.shard == error.shard:
        lost.add(error.shard)
    return error


def _load(host: Blobs, shard: Shard, lost: Collection[str]) -> dict[str, Entry]:
    """The entries of a shard; none of one that is lost, so that the others are found."""
    return {} if shard.id in lost else base.load(host, shard)


def _snapshot(host: Blobs, first: str, last: str | None, lost: Collection[str]) -> dict[str, Entry]:
    seen = tails.look(host)
    manifest = base.read(host).manifest
    found: dict[str, Entry] = {}
    for shard in manifest.within(first, last):
        found.update((stem, entry) for stem, entry in _load(host, shard, lost).items() if _is_in(stem, first, last))
    if manifest.recent:
        for stem, entry in _load(host, manifest.recent, lost).items():
            if _is_in(stem, first, last):
                found.setdefault(stem, Entry(stem)).merge(entry)
    for line in tails.all_unread(host, seen, manifest):
        if _is_in(line["stem"], first, last):
            found.setdefault(line["stem"], Entry(line["stem"])).apply(line)
    return found


def _is_in(stem: str, first: str, last: str | None) -> bool:
    return stem >= first and (last is None or stem < last)
