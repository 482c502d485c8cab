"""A copy has the colours that the picture was made with, as numbers of sRGB, whatever it was made in."""

import io
import struct
import zlib
from typing import Any

import pillow_heif
import pytest
from doubles.colour_profiles import ADOBE_RGB, DISPLAY_P3, Space, grey_profile, profile, stored_in
from doubles.odd_headers import PNG_SIGNATURE, png_chunk
from PIL import Image

from shared.pictures import inspection
from shared.pictures.colours import MOST_PROFILE_BYTES
from shared.pictures.converter import Converter
from shared.pictures.crops import Box

CONVERTER = Converter(most_pixels=10_000_000, wait_seconds=0)
SIDES = (64, 60)
COLOUR = (180, 90, 60)
# Lossy coding of a flat colour, and rounding in profiles.
NEAR = 5


def shown(data: bytes) -> Any:
    """The colour in the middle of a thumbnail."""
    header = inspection.inspect(data)
    sides = (header.width, header.height)
    again = CONVERTER.reduced(data, header, [sides]).cut(Box(0, 0, *sides), sides, "jpeg")
    image = Image.open(io.BytesIO(again))
    assert image.mode == "RGB"
    return image.getpixel((sides[0] // 2, sides[1] // 2))


def is_near(found: Any, wanted: tuple[int, ...], near: int = NEAR) -> bool:
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True)) <= near


def saved(kind: str, mode: str, colour: Any, **options: Any) -> bytes:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    Image.new(mode, SIDES, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def numbers_in(space: Space) -> tuple[int, int, int]:
    """The numbers that stand for the colour in that space."""
    return stored_in(space, Image.new("RGB", (1, 1), COLOUR)).getpixel((0, 0))


LOSSLESS = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}, "HEIF": {"quality": 95}}


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_a_profile_s_colours_become_those_of_srgb(kind: str, space: Space) -> None:
    numbers = numbers_in(space)
    assert not is_near(numbers, COLOUR, 8)
    data = saved(kind, "RGB", numbers, icc_profile=profile(space), **LOSSLESS.get(kind, {}))
    assert is_near(shown(data), COLOUR)


@pytest.mark.parametrize(
    "broken",
    [
        b"no profile",
        profile(ADOBE_RGB)[:200],
        profile(ADOBE_RGB).replace(b"RGB XYZ ", b"CMYKXYZ "),
        grey_profile(1.0),
        bytes(MOST_PROFILE_BYTES + 1),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_profile_that_cannot_be_used_is_as_none(kind: str, broken: bytes) -> None:
    assert is_near(shown(saved(kind, "RGB", COLOUR, icc_profile=broken)), COLOUR)


def test_a_profile_of_grey_counts_too() -> None:
    # Half of the light, whose number in sRGB is 188.
    assert is_near(shown(saved("PNG", "L", 128, icc_profile=grey_profile(1.0))), (188, 188, 188))
    assert is_near(shown(saved("PNG", "L", 128)), (128, 128, 128))


def test_a_transparent_picture_with_a_profile_has_both_regarded() -> None:
    numbers = (*numbers_in(ADOBE_RGB), 255)
    assert is_near(shown(saved("PNG", "RGBA", numbers, icc_profile=profile(ADOBE_RGB))), COLOUR)


def test_ink_is_seen_as_colour() -> None:
    for ink, colour in [((0, 255, 255, 0), (255, 0, 0)), ((255, 0, 0, 0), (0, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))]:
        assert is_near(shown(saved("JPEG", "CMYK", ink, quality=95)), colour)
        assert is_near(shown(saved("TIFF", "CMYK", ink)), colour)


def test_ink_that_photoshop_has_coded_as_light_is_seen_as_colour() -> None:
    # Red: YCCK has the colour of the inks, cyan, as light (Y 179, Cb 171, Cr 0), and full K as none; all is inverted.
    data = saved("JPEG", "CMYK", (255 - 179, 255 - 171, 255 - 0, 0), quality=95)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    assert is_near(shown(data[:at] + b"\2" + data[at + 1 :]), (255, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("grey", [0, 0x1234, 0x80FF, 0xFFFF])
def test_16_bits_of_grey_are_scaled_and_not_clipped(kind: str, grey: int) -> None:
    data = saved(kind, "I;16", grey)
    assert is_near(shown(data), (grey >> 8,) * 3, 2)


def test_16_bits_of_a_colour_are_scaled_and_not_clipped() -> None:
    row = b"\0" + struct.pack(">HHH", 0xB400, 0x5A00, 0x3C00) * 64
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 60, 16, 2, 0, 0, 0))
    data = PNG_SIGNATURE + header + png_chunk(b"IDAT", zlib.compress(row * 60)) + png_chunk(b"IEND", b"")
    assert is_near(shown(data), COLOUR)


def tiff_of_grey(bits: int, strip: bytes, photometric: int = 1) -> bytes:
    """An uncompressed TIFF of 64x60 greys in one strip."""
    entries = [(256, 64), (257, 60), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 60)]
    entries.append((279, len(strip)))
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory


def test_12_bits_of_grey_are_scaled_too() -> None:
    assert is_near(shown(tiff_of_grey(12, b"\xb4\x0b\x40" * (64 * 60 // 2))), (0xB4,) * 3, 2)


def test_a_negative_of_16_bits_is_turned_over() -> None:
    assert is_near(shown(tiff_of_grey(16, b"\0\x40" * (64 * 60), 0)), (255 - 0x40,) * 3, 2)
    assert is_near(shown(tiff_of_grey(16, b"\0\x40" * (64 * 60), 1)), (0x40,) * 3, 2)


@pytest.mark.parametrize(("mode", "grey"), [("I", 128), ("I", 128 * 257), ("F", 0.5), ("F", 128.0)])
def test_32_bits_of_grey_are_read_by_the_range_that_they_are_of(mode: str, grey: float) -> None:
    assert is_near(shown(saved("TIFF", mode, grey)), (128, 128, 128), 2)


def test_one_bit_and_palettes_are_seen_as_they_are() -> None:
    assert is_near(shown(saved("PNG", "1", 1)), (255, 255, 255))
    assert is_near(shown(saved("TIFF", "1", 0)), (0, 0, 0))
    buffer = io.BytesIO()
    Image.new("RGB", SIDES, COLOUR).quantize(8).save(buffer, "PNG")
    assert is_near(shown(buffer.getvalue()), COLOUR)


@pytest.mark.parametrize(
    ("kind", "mode", "colour", "seen"),
    [
        ("PNG", "RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("PNG", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("WEBP", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("AVIF", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("HEIF", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("TIFF", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("JPEG2000", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("PNG", "LA", (0, 0), (255, 255, 255)),
        ("PNG", "LA", (0, 128), (127, 127, 127)),
    ],
)
def test_what_is_transparent_lies_on_white(kind: str, mode: str, colour: Any, seen: tuple[int, int, int]) -> None:
    assert is_near(shown(saved(kind, mode, colour, **LOSSLESS.get(kind, {}))), seen)


def test_transparent_colours_of_a_palette_lie_on_white() -> None:
    for kind in ("GIF", "PNG"):
        image, buffer = Image.new("P", SIDES, 1), io.BytesIO()
        image.putpalette([10, 20, 30, 200, 0, 0])
        image.save(buffer, kind, transparency=1)
        assert is_near(shown(buffer.getvalue()), (255, 255, 255))


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [Image.new("RGB", SIDES, colour) for colour in (COLOUR, (0, 255, 0), (0, 0, 255))]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=100)
        assert is_near(shown(buffer.getvalue()), COLOUR)


@pytest.mark.parametrize("bits", [24, 32])
def test_an_icon_of_a_bitmap_is_seen_with_its_mask(bits: int) -> None:
    pixel = bytes(COLOUR[::-1]) + (b"\xff" if bits == 32 else b"")
    mask = bytes(8 * 30) + b"\xff" * 8 * 30
    rows = pixel * 64 * 30 + (pixel[:3] + bytes(bits // 32)) * 64 * 30
    header = struct.pack("<IiiHHIIiiII", 40, 64, 120, 1, bits, 0, len(rows), 0, 0, 0, 0)
    content = header + rows + mask
    directory = struct.pack("<HHHBBBBHHII", 0, 1, 1, 64, 60, 0, 0, 1, bits, len(content), 22)
    icon = directory + content
    sides = inspection.inspect(icon)[2:4]
    assert sides == SIDES
    again = CONVERTER.reduced(icon, inspection.inspect(icon), [SIDES]).cut(Box(0, 0, *SIDES), SIDES, "jpeg")
    image = Image.open(io.BytesIO(again))
    assert is_near(image.getpixel((32, 50)), COLOUR)
    assert is_near(image.getpixel((32, 10)), (255, 255, 255))
