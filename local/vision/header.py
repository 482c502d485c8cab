"""
Format and dimensions of an image, read from its first bytes without decoding anything.

The checks need them before a decoder is let near the data: a picture of 16000x16000 pixels can hide in a few kilobytes.
"""

import struct
from dataclasses import dataclass
from typing import Literal

from local.vision import refusals

Format = Literal["Jpeg", "Png", "Gif", "Bmp"]

# JPEG markers that begin a frame; C4, C8 and CC are tables.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes say. Width and height are in pixels as stored, before any EXIF rotation."""

    format: Format
    width: int
    height: int
    is_progressive: bool = False

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def read_header(data: bytes) -> ImageHeader:
    """Return the header of a JPEG, PNG, GIF or BMP. Raises Refusal (InvalidImageFormat) for everything else."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return ImageHeader("Png", *struct.unpack_from(">II", data, 16))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return ImageHeader("Gif", *struct.unpack_from("<HH", data, 6))
        if data.startswith(b"BM"):
            return _bmp(data)
    except (struct.error, IndexError):
        raise refusals.bad_image_format() from None
    raise refusals.bad_image_format()


def _jpeg(data: bytes) -> ImageHeader:
    position = 2
    while True:
        if data[position] != 0xFF:
            raise refusals.bad_image_format()
        marker = data[position + 1]
        if marker == 0xFF:  # padding
            position += 1
        elif marker in _JPEG_ALONE:
            position += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return ImageHeader("Jpeg", width, height, is_progressive=marker in _JPEG_PROGRESSIVE)
        elif marker in (0xD9, 0xDA):  # the end, or pixels before any frame
            raise refusals.bad_image_format()
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]


def _bmp(data: bytes) -> ImageHeader:
    header_bytes = struct.unpack_from("<I", data, 14)[0]
    if header_bytes == 12:
        return ImageHeader("Bmp", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    # A negative height means that rows are stored from the top.
    return ImageHeader("Bmp", abs(width), abs(height))
