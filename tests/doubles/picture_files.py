"""
Writers of files that Pillow does not write: pictures of 16 bits a colour, YCCK, odd containers, refused kinds.
"""

import io
import struct
import zipfile
import zlib

import numpy as np
import pillow_heif
from doubles.odd_pictures import chunk
from numpy.typing import NDArray
from PIL import Image

_PNG_COLOUR_TYPES = {1: 0, 3: 2, 2: 4, 4: 6}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def deep(image: Image.Image) -> NDArray[np.uint16]:
    """Its channels in 16 bits, height x width x channels, the lower byte not being the upper one."""
    pixels = np.asarray(image)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return pixels.astype(np.uint16) << 8 | 0x55


def png_16(image: Image.Image, *chunks: bytes) -> bytes:
    """A PNG of 16 bits a colour, of a picture in gray or RGB, with alpha or without."""
    pixels = deep(image)
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").tobytes()
    row_bytes = len(rows) // height
    packed = zlib.compress(b"".join(b"\0" + rows[at : at + row_bytes] for at in range(0, len(rows), row_bytes)))
    head = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOUR_TYPES[channels], 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *chunks, chunk(b"IDAT", packed), chunk(b"IEND")))


# Where each pass of Adam7 begins and how far its pixels are apart, across and down (PNG, 8.2).
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png_interlaced(image: Image.Image) -> bytes:
    """A PNG in RGB that browsers show coarse at first."""
    pixels = np.asarray(image)
    passes = (pixels[top::down, left::across] for left, top, across, down in _PASSES)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for each in passes for row in each))
    head = struct.pack(">IIBBBBB", *image.size, 8, 2, 0, 0, 1)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND")))


def tiff_16(image: Image.Image, *, order: str = "<", orientation: int = 1) -> bytes:
    """An uncompressed TIFF of 16 bits a colour, in gray, RGB or CMYK."""
    pixels = deep(image)
    height, width, channels = pixels.shape
    data = pixels.astype(f"{order}u2").tobytes()
    photometric = {1: 1, 3: 2, 4: 5}[channels]
    entries = [(256, 4, 1, width), (257, 4, 1, height), (259, 3, 1, 1), (262, 3, 1, photometric)]
    entries += [(273, 4, 1, 256), (274, 3, 1, orientation), (277, 3, 1, channels), (278, 4, 1, height)]
    entries += [(279, 4, 1, len(data)), (258, 3, channels, 16 if channels == 1 else 200)]
    told = b""
    for tag, form, count, value in sorted(entries):
        number = struct.pack(f"{order}{'H' if form == 3 and count == 1 else 'I'}", value).ljust(4, b"\0")
        told += struct.pack(f"{order}HHI", tag, form, count) + number
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HIH", 42, 8, len(entries)) + told + bytes(4)
    head = head.ljust(200, b"\0") + struct.pack(f"{order}{channels}H", *[16] * channels)
    return head.ljust(256, b"\0") + data


def ycck(image: Image.Image, **options: object) -> bytes:
    """A JPEG as Photoshop writes it: inverted CMYK, of which three channels are told as brightness and colour."""
    cmyk = image.convert("CMYK")
    told = Image.merge("RGB", cmyk.split()[:3]).convert("YCbCr").split()
    # Pillow inverts what it writes; the decoder takes colour for light, which is inverted ink.
    channels = [each.point(lambda value: 255 - value) for each in told]
    data = bytearray(saved(Image.merge("CMYK", [*channels, cmyk.getchannel("K")]), "JPEG", **options))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def heic(image: Image.Image, *, orientation: int = 1, bits: int = 8, **options: object) -> bytes:
    """A HEIC photo; the orientation becomes the boxes `irot` and `imir` that decoders follow."""
    exif = Image.Exif()
    exif[274] = orientation
    options = {"exif": exif.tobytes(), "quality": 90, "chroma": 444} | options
    file = io.BytesIO()
    if bits == 8:
        photo = pillow_heif.from_pillow(image)
    else:
        data = deep(image).tobytes()
        photo = pillow_heif.from_bytes(f"{image.mode};16", image.size, data)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    photo.save(file, **options)
    return file.getvalue()


def icon(image: Image.Image, form: str) -> bytes:
    """A Windows icon with a small picture and this one, as PNG or as BMP; neither may be larger than 256 pixels."""
    return saved(image, "ICO", sizes=[(16, 16), image.size], bitmap_format=form)


def document(part: str = "word/document.xml") -> bytes:
    """An Office document, as far as its kind is known by it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<x/>")
    return file.getvalue()


def box(kind: bytes, content: bytes = b"") -> bytes:
    """A box of an ISO base media file."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def dng(image: Image.Image) -> bytes:
    """A RAW photo of a camera, as far as its kind is known by it: a TIFF with the version of DNG in it."""
    return saved(image, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
