import struct
import subprocess
import sys

import pytest
from doubles.marked_pictures import HEIGHT, STORED, TURNED_KINDS, WIDTH, exif, marked, multi_picture, with_chunk
from doubles.odd_headers import jpeg_with
from doubles.pictures import picture

from shared.pictures import inspection
from shared.pictures.fitting import ANALYSIS, READ, takes

# These turn themselves when they are decoded: that is no matter of Exif, and the header says that they are upright.
BY_THE_DECODER = ("HEIC",)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", TURNED_KINDS)
def test_the_sides_are_those_of_the_upright_picture(kind: str, orientation: int) -> None:
    found = inspection.inspect(marked(kind, orientation))
    assert (found.kind, found.width, found.height) == (kind, WIDTH, HEIGHT)
    assert found.orientation == (1 if kind in BY_THE_DECODER else orientation)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_only_what_is_upright_goes_untouched(kind: str) -> None:
    assert [takes(ANALYSIS, inspection.inspect(marked(kind, number)), 1000) for number in STORED] == [True] + [
        False
    ] * 7


def test_a_tiff_of_one_page_goes_to_read_as_it_is_and_never_to_the_image_operations() -> None:
    header = inspection.inspect(marked("TIFF"))
    assert takes(READ, header, 1000)
    assert not takes(ANALYSIS, header, 1000)
    assert not takes(READ, inspection.inspect(marked("TIFF", 6)), 1000)


def jpeg(block: bytes) -> bytes:
    """A JPEG of 100x80 pixels with that content in a segment of Exif."""
    return jpeg_with(b"\xff\xe1" + struct.pack(">H", 2 + len(block)) + block)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_has_either_order_of_bytes(order: str) -> None:
    assert inspection.inspect(jpeg(exif(6, order))).orientation == 6
    chunk = with_chunk(picture("PNG", 100, 80), b"eXIf", exif(6, order)[6:])
    assert inspection.inspect(chunk).orientation == 6


@pytest.mark.parametrize(
    "block",
    [
        exif(0),
        exif(9),
        exif(0xFFFF),
        b"Exif\0\0",
        b"Exif\0\0II",
        b"Exif\0\0what is this",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        exif(6)[:20],
        exif(6).replace(b"\x12\x01", b"\x12\x02"),
    ],
)
def test_exif_that_says_nothing_sound_turns_nothing(block: bytes) -> None:
    found = inspection.inspect(jpeg(block))
    assert (found.width, found.height, found.orientation) == (100, 80, 1)
    found = inspection.inspect(with_chunk(picture("PNG", 100, 80), b"eXIf", block[6:]))
    assert (found.width, found.height, found.orientation) == (100, 80, 1)


def test_exif_behind_the_pixels_of_a_png_counts_too() -> None:
    data = picture("PNG", 100, 80)
    assert inspection.inspect(with_chunk(data, b"eXIf", exif(8)[6:])).orientation == 8
    end = data.index(b"IEND") - 4
    moved = data[:end] + with_chunk(data, b"eXIf", exif(8)[6:])[33 : 33 + 12 + len(exif(8)) - 6] + data[end:]
    assert inspection.inspect(moved).orientation == 8


def test_exif_of_a_webp_may_begin_as_in_a_jpeg() -> None:
    data = marked("WebP", 6)
    at = data.index(b"EXIF")
    content = exif(6)
    chunk = b"EXIF" + struct.pack("<I", len(content)) + content
    assert inspection.inspect(data[:at] + chunk).orientation == 6


def test_a_jpeg_with_further_pictures_is_a_kind_of_its_own() -> None:
    photo, gain_map = marked("JPEG", 6), picture("JPEG", 80, 80)
    found = inspection.inspect(multi_picture(photo, gain_map))
    assert (found.kind, found.width, found.height, found.orientation) == ("MPO", WIDTH, HEIGHT, 6)
    assert inspection.inspect(multi_picture(photo)).kind == "JPEG"
    assert inspection.inspect(photo + gain_map).kind == "JPEG"


LOOK = """
import sys
from shared.pictures import inspection
before = set(sys.modules)
header = inspection.inspect(sys.stdin.buffer.read())
print(header.kind, *sorted(name for name in set(sys.modules) - before if "." not in name))
"""


@pytest.mark.parametrize(
    ("kind", "libraries"),
    [
        ("JPEG", set()),
        ("PNG", set()),
        ("WebP", set()),
        ("TIFF", set()),
        ("AVIF", {"PIL"}),
        ("HEIC", {"PIL", "pi_heif"}),
    ],
)
def test_a_look_imports_only_what_the_kind_needs(kind: str, libraries: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], input=marked(kind, 6), capture_output=True, check=True, timeout=60
    )
    found, *imported = done.stdout.decode().split()
    assert found == kind
    assert set(imported) & {"PIL", "pi_heif"} == libraries
    if not libraries:
        assert imported == []
