"""A PNG reduced to what its pixels need, so that no comment, profile or damaged extra keeps it from being decoded."""

import struct
import zlib

from shared.pictures.ico import PNG_SIGNATURE
from shared.pictures.window import HeaderError

_MOST_CHUNKS = 1_000_000
_GREY, _COLOUR, _INDEXED = 0, 2, 3
# The bytes of a tRNS by the type of colour; a table may be shorter than its palette.
_TRANSPARENCY_BYTES = {_GREY: (2,), _COLOUR: (6,), _INDEXED: range(1, 257)}


def stripped(data: bytes, most_profile_bytes: int) -> tuple[bytes, bytes | None]:
    """
    The same pixels without anything else, and the colour profile if it has a sound one of at most so many bytes.

    The checksum of an extra is trusted, as libpng does: one that is wrong means that there is none.

    Raises:
        HeaderError: it has no header or no pixels.
    """
    header = palette = transparency = packed = b""
    pixels: list[memoryview] = []
    view, at = memoryview(data), len(PNG_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, at)
        content = view[at + 8 : at + 8 + length]
        if name == b"IDAT":
            pixels.append(content)
        elif name == b"IHDR":
            header = header or bytes(content)
        elif name == b"PLTE":
            palette = palette or bytes(content)
        elif name == b"IEND":
            break
        elif name in (b"tRNS", b"iCCP") and not pixels and _is_sound(data, at, length):
            if name == b"tRNS":
                transparency = bytes(content)
            else:
                packed = packed or bytes(content)
        at += 12 + length
    if len(header) < 13 or not pixels:
        raise HeaderError("it has no pixels")
    parts = [PNG_SIGNATURE, *_written(b"IHDR", header[:13])]
    colour = header[9]
    if colour == _INDEXED:
        parts += _written(b"PLTE", palette)
    if len(transparency) in _TRANSPARENCY_BYTES.get(colour, ()):
        parts += _written(b"tRNS", transparency)
    return b"".join((*parts, *_written(b"IDAT", *pixels), *_written(b"IEND"))), _profile(packed, most_profile_bytes)


def _is_sound(data: bytes, at: int, length: int) -> bool:
    checksum = data[at + 8 + length : at + 12 + length]
    return int.from_bytes(checksum, "big") == zlib.crc32(data[at + 4 : at + 8 + length])


def _profile(content: bytes, most: int) -> bytes | None:
    _, _, packed = content.partition(b"\0")
    try:
        unpacked = zlib.decompressobj().decompress(packed[1:], most + 1)
    except zlib.error:
        return None
    return unpacked if len(unpacked) <= most else None


def _written(name: bytes, *contents: bytes | memoryview) -> list[bytes | memoryview]:
    """A chunk of these contents, which are copied once, where all chunks are joined."""
    checksum = zlib.crc32(name)
    for content in contents:
        checksum = zlib.crc32(content, checksum)
    return [struct.pack(">I", sum(map(len, contents))), name, *contents, struct.pack(">I", checksum)]
