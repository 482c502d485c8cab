"""The pictures of a Windows icon (ICO): a directory, and behind it PNGs, or BMPs without their first header."""

import struct
from typing import NamedTuple

from shared.pictures.window import HeaderError, Window

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ENTRY_BYTES = 16
_BMP_HEADER_BYTES = (40, 52, 56, 64, 108, 124)


class Entry(NamedTuple):
    """
    One picture of an icon.

    Attributes:
        at, size: where its bytes begin, and how many it has.
        is_png: whether it is a PNG; else a BMP without its first header.
        width, height: as it says itself, whatever the directory says.
    """

    at: int
    size: int
    is_png: bool
    width: int
    height: int


def largest(window: Window) -> Entry:
    """The picture with the most pixels, the later one of equals; HeaderError if none can be told."""
    count = int.from_bytes(window.read(4, 2), "little")
    found = []
    for number in range(count):
        try:
            size, at = struct.unpack_from("<II", window.read(6 + number * _ENTRY_BYTES, _ENTRY_BYTES), 8)
            found.append(_entry(window, at, size))
        except HeaderError:
            # The others may be sound.
            continue
    if not found:
        raise HeaderError("none of its pictures can be found")
    return max(reversed(found), key=lambda entry: entry.width * entry.height)


def _entry(window: Window, at: int, size: int) -> Entry:
    beginning = window.read(at, 24)
    if beginning.startswith(PNG_SIGNATURE):
        return Entry(at, size, True, *struct.unpack(">II", beginning[16:]))
    header_bytes, width, height = struct.unpack_from("<Iii", beginning)
    if header_bytes not in _BMP_HEADER_BYTES:
        raise HeaderError("one of its pictures is neither a PNG nor a BMP")
    # The rows of its mask count too.
    return Entry(at, size, False, abs(width), abs(height) // 2)
