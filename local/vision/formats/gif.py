"""GIF: a logical screen, and blocks of which the first that is a picture counts."""

import re
from typing import NamedTuple

from local.vision.formats.look import Look, TooLongError, UnreadableError

MAGICS = (b"GIF87a", b"GIF89a")
# What precedes the frame comes in parts of 255 bytes at most: in a GIF of 4 MB no more than 16,500 of the longest.
MAX_PARTS = 65_536
_SCREEN_END = 13
# Other bytes between blocks are passed over, as decoders do.
_BLOCK = re.compile(rb"[!,;]")
_CONTROL, _HAS_TRANSPARENCY = 0xF9, 1


class _Start(NamedTuple):
    """Where the first frame's block begins, width and height with which it fits, its transparent colour."""

    at: int
    width: int
    height: int
    transparent: bytes | None


def read_sides(look: Look) -> tuple[int, int]:
    """
    Return width and height: those of the screen, or of the first frame with its place where that is larger.

    Of a frame that lies beyond the bounds of the look, the screen alone. Raises UnreadableError.
    """
    width, height = look.unpack("<HH", 6)
    try:
        start = _first_frame(look)
    except TooLongError:
        if not (width and height):
            raise
        return width, height
    return start.width, start.height


def without_trimmings(data: bytes) -> tuple[bytes, bytes]:
    """Return the GIF without what precedes its first frame and is not needed for it, and no Exif block."""
    start = _first_frame(Look(data, max_steps=MAX_PARTS, max_seen_bytes=2 * len(data)))
    control = b"" if start.transparent is None else b"!\xf9\x04\x01\0\0" + start.transparent + b"\0"
    return b"".join([data[: _after_palette(data[10])], control, memoryview(data)[start.at :]]), b""


def _first_frame(look: Look) -> _Start:
    at = _after_palette(look.take(10, 1)[0])
    transparent = None
    while True:
        found = look.find(_BLOCK, at)
        at = found.start()
        if found[0] == b";":
            raise UnreadableError("The GIF ends before its first frame.")
        if found[0] == b",":
            left, top, frame_width, frame_height = look.unpack("<HHHH", at + 1)
            width, height = look.unpack("<HH", 6)
            return _Start(at, max(width, left + frame_width), max(height, top + frame_height), transparent)
        label, size = look.take(at + 1, 2)
        if label == _CONTROL and size >= 4:
            control = look.take(at + 3, 4)
            transparent = control[3:4] if control[0] & _HAS_TRANSPARENCY else transparent
        at += 2
        while size := look.take(at, 1)[0]:
            at += 1 + size
        at += 1


def _after_palette(flags: int) -> int:
    return _SCREEN_END + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
