"""What stands around the pixels of a WebP (developers.google.com/speed/webp/docs/riff_container)."""

from collections.abc import Iterator
from contextlib import suppress

from shared.pictures import tiff
from shared.pictures.tiff import Stored
from shared.pictures.window import HeaderError, Window

_FIRST_CHUNK = 12
_LOSSLESS_SIGNATURE, _KEY_FRAME = 0x2F, b"\x9d\x01\x2a"


def stored(window: Window) -> Stored:
    """Its sides and orientation; HeaderError if the header does not tell the sides."""
    name, at, size = next(_chunks(window))
    if name == b"VP8X":
        canvas = window.read(at + 4, 6)
        return Stored(_little(canvas[:3]) + 1, _little(canvas[3:]) + 1, _orientation(window, at + size + size % 2))
    if name == b"VP8L":
        signature, *bits = window.read(at, 5)
        if signature == _LOSSLESS_SIGNATURE:
            packed = _little(bytes(bits))
            return Stored((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
    if name == b"VP8 ":
        frame = window.read(at + 3, 7)
        if frame[:3] == _KEY_FRAME:
            return Stored(_little(frame[3:5]) & 0x3FFF, _little(frame[5:]) & 0x3FFF)
    raise HeaderError("its first part does not say how wide and high it is")


def exif(window: Window, at: int = _FIRST_CHUNK) -> Window | None:
    """The block of Exif, which stands behind the pixels; None if there is none that is reached."""
    with suppress(HeaderError):
        for name, start, size in _chunks(window, at):
            if name == b"EXIF":
                # Some programs write the beginning that it has in a JPEG.
                start += 6 if window.read(start, 6) == b"Exif\0\0" else 0
                return window.part(start, size)
    return None


def _orientation(window: Window, at: int) -> int:
    found = exif(window, at)
    return tiff.orientation(found) if found else 1


def _chunks(window: Window, at: int = _FIRST_CHUNK) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, where its content begins, and its size; HeaderError at the file's end."""
    while True:
        header = window.read(at, 8)
        size = _little(header[4:])
        yield header[:4], at + 8, size
        at += 8 + size + size % 2


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
