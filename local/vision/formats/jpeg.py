"""JPEG: segments, each with a marker and mostly a length, up to the first scan, and after it the pixels."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from local.vision.formats import tiff
from local.vision.formats.look import Look, UnreadableError

MAGIC = b"\xff\xd8\xff"
# libjpeg's rule: whatever lies between segments is passed over until an FF that neither 00 nor another FF follows.
_SEGMENT = re.compile(rb"\xff([\x01-\xfe])(.{0,7})", re.DOTALL)
_ALONE = frozenset(range(0x01, 0xC0)) | frozenset(range(0xD0, 0xD9))  # without a length; most of them are reserved
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END, _SCAN, _EXIF, _LIST = 0xD9, 0xDA, 0xE1, 0xE2
# Application segments that pixels need, as they tell how colours are coded; shorter ones tell nothing.
_COLOURS = {0xE0: (b"JFIF\0", 16), 0xEE: (b"Adobe", 14)}
_EXIF_BEGINS = b"Exif\0\0"
# The list of all pictures of the file, of which this one is the first; its number of them is among its first entries.
_LIST_BEGINS, _LIST_BYTES = b"MPF\0", 512
# The picture is gone over once for each scan; encoders make about ten. What a phone appends to a picture, a film say,
# has a scan's marker by chance once in 64 kB.
MAX_SCANS, BYTES_FOR_ANOTHER_SCAN = 100, 32 * 1024


class Frame(NamedTuple):
    """Sides in pixels as stored, and whether the picture can be decoded only as a whole."""

    width: int
    height: int
    is_progressive: bool


class _Segment(NamedTuple):
    marker: int
    begin: int
    end: int
    head: bytes  # the first bytes after the marker, its length among them


def read_frame(look: Look) -> Frame:
    """Return what the frame's header says. Raises UnreadableError, also for an MPO, which holds several pictures."""
    for segment in _segments(look):
        _check_list(look, segment)
        if segment.marker in _FRAMES:
            if len(segment.head) < 7:
                break
            height, width = struct.unpack(">HH", segment.head[3:7])
            return Frame(width, height, segment.marker in _PROGRESSIVE)
    raise UnreadableError("The JPEG has no frame header before its pixels.")


def without_trimmings(data: bytes) -> tuple[bytes, bytes]:
    """
    Return the JPEG with only what its pixels need before its first scan, and the Exif block apart, which may be empty.

    Raises UnreadableError, also for one with too many scans.
    """
    look = Look(data)
    kept, exif = [data[:2]], b""
    for segment in _segments(look):
        if segment.marker == _SCAN:
            _check_scans(data, segment.begin)
            return b"".join([*kept, memoryview(data)[segment.begin :]]), exif
        payload = data[segment.begin + 4 : segment.begin + 10]
        if segment.marker == _EXIF and payload == _EXIF_BEGINS and not exif:
            exif = look.take(segment.begin + 4, segment.end - segment.begin - 4)
        elif segment.marker in _TABLES | _FRAMES or _tells_colours(segment, payload):
            kept.append(look.take(segment.begin, segment.end - segment.begin))
    raise UnreadableError("The JPEG has no pixels.")


def _check_list(look: Look, segment: _Segment) -> None:
    if segment.marker != _LIST or not look.data.startswith(_LIST_BEGINS, segment.begin + 4):
        return
    begin = segment.begin + 4 + len(_LIST_BEGINS)
    pictures = tiff.read_picture_count(look.take(begin, min(_LIST_BYTES, max(0, segment.end - begin))))
    if pictures > 1:
        raise UnreadableError(f"It is an MPO of {pictures} pictures, and no JPEG.")


def _tells_colours(segment: _Segment, payload: bytes) -> bool:
    name, least_bytes = _COLOURS.get(segment.marker, (b"", 0))
    return bool(name) and payload.startswith(name) and segment.end - segment.begin - 2 >= least_bytes


def _check_scans(data: bytes, begin: int) -> None:
    scans, most = data.count(b"\xff\xda", begin), MAX_SCANS + len(data) // BYTES_FOR_ANOTHER_SCAN
    if scans > most:
        raise UnreadableError(f"The JPEG has {scans} scans; at most {most} are decoded.")


def _segments(look: Look) -> Iterator[_Segment]:
    position = 2
    while True:
        found = look.find(_SEGMENT, position)
        marker, head = found[1][0], found[2]
        if marker == _END:
            raise UnreadableError("The JPEG ends before its pixels.")
        position = found.start() + 2
        if marker not in _ALONE:
            position += max(2, int.from_bytes(head[:2]))
            yield _Segment(marker, found.start(), position, head)
