"""Nothing that tells of a place, a device or a person leaves with a copy or a thumbnail."""

import io
from typing import Any

import pillow_heif
import pytest
from doubles.colour_profiles import ADOBE_RGB, profile
from doubles.marked_pictures import drawn, marked, multi_picture, with_chunk
from doubles.pictures import picture
from PIL import Image, PngImagePlugin

from shared.pictures import inspection
from shared.pictures.converter import Converter
from shared.pictures.crops import Box
from shared.pictures.fitting import ANALYSIS

CONVERTER = Converter(most_pixels=10_000_000, wait_seconds=0)
SECRETS = [b"SERIAL-4711", b"Jane Photographer", b"MAKERNOTE-0815", b"XMP-SECRET", b"COMMENT-SECRET", b"CAMERA-MODEL"]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">XMP-SECRET</x:xmpmeta>'


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[274] = orientation
    found[0x013B] = "Jane Photographer"
    found[0x0110] = "CAMERA-MODEL"
    found.get_ifd(0x8769).update({0xA431: "SERIAL-4711", 0x927C: b"MAKERNOTE-0815"})
    found.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 59.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    return found


def saved(kind: str, orientation: int, **options: Any) -> bytes:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image = drawn(orientation)
    image.save(buffer, kind, exif=exif(orientation).tobytes(), icc_profile=profile(ADOBE_RGB), **options)
    return buffer.getvalue()


def png_with_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "COMMENT-SECRET")
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = saved("PNG", 6, pnginfo=texts)
    return with_chunk(data, b"prVt", b"SERIAL-4711")


FILES = {
    "JPEG": saved("JPEG", 6, comment=b"COMMENT-SECRET", xmp=XMP),
    "JPEG, upright": saved("JPEG", 1, comment=b"COMMENT-SECRET", xmp=XMP),
    "MPO": multi_picture(saved("JPEG", 1, comment=b"COMMENT-SECRET"), saved("JPEG", 1)),
    "PNG": png_with_texts(),
    "WebP": saved("WEBP", 6, xmp=XMP),
    "AVIF": saved("AVIF", 6, xmp=XMP),
    "HEIC": saved("HEIF", 6, xmp=XMP),
    "TIFF": saved("TIFF", 6, description="COMMENT-SECRET", tiffinfo={700: XMP}),
}


@pytest.mark.parametrize("name", FILES)
def test_copies_and_thumbnails_have_pixels_and_nothing_else(name: str) -> None:
    data = FILES[name]
    assert any(secret in data for secret in SECRETS)
    header = inspection.inspect(data)
    # Of any picture a copy is made here, of one that would go untouched too.
    copy = CONVERTER.sent(data, header, ANALYSIS._replace(kinds=frozenset()))
    reduced = CONVERTER.reduced(data, header, [(80, 48)])
    whole = Box(0, 0, header.width, header.height)
    for made in (copy.data, *(reduced.cut(whole, (80, 48), form) for form in ("jpeg", "webp"))):
        check(made)


def test_a_thumbnail_of_the_service_loses_what_it_has_too() -> None:
    for form in ("jpeg", "webp"):
        check(CONVERTER.transcoded(FILES["JPEG"], form))


def check(made: bytes) -> None:
    image = Image.open(io.BytesIO(made))
    assert not [secret for secret in SECRETS if secret in made]
    assert len(image.getexif()) == 0
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background", "dpi"}
    if made.startswith(b"\xff\xd8"):
        segments = {name for name, _ in image.applist}
        assert segments <= {"APP0"}
        # One picture: no preview and none behind it.
        assert made.count(b"\xff\xd8\xff") == 1
    else:
        assert made[12:16] in (b"VP8 ", b"VP8L")


def test_what_is_searched_for_would_be_found() -> None:
    assert sum(secret in FILES["JPEG"] for secret in SECRETS) == len(SECRETS)
    with pytest.raises(AssertionError):
        check(FILES["JPEG, upright"])
    with pytest.raises(AssertionError):
        check(marked("WebP", 6))
    assert picture("JPEG").count(b"\xff\xd8\xff") == 1
