"""Lines of the index as writers leave them, and what a reader has made of them."""

import json
from collections.abc import Iterable

from shared import names
from shared.index import places
from shared.index.entry import Entry, Line
from shared.index.reader import Added, Reader, Replaced
from shared.index.writer import IndexWriter
from shared.storage.blobs import Blobs


def line(stem: str, at: float, *, gone: bool = False, **parts: dict[str, object] | None) -> Line:
    """A line; each keyword gives a part."""
    told: Line = {"stem": stem, "at": at}
    if parts:
        told["parts"] = dict(parts)
    if gone:
        told["gone"] = True
    return told


def append(host: Blobs, writer: str, lines: Iterable[Line]) -> None:
    """Add lines to the tail of that writer, as one block."""
    data = "".join(f"{json.dumps(each)}\n" for each in lines).encode()
    host.begin_appends(names.INDEX, places.tail(writer))
    assert host.append(names.INDEX, places.tail(writer), data)


def lose(writer: IndexWriter) -> None:
    """Lose the lines that are not stored, as a process does that is killed."""
    with writer._changed:
        writer._backlog.take()
        writer._stored = writer._newest


def merged(lines: Iterable[Line]) -> dict[str, Entry]:
    """The entries that lines make."""
    found: dict[str, Entry] = {}
    for each in lines:
        found.setdefault(each["stem"], Entry(each["stem"])).apply(each)
    return found


def shown(entries: dict[str, Entry]) -> dict[str, dict[str, object]]:
    """What of entries counts: the parts that are there, by the stems of the images that are."""
    return {
        stem: {name: content for name, content in entry.parts.items() if content is not None}
        for stem, entry in entries.items()
        if entry.is_there
    }


class Mirror:
    """What a search knows: each change of a reader applied to it."""

    def __init__(self, host: Blobs) -> None:
        self.reader = Reader(host)
        self.entries: dict[str, Entry] = {}

    def refresh(self) -> dict[str, dict[str, object]]:
        """Take all changes, and return the entries of then."""
        for change in self.reader.changes():
            self.take(change)
        return shown(self.entries)

    def take(self, change: Replaced | Added) -> None:
        """Take one change."""
        if isinstance(change, Added):
            for each in change.lines:
                self.entries.setdefault(each["stem"], Entry(each["stem"])).apply(each)
            return
        first, last = change.first, change.last
        kept = {
            stem: each for stem, each in self.entries.items() if stem < first or (last is not None and stem >= last)
        }
        self.entries = {**kept, **{entry.stem: entry for entry in change.entries}}
