import io
import struct

import pytest
from doubles.odd_headers import bmp_of_masks, gif, jpeg_with, os2_bmp, png, png_chunk
from doubles.odd_pictures import HEIGHT, SHOWN, WIDTH
from doubles.photographs import BY_NAME
from doubles.pictures import picture
from PIL import Image

from shared.errors import ImageRejectedError
from shared.pictures import inspection


def saved(kind: str, *, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (100, 80)).save(buffer, kind, **options)
    return buffer.getvalue()


MASKS = (0xF00, 0xF0, 0xF)
COMMENT = b"\x21\xfe" + b"\x05hello" + b"\0"
BEYOND_THE_BOUNDS = b"\x21\xfe" + (b"\xff" + bytes(255)) * 5000 + b"\0"

ODD = {
    "PNG, a profile that unpacks to 1.5 MB": png(after=png_chunk(b"iCCP", b"Display\0\0" + bytes(1000))),
    "PNG, a text with a wrong checksum": png(after=png_chunk(b"tEXt", b"Comment\0hello", crc=0)),
    "PNG, a density of three bytes": png(after=png_chunk(b"pHYs", b"abc")),
    "PNG, a header with a wrong checksum": png()[:29] + b"\0\0\0\0" + png()[33:],
    "PNG, Apple's chunk first": png(before=png_chunk(b"CgBI", b"\x50\0\x20\2")),
    "JPEG, zeros between segments": jpeg_with(b"\0\0"),
    "JPEG, one stray byte": jpeg_with(b"\x7f"),
    "JPEG, fill bytes": jpeg_with(b"\xff" * 3),
    "JPEG, stuffed bytes between segments": jpeg_with(b"\xff\0\xff\0a"),
    "JPEG, 200 KB of padding": jpeg_with(bytes(200_000)),
    "JPEG, a segment of no length": jpeg_with(b"\xff\xec\0\0"),
    "JPEG, 40 full segments": jpeg_with((b"\xff\xe2\xff\xff" + bytes(65533)) * 40),
    "JPEG, progressive": saved("JPEG", progressive=True),
    "JPEG, CMYK": saved("JPEG", mode="CMYK"),
    "GIF, an empty screen": gif((0, 0), (100, 80)),
    "GIF, an empty screen and a comment": gif((0, 0), (100, 80), before_frame=COMMENT * 3),
    "GIF, a screen without a height": gif((100, 0), (100, 80)),
    "GIF, a screen smaller than its frame": gif((1, 1), (100, 80)),
    "GIF, a comment beyond the bounds": gif((100, 80), (100, 80), before_frame=BEYOND_THE_BOUNDS),
    "GIF, cut in its colours": picture("GIF", 100, 80)[:14],
    "BMP, masks of four bits": bmp_of_masks(MASKS, sides=(100, 80)),
    "BMP, masks of five, six and five bits": bmp_of_masks((0xF800, 0x7E0, 0x1F), sides=(100, 80)),
    "BMP, 10 bits a colour": bmp_of_masks((0x3FF00000, 0xFFC00, 0x3FF), bits=32, sides=(100, 80)),
    "BMP, 124 bytes of header": bmp_of_masks((0xF00, 0xF0, 0xF, 0xF000), header_bytes=124, sides=(100, 80)),
    "BMP, stored from the top": bmp_of_masks(MASKS, sides=(100, 80)).replace(
        struct.pack("<ii", 100, 80), struct.pack("<ii", 100, -80)
    ),
    "BMP, of OS/2": os2_bmp(100, 80),
}


@pytest.mark.parametrize("name", ODD)
def test_what_programs_show_tells_its_sides(name: str) -> None:
    found = inspection.inspect(ODD[name])
    assert (found.kind, found.width, found.height) == (name.partition(",")[0], 100, 80)


@pytest.mark.parametrize("name", SHOWN)
def test_what_the_stand_in_shows_tells_its_sides_too(name: str) -> None:
    found = inspection.inspect(SHOWN[name])
    assert (found.width, found.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (picture("JPEG")[:20], "before it says how wide and high it is"),
        (b"\xff\xd8\xff\xd9", "before it says"),
        (b"\xff\xd8\xff\xda\0\2", "before it says"),
        (b"\xff\xd8" + b"\xff\xe0\0\2" * 5000 + picture("JPEG")[2:], "does not end within 4096 parts and 256 KB"),
        (b"\xff\xd8\xff\xe0\0\2" + bytes(300_000) + picture("JPEG")[2:], "does not end within 4096 parts and 256 KB"),
        (picture("PNG")[:20], "its header goes on to byte 24, the file has 20"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", b""), "its picture begins before"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"tEXt", b"") * 5000 + png()[8:], "does not end within 4096 parts"),
        (gif((0, 0), (100, 80))[:20], "its screen is empty"),
        (gif((0, 0), (100, 80), before_frame=BEYOND_THE_BOUNDS), "its screen is empty"),
        (b"GIF89a\0\0\0\0\0\0\0;", "its screen is empty"),
        (os2_bmp()[:20], "its header goes on to byte 22, the file has 20"),
    ],
)
def test_a_header_without_sides_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageRejectedError) as caught:
        inspection.inspect(data)
    assert caught.value.code == "image_unreadable"
    assert reason in caught.value.message
    assert "save it anew" in caught.value.action


@pytest.mark.parametrize("name", ["plain.jp2", "codestream.j2k"])
def test_a_jpeg_2000_in_very_many_tiles_is_refused(name: str) -> None:
    data = bytearray(BY_NAME[name].data)
    at = data.index(b"\xff\x51") + 22
    struct.pack_into(">II", data, at, 3, 3)
    assert inspection.inspect(bytes(data)).kind == "JPEG 2000"
    struct.pack_into(">II", data, at, 2, 3)
    with pytest.raises(ImageRejectedError, match="its pixels are in 12800 tiles, of which at most 10000 are decoded"):
        inspection.inspect(bytes(data))
    struct.pack_into(">II", data, at, 0, 3)
    with pytest.raises(ImageRejectedError, match="its tiles have no size"):
        inspection.inspect(bytes(data))
