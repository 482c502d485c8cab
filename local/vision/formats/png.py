"""PNG: chunks, each with its length, a name that says by its case whether pixels need it, and a checksum."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from local.vision.formats.look import Look, UnreadableError

MAGIC = b"\x89PNG\r\n\x1a\n"
# A PNG of 100 MB whose pixels come in the 8 kB pieces of libpng has 12,800 chunks.
MAX_CHUNKS = 65_536
_CHUNK_HEAD_BYTES = 8
_PALETTE_TYPE = 3
# By colour type: the lengths of a sound tRNS; where there is alpha already it has no place.
_TRANSPARENCY_BYTES = {0: (2,), 2: (6,), _PALETTE_TYPE: tuple(range(1, 257))}


class _Chunk(NamedTuple):
    kind: bytes
    content: memoryview
    is_sound: bool  # the checksum is right, or missing because the file is cut short


def read_sides(look: Look) -> tuple[int, int]:
    """Return width and height. Raises UnreadableError."""
    for kind, at, _ in _places(look):
        if kind == b"IHDR":
            width, height = look.unpack(">II", at)
            return width, height
    raise UnreadableError("The PNG has no IHDR chunk.")


def without_trimmings(data: bytes) -> tuple[bytes, bytes]:
    """
    Return the PNG with only what its pixels need, all pixels in one chunk, and the Exif block apart, maybe empty.

    Ancillary chunks that are damaged are left out. Raises UnreadableError when one is that pixels need.
    """
    header = palette = transparency = exif = None
    pixels: list[memoryview] = []
    for chunk in _chunks(data):
        match chunk.kind:
            case b"CgBI":
                raise UnreadableError("The PNG is Apple's own kind (CgBI), which other programs do not show.")
            case b"IHDR":
                header = header or _sound(chunk)
            case b"PLTE":
                palette = palette or chunk
            case b"IDAT":
                pixels.append(_sound(chunk).content)
            case b"tRNS" if chunk.is_sound:
                transparency = transparency or chunk
            case b"eXIf" if chunk.is_sound:
                exif = exif or chunk
    if header is None or len(header.content) != 13 or not pixels:
        raise UnreadableError("The PNG lacks its IHDR or IDAT chunks.")
    kept = [MAGIC, *_written(b"IHDR", header.content)]
    colour_type = header.content[9]
    if palette and colour_type == _PALETTE_TYPE:
        kept += _written(b"PLTE", _sound(palette).content)
    if transparency and len(transparency.content) in _TRANSPARENCY_BYTES.get(colour_type, ()):
        kept += _written(b"tRNS", transparency.content)
    kept += [*_written(b"IDAT", *pixels), *_written(b"IEND")]
    return b"".join(kept), bytes(exif.content) if exif else b""


def _chunks(data: bytes) -> Iterator[_Chunk]:
    look, whole = Look(data, max_steps=MAX_CHUNKS, max_seen_bytes=MAX_CHUNKS * _CHUNK_HEAD_BYTES), memoryview(data)
    for kind, at, length in _places(look):
        end = at + length
        checksum = whole[end : end + 4]
        is_sound = len(checksum) < 4 or zlib.crc32(whole[at - 4 : end]) == int.from_bytes(checksum)
        yield _Chunk(kind, whole[at:end], is_sound)


def _places(look: Look) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place of the content and length of each chunk, up to IEND or the end of the file."""
    at = len(MAGIC)
    while at + _CHUNK_HEAD_BYTES <= len(look.data):
        length, kind = struct.unpack(">I4s", look.take(at, _CHUNK_HEAD_BYTES))
        if kind == b"IEND":
            return
        yield kind, at + _CHUNK_HEAD_BYTES, length
        at += _CHUNK_HEAD_BYTES + length + 4


def _sound(chunk: _Chunk) -> _Chunk:
    if not chunk.is_sound:
        raise UnreadableError(f"The checksum of a {chunk.kind.decode()} chunk of the PNG is wrong.")
    return chunk


def _written(kind: bytes, *content: memoryview) -> list[bytes | memoryview]:
    checksum = zlib.crc32(kind)
    for piece in content:
        checksum = zlib.crc32(piece, checksum)
    length = sum(len(piece) for piece in content)
    return [struct.pack(">I4s", length, kind), *content, struct.pack(">I", checksum)]
