"""When a picture was taken, by what its camera has written beside the pixels."""

import struct

import pytest
from doubles.odd_pictures import segment
from doubles.picture_files import saved
from doubles.pictures import picture
from doubles.private_pictures import PICTURES
from PIL import Image

from shared.pictures import inspection, taken
from shared.pictures.inspection import ImageHeader

CAMERA, TIME = 0x8769, 0x9003
KINDS = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "TIFF": "TIFF", "AVIF": "AVIF", "HEIC": "HEIF", "MPO": "MPO"}


def exif(text: str) -> bytes:
    found = Image.Exif()
    found.get_ifd(CAMERA)[TIME] = text
    return b"Exif\0\0" + found.tobytes().removeprefix(b"Exif\0\0")


def photo(kind: str, text: str = "2024:05:17 09:08:07") -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    image = Image.new("RGB", (80, 60), (90, 140, 30))
    options = {"save_all": True, "append_images": [Image.new("RGB", (80, 60))]} if kind == "MPO" else {}
    if kind == "TIFF":
        return with_time_in_a_tiff(text)
    return saved(image, KINDS[kind], exif=exif(text), **options)


def with_time_in_a_tiff(text: str, order: str = "<") -> bytes:
    """A gray TIFF of 64x64 pixels whose first directory points to one of Exif."""
    at = 8
    entries = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 400), (277, 3, 1, 1), (278, 4, 1, 64), (279, 4, 1, 64 * 64), (CAMERA, 4, 1, 200)]
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at) + directory(entries, order)
    data = data.ljust(200, b"\0") + directory([(TIME, 2, 20, 300)], order)
    return data.ljust(300, b"\0") + text.encode() + bytes(100 - len(text)) + bytes(64 * 64)


def directory(entries: list[tuple[int, int, int, int]], order: str) -> bytes:
    told = b""
    for tag, form, count, value in entries:
        number = struct.pack(f"{order}H", value) if form == 3 else struct.pack(f"{order}I", value)
        told += struct.pack(f"{order}HHI", tag, form, count) + number.ljust(4, b"\0")
    return struct.pack(f"{order}H", len(entries)) + told + bytes(4)


def header(data: bytes) -> ImageHeader:
    return inspection.inspect(data)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_has_exif_tells_when_it_was_taken(kind: str) -> None:
    data = photo(kind)
    assert header(data).kind == kind
    assert taken.of_bytes(data, kind) == "2024-05-17T09:08:07"


def test_the_order_of_bytes_does_not_matter() -> None:
    for order in "<>":
        assert taken.of_bytes(with_time_in_a_tiff("1999:12:31 23:59:58", order), "TIFF") == "1999-12-31T23:59:58"


@pytest.mark.parametrize(
    "text",
    ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024-05-17T09:08:07", "2024:13:40 25:61:61", "2024:05:17", ""],
)
def test_a_time_that_is_none_is_not_told(text: str) -> None:
    assert taken.of_bytes(with_time_in_a_tiff(text), "TIFF") is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_picture_without_exif_tells_nothing(kind: str) -> None:
    data = picture(kind)
    assert taken.of_bytes(data, header(data).kind) is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_of_a_file_is_a_problem(kind: str) -> None:
    data = photo(kind)
    for end in range(0, len(data), max(1, len(data) // 200)):
        assert taken.of_bytes(data[:end], kind) in (None, "2024-05-17T09:08:07")
    # pi_heif crashes at the name of a kind of metadata that is no UTF-8, wherever such a HEIC is opened.
    for at in range(0, 0 if kind == "HEIC" else min(len(data), 400)):
        taken.of_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], kind)


def test_exif_that_is_no_tiff_tells_nothing() -> None:
    data = picture("JPEG")
    for block in (b"", b"Exif", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0II*\0\xff\xff\xff\xff"):
        assert taken.of_bytes(data[:2] + segment(0xE1, block) + data[2:], "JPEG") is None


def test_pictures_with_other_exif_tell_nothing() -> None:
    for name, data in PICTURES.items():
        kind = inspection.kind_of(data)
        assert kind, name
        assert taken.of_bytes(data, kind.name) is None
