"""
The sides of a picture, in pixels as stored, read from its header.

As tolerant as what shows pictures: only what the sides need has to be sound. Whether the rest is, the service decides.
"""

import re
import struct
from collections.abc import Callable
from contextlib import suppress

from shared.pictures import kinds
from shared.pictures.kinds import Kind
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError, Window

# A marker with what may follow it: length, precision, height, width. Whatever stands before it is skipped, as libjpeg
# does (jdmarker.c, next_marker): cameras pad segments with zeros, and fill bytes are allowed anywhere.
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xfe])(.{0,7})", re.DOTALL)
# Markers that begin a frame; C4, C8 and CC are tables. Those that stand alone have no length.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA
# An extension, a frame or the end; whatever stands between blocks is skipped, as browsers do.
_GIF_BLOCK = re.compile(rb"[\x21\x2c\x3b]")


def sides(window: Window, kind: Kind) -> Sides:
    """
    Width and height of a JPEG, PNG, GIF or BMP.

    Raises:
        HeaderError: the header does not tell them.
    """
    return _READERS[kind.name](window)


def _jpeg(window: Window) -> Sides:
    at = 2
    while found := window.find(_JPEG_MARKER, at):
        marker, rest = found[1][0], found[2]
        if marker in _JPEG_FRAMES and len(rest) == 7:
            height, width = struct.unpack_from(">HH", rest, 3)
            return width, height
        if marker in (_JPEG_END, _JPEG_SCAN):
            break
        length = 0 if marker in _JPEG_ALONE else int.from_bytes(rest[:2], "big")
        at = found.start(2) + length
    raise HeaderError("it ends, or its picture begins, before it says how wide and high it is")


def _png(window: Window) -> Sides:
    at = 8
    while True:
        length, name = struct.unpack(">I4s", window.read(at, 8))
        # Mostly the first; iPhone apps have a chunk of Apple's before it.
        if name == b"IHDR":
            width, height = struct.unpack(">II", window.read(at + 8, 8))
            return width, height
        if name in (b"IDAT", b"IEND"):
            raise HeaderError("its picture begins before it says how wide and high it is")
        at += 12 + length


def _gif(window: Window) -> Sides:
    width, height = struct.unpack("<HH", window.read(6, 4))
    # The screen may be empty, or smaller than what is drawn on it: then what is drawn counts, as in browsers.
    with suppress(HeaderError):
        right, bottom = _gif_frame(window)
        return max(width, right), max(height, bottom)
    if not (width and height):
        raise HeaderError("its screen is empty and its first picture cannot be found")
    return width, height


def _gif_frame(window: Window) -> Sides:
    """Right and bottom of the first frame on the screen."""
    (flags,) = window.read(10, 1)
    at = 13 + _gif_colours(flags)
    while found := window.find(_GIF_BLOCK, at):
        at = found.end()
        if found[0] == b",":
            left, top, width, height = struct.unpack("<HHHH", window.read(at, 8))
            return left + width, top + height
        if found[0] == b";":
            break
        at += 1
        while size := window.read(at, 1)[0]:
            at += 1 + size
        at += 1
    raise HeaderError("it has no picture")


def _gif_colours(flags: int) -> int:
    """The bytes of the screen's table of colours."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _bmp(window: Window) -> Sides:
    if int.from_bytes(window.read(14, 4), "little") == 12:
        width, height = struct.unpack("<HH", window.read(18, 4))
    else:
        # A negative height means that rows are stored from the top.
        width, height = struct.unpack("<ii", window.read(18, 8))
    return abs(width), abs(height)


_READERS: dict[str, Callable[[Window], Sides]] = {
    kinds.JPEG.name: _jpeg,
    kinds.PNG.name: _png,
    kinds.GIF.name: _gif,
    kinds.BMP.name: _bmp,
}
