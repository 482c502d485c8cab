"""
What a bounded look at a PDF tells: how many pages it has, and whether it is locked.

No PDF is parsed here: a document's tree may be compressed, and then it tells nothing.
"""

import itertools
import re

from shared.pictures.window import HeaderError, Window

# A PDF is written from both ends: what was added last, its trailer, stands at the end.
_LOOKED_AT_BYTES = 96 * 1024
# A linearized PDF says at its beginning how many pages it has (ISO 32000-1, annex F).
_LINEARIZED = re.compile(rb"/Linearized\b[^>]{0,400}/N[ \t\r\n]+([0-9]{1,9})\b", re.DOTALL)
_PAGE_TREE = re.compile(rb"/Type[ \t\r\n]*/Pages\b")
_COUNT = re.compile(rb"/Count[ \t\r\n]+([0-9]{1,9})\b")
_OBJECT = re.compile(rb"\bendobj\b|\bobj\b")


def page_count(window: Window) -> int | None:
    """How many pages it says it has; None where a bounded look does not tell."""
    beginning, end = _ends(window)
    if found := _LINEARIZED.search(beginning):
        return int(found[1])
    counts = [*_counts(beginning), *_counts(end)]
    # The root counts the pages of all nodes below it.
    return max(counts, default=None)


def is_locked(window: Window) -> bool:
    """Whether it says that it is encrypted; a compressed trailer does not tell."""
    return any(b"/Encrypt" in part for part in _ends(window))


def _ends(window: Window) -> tuple[bytes, bytes]:
    try:
        return (
            window.read_most(0, _LOOKED_AT_BYTES),
            window.read_most(max(0, len(window) - _LOOKED_AT_BYTES), _LOOKED_AT_BYTES),
        )
    except HeaderError:
        return b"", b""


def _counts(part: bytes) -> list[int]:
    """The counts of the nodes of the page tree in a part of the file."""
    edges = [0, *(found.start() for found in _OBJECT.finditer(part)), len(part)]
    counts = []
    for start, end in itertools.pairwise(edges):
        if _PAGE_TREE.search(part, start, end) and (found := _COUNT.search(part, start, end)):
            counts.append(int(found[1]))
    return counts
