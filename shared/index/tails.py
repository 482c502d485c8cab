"""
The tails of the index: append blobs whose lines no fold has taken yet.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from shared import log, names
from shared.index import places
from shared.index.base import Manifest, MovedError
from shared.index.entry import Entry, Line
from shared.storage import listing
from shared.storage.blobs import BlobInfo, Blobs

# Some 20,000 lines, which take ten times as much when they are taken apart.
MOST_BYTES = 8 * 1024 * 1024
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """
    The blobs of the index at one moment, by one listing.

    Attributes:
        etag: the manifest's; None where there is none.
        tails: by their names.
        shards: those of the base, also what no manifest names.
        is_built: whether all records have been compared with it.
    """

    etag: str | None
    tails: dict[str, BlobInfo]
    shards: list[BlobInfo]
    is_built: bool


def look(host: Blobs) -> Look:
    """
    List the index.

    Raises:
        StorageError: storage did not answer.
    """
    # The manifest comes first by its name: a tail that a fold has taken since is missing only beside the newer one.
    found = {info.name: info for info in listing.all_below(host, names.INDEX, "")}
    manifest = found.get(places.MANIFEST)
    return Look(
        manifest.etag if manifest else None,
        {name: info for name, info in found.items() if name.startswith(places.TAILS)},
        [info for name, info in found.items() if name.startswith(places.SHARDS)],
        places.BUILT in found,
    )


def unread(host: Blobs, tail: BlobInfo, offset: int) -> bytes:
    """
    What a tail has from an offset on. It ends with a whole line, as a block is never seen in part.

    Raises:
        MovedError: the tail has gone, because a fold has taken it.
        StorageError: storage did not answer.
    """
    if tail.size <= offset:
        return b""
    blob = host.read_from(names.INDEX, tail.name, offset)
    if blob is None:
        raise MovedError(f"A fold has taken {tail.name}.")
    return blob.data


def lines(data: bytes) -> list[Line]:
    """The lines of the bytes of a tail."""
    found = [_line(each) for each in data.splitlines() if each]
    if ignored := found.count(None):
        log.event(_logger, "index.lines_ignored", level=logging.WARNING, lines=ignored)
    return [line for line in found if line]


def _line(data: bytes) -> Line | None:
    """The line, if it is one of ours: anything else would stay in the index for ever."""
    try:
        line: Line = json.loads(data)
        Entry(line["stem"] + "").apply(line)
        at = line["at"] + 0.0
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return line if isfinite(at) else None


def all_unread(host: Blobs, seen: Look, manifest: Manifest) -> Iterator[Line]:
    """The lines of all tails that are not in the base yet."""
    for name, tail in sorted(seen.tails.items()):
        yield from lines(unread(host, tail, manifest.folded.get(name, 0)))


@dataclass(frozen=True)
class Portion:
    """Some of the bytes of a tail that no fold has taken, to the offset `end`."""

    tail: str
    data: bytes
    end: int


def portions(host: Blobs, seen: Look, manifest: Manifest) -> Iterator[Portion]:
    """What no fold has taken, in portions that fit into the memory when they are taken apart."""
    for name, tail in sorted(seen.tails.items()):
        offset = manifest.folded.get(name, 0)
        data = unread(host, tail, offset)
        begin = 0
        while begin < len(data):
            # To the end of a line.
            end = data.find(b"\n", begin + MOST_BYTES) + 1 or len(data)
            yield Portion(name, data[begin:end], offset + end)
            begin = end
