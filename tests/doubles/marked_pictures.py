"""
Pictures with another colour in each quarter, stored in every orientation and saved in every kind.

Where a quarter is stored is written down here from Exif's own words ("the 0th row is the visual right-hand side of the
picture, and the 0th column the visual top"), so that neither Pillow nor the app decides what is right.
"""

import io
import struct
import zlib
from typing import Any

from PIL import Image

# Of the upright picture: left and right above, left and right below.
COLOURS = {"TL": (220, 40, 40), "TR": (40, 190, 60), "BL": (50, 70, 220), "BR": (230, 200, 40)}
WIDTH, HEIGHT = 160, 96
# Exif 2.32, tag 274: which quarter lies left and right above, left and right below, in the stored picture.
STORED = {
    1: ("TL", "TR", "BL", "BR"),
    2: ("TR", "TL", "BR", "BL"),
    3: ("BR", "BL", "TR", "TL"),
    4: ("BL", "BR", "TL", "TR"),
    5: ("TL", "BL", "TR", "BR"),
    6: ("TR", "BR", "TL", "BL"),
    7: ("BR", "TR", "BL", "TL"),
    8: ("BL", "TL", "BR", "TR"),
}
# Pillow's name of each kind that can say how it is turned.
TURNED_KINDS = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "TIFF": "TIFF", "AVIF": "AVIF", "HEIC": "HEIF"}


def drawn(orientation: int = 1, sides: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """The picture as it is stored in that orientation; *sides* are those of the upright one."""
    width, height = sides if orientation < 5 else sides[::-1]
    image = Image.new("RGB", (width, height))
    half_width, half_height = width // 2, height // 2
    for number, name in enumerate(STORED[orientation]):
        left, top = number % 2 * half_width, number // 2 * half_height
        image.paste(COLOURS[name], (left, top, left + width - half_width, top + height - half_height))
    return image


def exif(orientation: int, order: str = "<") -> bytes:
    """A block of Exif that says nothing but the orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 274, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


def marked(kind: str, orientation: int = 1, sides: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> bytes:
    """The picture, stored in that orientation, in a kind of `TURNED_KINDS`."""
    if kind == "HEIC":
        import pillow_heif

        pillow_heif.register_heif_opener()
    image, buffer = drawn(orientation, sides), io.BytesIO()
    if kind == "TIFF":
        image.save(buffer, "TIFF", tiffinfo={274: orientation}, **options)
    elif kind == "PNG":
        image.save(buffer, "PNG", **options)
        return with_chunk(buffer.getvalue(), b"eXIf", exif(orientation)[6:])
    else:
        image.save(buffer, TURNED_KINDS[kind], exif=exif(orientation), quality=92, **options)
    return buffer.getvalue()


def with_chunk(png: bytes, name: bytes, content: bytes) -> bytes:
    """A PNG with one chunk more, before its pixels."""
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return png[:33] + chunk + png[33:]


def quarters(image: Image.Image) -> dict[str, tuple[int, int, int]]:
    """The colour in the middle of each quarter of an upright picture."""
    rgb = image.convert("RGB")
    width, height = rgb.size
    places = {"TL": (1, 1), "TR": (3, 1), "BL": (1, 3), "BR": (3, 3)}
    return {name: rgb.getpixel((width * x // 4, height * y // 4)) for name, (x, y) in places.items()}


def differs_by(image: Image.Image) -> int:
    """By how much the colour of a quarter differs at most from that which was drawn there."""
    return max(
        abs(seen - drawn_there)
        for name, colour in quarters(image).items()
        for seen, drawn_there in zip(colour, COLOURS[name], strict=True)
    )


def multi_picture(first: bytes, *others: bytes) -> bytes:
    """A JPEG with further ones behind it, as CIPA DC-007 describes it."""
    count = 1 + len(others)
    entries = b"".join(struct.pack("<IIIHH", 0, len(data), 0, 0, 0) for data in (first, *others))
    directory = struct.pack("<H", 3)
    directory += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    directory += struct.pack("<HHII", 0xB001, 4, 1, count)
    directory += struct.pack("<HHII", 0xB002, 7, len(entries), 8 + 2 + 3 * 12 + 4)
    content = b"MPF\0II*\0" + struct.pack("<I", 8) + directory + bytes(4) + entries
    segment = b"\xff\xe2" + struct.pack(">H", 2 + len(content)) + content
    # Behind the segments that are there, of which Exif has to be the first.
    at = 2
    while first[at + 1] & 0xF0 == 0xE0:
        at += 2 + int.from_bytes(first[at + 2 : at + 4], "big")
    return first[:at] + segment + first[at:] + b"".join(others)
