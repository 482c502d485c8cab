"""
A HEIC as phones write it: a grid of tiles; a thumbnail, a gain map and Exif beside it (ISO/IEC 23008-12).

`pillow_heif` encodes each picture; the boxes around them are written here.
"""

import io
import struct
from typing import NamedTuple

import pillow_heif
from doubles.picture_files import box
from PIL import Image

_GAIN_MAP = b"urn:com:apple:photo:2020:aux:hdrgainmap\0"
# Quarters to the left (`irot`) by the orientation of Exif that says the same.
_QUARTERS = {1: 0, 3: 2, 6: 3, 8: 1}
_PRIMARY, _IN_FILE, _IN_IDAT = 1, 0, 1


class _Item(NamedTuple):
    """One item: its type, its content, where that lies, its properties, whether it is hidden, what it refers to."""

    kind: bytes
    content: bytes
    properties: tuple[bytes, ...] = ()
    place: int = _IN_FILE
    is_hidden: bool = False
    refers: tuple[bytes, tuple[int, ...]] | None = None


def grid(
    image: Image.Image,
    *,
    orientation: int = 1,
    tile: int = 512,
    profile: bytes | None = None,
    crop: tuple[int, int, int, int] | None = None,
) -> bytes:
    """
    A photo in tiles, of which the last of a row and of a column stand out over its sides.

    Args:
        image: as the sensor gave it.
        orientation: how it was held, which `irot` and Exif both say.
        tile: the side of a tile, in pixels.
        profile: its ICC profile.
        crop: left, top, right and bottom of what `clap` leaves of the image, before it is turned.
    """
    columns, rows = (-(-side // tile) for side in image.size)
    turn = (box(b"irot", bytes((_QUARTERS[orientation],))),)
    tiles = [
        _coded(image.crop((left, top, left + tile, top + tile)), is_hidden=True)
        for top in range(0, rows * tile, tile)
        for left in range(0, columns * tile, tile)
    ]
    first = _PRIMARY + 1
    made_of = (b"dimg", tuple(range(first, first + len(tiles))))
    colour = (box(b"colr", b"prof" + profile),) if profile else ()
    cut = (_clap(image.size, crop),) if crop else ()
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *image.size)
    whole = _Item(b"grid", layout, (_ispe(image.size), *colour, *cut, *turn), _IN_IDAT, refers=made_of)
    small = image.resize((image.width // 4, image.height // 4))
    thumbnail = _coded(small)._replace(refers=(b"thmb", (_PRIMARY,)))
    gain = _coded(small.convert("L"))
    purpose = box(b"auxC", bytes(4) + _GAIN_MAP)
    gain = gain._replace(properties=(*gain.properties, purpose, *turn), refers=(b"auxl", (_PRIMARY,)))
    thumbnail = thumbnail._replace(properties=(*thumbnail.properties, *turn))
    told = _Item(b"Exif", _exif(orientation), is_hidden=True, refers=(b"cdsc", (_PRIMARY,)))
    # How both become one of more light, as iOS 18 writes it (ISO/IEC 23008-12, amendment 1); it is not followed.
    made_of = (b"dimg", (_PRIMARY, first + len(tiles) + 1))
    brighter = _Item(b"tmap", bytes(62), (_ispe(image.size), *turn), _IN_IDAT, refers=made_of)
    return _file([whole, *tiles, thumbnail, gain, told, brighter])


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return struct.pack(">I", 6) + exif.tobytes()


def _ispe(sides: tuple[int, int]) -> bytes:
    return box(b"ispe", struct.pack(">III", 0, *sides))


def _clap(sides: tuple[int, int], crop: tuple[int, int, int, int]) -> bytes:
    """The clean aperture: its sides, and how far its middle is from that of the picture, as fractions."""
    left, top, right, bottom = crop
    across, down = left + right - sides[0], top + bottom - sides[1]
    return box(b"clap", struct.pack(">IIIIiIiI", right - left, 1, bottom - top, 1, across, 2, down, 2))


def _coded(image: Image.Image, *, is_hidden: bool = False) -> _Item:
    """A picture as an item: what `pillow_heif` writes of it, with the settings of the decoder."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=90, chroma=420)
    boxes = file.getvalue()
    settings = _found(boxes, b"hvcC")
    content = _found(boxes, b"mdat")[8:]
    return _Item(b"hvc1", content, (settings, _ispe(image.size)), is_hidden=is_hidden)


def _found(data: bytes, kind: bytes) -> bytes:
    """The first box of that kind, wherever it lies."""
    at = data.index(kind) - 4
    return data[at : at + int.from_bytes(data[at : at + 4], "big")]


def _file(items: list[_Item]) -> bytes:
    head = box(b"ftyp", b"heic\0\0\0\0mif1MiHEMiPrmiafMiHBheictmap")
    # The offsets are as long whatever they are, so the first round tells where the content begins.
    begins = len(head) + len(_meta(items, 0)) + 8
    return head + _meta(items, begins) + box(b"mdat", b"".join(each.content for each in items if not each.place))


def _meta(items: list[_Item], begins: int) -> bytes:
    handler = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    primary = box(b"pitm", struct.pack(">IH", 0, _PRIMARY))
    entries, places, references, links = b"", b"", b"", b""
    properties: list[bytes] = []
    at = {_IN_FILE: begins, _IN_IDAT: 0}
    for number, item in enumerate(items, _PRIMARY):
        entries += box(b"infe", struct.pack(">BBHHH4sB", 2, 0, item.is_hidden, number, 0, item.kind, 0))
        places += struct.pack(">HHHHII", number, item.place, 0, 1, at[item.place], len(item.content))
        at[item.place] += len(item.content)
        if item.refers:
            kind, others = item.refers
            references += box(kind, struct.pack(f">HH{len(others)}H", number, len(others), *others))
        if item.properties:
            properties += [each for each in item.properties if each not in properties]
            # The upper bit: a reader has to know it. What only tells of the picture need not be known.
            told = bytes(
                1 + properties.index(each) | 0x80 * (each[4:8] in (b"hvcC", b"irot", b"clap"))
                for each in item.properties
            )
            links += struct.pack(">HB", number, len(told)) + told
    linked = sum(bool(each.properties) for each in items)
    return box(
        b"meta",
        bytes(4)
        + handler
        + primary
        + box(b"iinf", struct.pack(">IH", 0, len(items)) + entries)
        + box(b"iref", bytes(4) + references)
        + box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", struct.pack(">II", 0, linked) + links))
        + box(b"idat", b"".join(each.content for each in items if each.place))
        + box(b"iloc", struct.pack(">IBBH", 0x01000000, 0x44, 0x00, len(items)) + places),
    )
