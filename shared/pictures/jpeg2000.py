"""The sides of a JPEG 2000 picture, in a file of boxes or bare (ISO/IEC 15444-1, annexes A and I)."""

import struct

from shared.pictures.tiff import Stored
from shared.pictures.window import HeaderError, Window

_CODE_STREAM = b"\xff\x4f\xff\x51"
_CODING_STYLE, _START_OF_TILE = 0xFF52, 0xFF90
_MOST_LEVELS = 32
# OpenJPEG takes 6 KB for each, however small it is; 100 million pixels in tiles of 128x128 have 6,100.
_MOST_TILES = 10_000


def stored(window: Window) -> Stored:
    """Its sides; HeaderError if the header does not tell them, or tells others than the pixels."""
    if window.read(0, 4) == _CODE_STREAM:
        return _of_stream(window, 0)
    header, at = None, 0
    while True:
        name, content, end = _box(window, at)
        if name == b"jp2h":
            header = _of_header(window, content, end)
        if name == b"jp2c":
            if header is None:
                raise HeaderError("its picture begins before it says how wide and high it is")
            if header != _of_stream(window, content):
                raise HeaderError("its header and its pixels tell different sides")
            return header
        at = end


def levels(window: Window) -> int:
    """How often a decoder can halve its sides; 0 if that cannot be told."""
    try:
        at = 0
        if window.read(0, 4) != _CODE_STREAM:
            name, at, end = _box(window, 0)
            while name != b"jp2c":
                name, at, end = _box(window, end)
        at += 2
        while True:
            marker, length = struct.unpack(">HH", window.read(at, 4))
            if marker == _CODING_STYLE:
                return min(window.read(at + 9, 1)[0], _MOST_LEVELS)
            if marker == _START_OF_TILE:
                return 0
            at += 2 + length
    except HeaderError:
        return 0


def _of_header(window: Window, at: int, end: int) -> Stored:
    while at < end:
        name, content, at = _box(window, at)
        if name == b"ihdr":
            height, width = struct.unpack(">II", window.read(content, 8))
            return Stored(width, height)
    raise HeaderError("its header does not say how wide and high it is")


def _of_stream(window: Window, at: int) -> Stored:
    if window.read(at, 4) != _CODE_STREAM:
        raise HeaderError("its pixels do not begin where they should")
    right, bottom, left, top, *tile = struct.unpack(">8I", window.read(at + 8, 32))
    tiles = _tiles(right, tile[0], tile[2]) * _tiles(bottom, tile[1], tile[3])
    if tiles > _MOST_TILES:
        raise HeaderError(f"its pixels are in {tiles} tiles, of which at most {_MOST_TILES} are decoded")
    return Stored(right - left, bottom - top)


def _tiles(end: int, size: int, offset: int) -> int:
    """How many tiles of that size lie from the offset to the end."""
    if not size:
        raise HeaderError("its tiles have no size")
    return max(1, -(-(end - offset) // size))


def _box(window: Window, at: int) -> tuple[bytes, int, int]:
    """The name of a box, where its content begins and where it ends."""
    size, name = struct.unpack(">I4s", window.read(at, 8))
    start = at + 8
    if size == 1:
        (size,) = struct.unpack(">Q", window.read(start, 8))
        start += 8
    end = at + size if size else len(window)
    if end <= at + 8:
        raise HeaderError("one of its parts ends before it begins")
    return name, start, end
