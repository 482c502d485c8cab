"""BMP: one of many headers, maybe masks that tell where in a pixel each colour lies, and rows of pixels."""

import struct
from typing import NamedTuple

from local.vision.formats.look import Look, UnreadableError

MAGIC = b"BM"
# Of OS/2 1, OS/2 2 and its shortened kinds, Windows 3 (40) to 98 (124).
HEADER_BYTES = frozenset({12, *range(16, 65), 108, 124})
_OFTEN = frozenset({12, 40, 52, 56, 64, 108, 124})
FILE_HEADER_BYTES, _OS2_1_BYTES, WINDOWS_BYTES, _WITH_ALPHA_BYTES = 14, 12, 40, 56
_MASKS_AT = FILE_HEADER_BYTES + WINDOWS_BYTES
_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
# By bits a pixel: the masks of a BMP that has some, all of them empty.
_USUAL_MASKS = {16: (0x7C00, 0x3E0, 0x1F), 32: (0xFF0000, 0xFF00, 0xFF)}


class Header(NamedTuple):
    """What a header of *size* bytes says; *height* is negative where rows are stored from the top."""

    size: int
    width: int
    height: int
    depth: int  # bits a pixel
    compression: int
    pixels_at: int  # 0 where they follow what is before them


class Masked(NamedTuple):
    """Pixels whose colours lie where masks say: red, green, blue, and transparency, 0 where there is none."""

    width: int
    height: int
    is_from_top: bool
    pixel_bytes: int
    pixels_at: int
    masks: tuple[int, int, int]
    alpha: int


def read_sides(look: Look) -> tuple[int, int]:
    """Return width and height. Raises UnreadableError."""
    header = read_header(look)
    return abs(header.width), abs(header.height)


def with_windows_header(data: bytes) -> bytes:
    """Return *data*, with the header of Windows 3 instead of one that only OS/2 has. Raises UnreadableError."""
    header = read_header(Look(data))
    if header.size in _OFTEN:
        return data
    moved = header.pixels_at + WINDOWS_BYTES - header.size if header.pixels_at else 0
    windows = header._replace(pixels_at=moved)
    return b"".join([written(windows), memoryview(data)[FILE_HEADER_BYTES + header.size :]])


def written(header: Header, *, colours: int = 0) -> bytes:
    """Return the file's first bytes, with a header of Windows 3 and as many *colours* in the palette, 0 for all."""
    return struct.pack(
        "<2sIHHIIiiHHIIiiII",
        *(MAGIC, 0, 0, 0, header.pixels_at, WINDOWS_BYTES),
        *(header.width, header.height, 1, header.depth, header.compression, 0, 0, 0, colours, 0),
    )


def read_masked(data: bytes) -> Masked | None:
    """Return how the pixels lie in a BMP that has masks, whatever they are; None without. Raises UnreadableError."""
    look = Look(data)
    header = read_header(look)
    if header.depth not in _USUAL_MASKS or header.compression not in (_BITFIELDS, _ALPHA_BITFIELDS):
        return None
    red, green, blue, alpha = look.unpack("<4I", _MASKS_AT)
    has_alpha = header.compression == _ALPHA_BITFIELDS or header.size >= _WITH_ALPHA_BYTES
    masks_end = _MASKS_AT + (16 if header.compression == _ALPHA_BITFIELDS else 12)
    return Masked(
        abs(header.width),
        abs(header.height),
        header.height < 0,
        header.depth // 8,
        header.pixels_at or max(FILE_HEADER_BYTES + header.size, masks_end),
        (red, green, blue) if red | green | blue else _USUAL_MASKS[header.depth],
        alpha if has_alpha else 0,
    )


def read_header(look: Look) -> Header:
    """Return what the header says. Raises UnreadableError."""
    size = look.unpack("<I", FILE_HEADER_BYTES)[0]
    if size not in HEADER_BYTES:
        raise UnreadableError(f"No BMP has a header of {size} bytes.")
    if size == _OS2_1_BYTES:
        width, height, _, depth = look.unpack("<HHHH", 18)
    else:
        width, height, _, depth = look.unpack("<iiHH", 18)
    compression = look.unpack("<I", 30)[0] if size >= 20 else 0
    return Header(size, width, height, depth, compression, look.unpack("<I", 10)[0])
