"""
The sides of a picture, in pixels as stored, and its orientation, read from its header.

As tolerant as what shows pictures: only what the sides need has to be sound. Whether the rest is, the service decides.
"""

import re
import struct
from collections.abc import Callable
from contextlib import suppress

from shared.pictures import jpeg, kinds, tiff
from shared.pictures.kinds import Kind
from shared.pictures.tiff import Sides, Stored
from shared.pictures.window import HeaderError, Window

# An extension, a frame or the end; whatever stands between blocks is skipped, as browsers do.
_GIF_BLOCK = re.compile(rb"[\x21\x2c\x3b]")


def stored(window: Window, kind: Kind) -> Stored:
    """
    Width, height and orientation of a picture of a kind that is taken, as it is stored.

    Raises:
        HeaderError: the header does not tell them.
    """
    if kind.name in _READERS:
        return _READERS[kind.name](window)
    # None of these is imported before the first such picture comes.
    if kind is kinds.WEBP:
        from shared.pictures import webp

        return webp.stored(window)
    if kind is kinds.JPEG_2000:
        from shared.pictures import jpeg2000

        return jpeg2000.stored(window)
    if kind is kinds.ICO:
        from shared.pictures import ico

        entry = ico.largest(window)
        return _png(window.from_byte(entry.at)) if entry.is_png else Stored(entry.width, entry.height)
    from shared.pictures import iso_media

    return iso_media.heic_sides(window.data) if kind is kinds.HEIC else iso_media.avif_sides(window.data)


def _png(window: Window) -> Stored:
    at = 8
    while True:
        length, name = struct.unpack(">I4s", window.read(at, 8))
        # Mostly the first; iPhone apps have a chunk of Apple's before it.
        if name == b"IHDR":
            width, height = struct.unpack(">II", window.read(at + 8, 8))
            return Stored(width, height, _png_orientation(window, at + 12 + length))
        if name in (b"IDAT", b"IEND"):
            raise HeaderError("its picture begins before it says how wide and high it is")
        at += 12 + length


def png_exif(window: Window, at: int = 8) -> Window | None:
    """The block of Exif, which may stand before the pixels and behind them; None if there is none that is reached."""
    with suppress(HeaderError):
        while True:
            length, name = struct.unpack(">I4s", window.read(at, 8))
            if name == b"eXIf":
                return window.part(at + 8, length)
            if name == b"IEND":
                break
            at += 12 + length
    return None


def _png_orientation(window: Window, at: int) -> int:
    found = png_exif(window, at)
    return tiff.orientation(found) if found else 1


def _gif(window: Window) -> Stored:
    width, height = struct.unpack("<HH", window.read(6, 4))
    # The screen may be empty, or smaller than what is drawn on it: then what is drawn counts, as in browsers.
    with suppress(HeaderError):
        right, bottom = _gif_frame(window)
        return Stored(max(width, right), max(height, bottom))
    if not (width and height):
        raise HeaderError("its screen is empty and its first picture cannot be found")
    return Stored(width, height)


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


def _bmp(window: Window) -> Stored:
    if int.from_bytes(window.read(14, 4), "little") == 12:
        width, height = struct.unpack("<HH", window.read(18, 4))
    else:
        # A negative height means that rows are stored from the top.
        width, height = struct.unpack("<ii", window.read(18, 8))
    return Stored(abs(width), abs(height))


_READERS: dict[str, Callable[[Window], Stored]] = {
    kinds.JPEG.name: jpeg.stored,
    kinds.MPO.name: jpeg.stored,
    kinds.PNG.name: _png,
    kinds.GIF.name: _gif,
    kinds.BMP.name: _bmp,
    kinds.TIFF.name: tiff.stored,
}
