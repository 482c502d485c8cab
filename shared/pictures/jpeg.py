"""
What stands before the pixels of a JPEG: its sides, its orientation, and whether it holds more pictures than one.

As tolerant as what shows pictures: only what the sides need has to be sound.
"""

import re
import struct
from collections.abc import Iterator

from shared.pictures import tiff
from shared.pictures.tiff import Stored
from shared.pictures.window import HeaderError, Window

# A marker with what may follow it: length, precision, height, width. Whatever stands before it is skipped, as libjpeg
# does (jdmarker.c, next_marker): cameras pad segments with zeros, and fill bytes are allowed anywhere.
_MARKER = re.compile(rb"\xff([\x01-\xfe])(.{0,7})", re.DOTALL)
# Markers that begin a frame; C4, C8 and CC are tables. Those that stand alone have no length.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
# Of Huffman and arithmetic coding, of quantization, and how often a scan restarts.
_TABLES = frozenset((0xC4, 0xCC, 0xDB, 0xDD))
_END, _SCAN, _APP0, _APP1, _APP2, _APP14 = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_EXIF, _MULTI_PICTURE, _PROFILE = b"Exif\0\0", b"MPF\0", b"ICC_PROFILE\0"
# Cameras write it with the first; Adobe's extended XMP, of which there can be many, stands after Exif too.
_MULTI_PICTURE_WITHIN_SEGMENTS = 256
_NUMBER_OF_PICTURES = 0xB001


def stored(window: Window) -> Stored:
    """Its sides and orientation; HeaderError if the header does not tell the sides."""
    orientation = None
    for marker, at, length, rest in _segments(window):
        if marker in _FRAMES and len(rest) == 7:
            height, width = struct.unpack_from(">HH", rest, 3)
            return Stored(width, height, orientation or 1)
        if marker == _APP1 and orientation is None and rest[2:7] == _EXIF[:5]:
            orientation = tiff.orientation(window.part(at + 2 + len(_EXIF), length - 2 - len(_EXIF)))
    raise HeaderError("it ends, or its picture begins, before it says how wide and high it is")


def exif(window: Window) -> Window | None:
    """The first block of Exif; None if there is none. HeaderError as `Window.find`."""
    for marker, at, length, rest in _segments(window):
        if marker in _FRAMES:
            return None
        if marker == _APP1 and rest[2:7] == _EXIF[:5]:
            return window.part(at + 2 + len(_EXIF), length - 2 - len(_EXIF))
    return None


def has_more_pictures(window: Window) -> bool:
    """
    Whether it is a Multi-Picture file (CIPA DC-007): a 3D photo, or one with a gain map of a phone behind it.

    False as well if a bounded look does not reach what says so.
    """
    try:
        for number, (marker, at, length, rest) in enumerate(_segments(window)):
            if marker in _FRAMES or number == _MULTI_PICTURE_WITHIN_SEGMENTS:
                break
            if marker == _APP2 and rest[2:6] == _MULTI_PICTURE:
                found = window.part(at + 2 + len(_MULTI_PICTURE), length - 2 - len(_MULTI_PICTURE))
                return tiff.first_values(found).get(_NUMBER_OF_PICTURES, 0) > 1
    except HeaderError:
        pass
    return False


def stripped(data: bytes, most_profile_bytes: int) -> tuple[bytes, memoryview, bytes | None]:
    """
    The same pixels without anything that they do not need: what stands before them, and a view of them; and the
    colour profile if there is a whole one.

    Raises:
        HeaderError: it has no pixels.
    """
    kept, parts = [b"\xff\xd8"], dict[int, bytes]()
    count = 0
    for marker, at, length, _ in _segments(Window(data)):
        content = data[at + 2 : at + length]
        if marker == _SCAN:
            profile = b"".join(parts[number] for number in sorted(parts))
            is_whole = sorted(parts) == list(range(1, count + 1)) and 0 < len(profile) <= most_profile_bytes
            return b"".join(kept), memoryview(data)[at - 2 :], profile if is_whole else None
        if marker == _APP2 and content.startswith(_PROFILE) and len(content) > len(_PROFILE) + 2:
            number, count = content[len(_PROFILE)], content[len(_PROFILE) + 1]
            parts.setdefault(number, content[len(_PROFILE) + 2 :])
        if marker in _TABLES or marker in _FRAMES or _tells_colours(marker, content):
            kept.append(data[at - 2 : at + length])
    raise HeaderError("it has no pixels")


def _tells_colours(marker: int, content: bytes) -> bool:
    """Whether a segment says what its numbers mean: JFIF's by being there, Adobe's by a number in it."""
    if marker == _APP0:
        return content.startswith(b"JFIF\0") and len(content) >= 14
    return marker == _APP14 and content.startswith(b"Adobe") and len(content) >= 12


def _segments(window: Window) -> Iterator[tuple[int, int, int, bytes]]:
    """Each marker before the pixels, where its length stands, that length, and the first bytes from there."""
    at = 2
    while found := window.find(_MARKER, at):
        marker, rest = found[1][0], found[2]
        length = 0 if marker in _ALONE else int.from_bytes(rest[:2], "big")
        yield marker, found.start(2), length, rest
        if marker in (_END, _SCAN):
            return
        at = found.start(2) + length
