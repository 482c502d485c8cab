import io
import struct
import zlib

import pillow_heif
import pytest
from doubles.odd_headers import boxes, pdf_of_pages, tiff_of
from doubles.pictures import picture
from PIL import Image

from shared.errors import BlobsightError, ImageRejectedError, PayloadTooLargeError
from shared.images import ImageBytes, ImageUrl
from shared.pictures import inspection

TAKEN = ("JPEG", "PNG", "GIF", "BMP")


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces its sides and has next to nothing behind."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    sides = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", sides) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def refusal(data: bytes) -> BlobsightError:
    with pytest.raises((ImageRejectedError, PayloadTooLargeError)) as caught:
        inspection.inspect(data)
    return caught.value


@pytest.mark.parametrize("kind", TAKEN)
def test_each_format_that_is_taken_tells_its_sides(kind: str) -> None:
    found = inspection.inspect(picture(kind, 120, 80))
    assert (found.kind, found.width, found.height) == (kind, 120, 80)
    assert found.content_type == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    ("saved_as", "kind", "content_type"),
    [
        ("TIFF", "TIFF", "image/tiff"),
        ("WEBP", "WebP", "image/webp"),
        ("AVIF", "AVIF", "image/avif"),
        ("HEIF", "HEIC", "image/heic"),
        ("JPEG2000", "JPEG 2000", "image/jp2"),
    ],
)
def test_each_format_that_is_converted_tells_its_sides(saved_as: str, kind: str, content_type: str) -> None:
    pillow_heif.register_heif_opener()
    found = inspection.inspect(picture(saved_as, 120, 80))
    assert found == (kind, content_type, 120, 80, 1)


def test_a_bare_jpeg_2000_tells_its_sides_too() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 80)).save(buffer, "JPEG2000", no_jp2=True)
    assert buffer.getvalue().startswith(b"\xff\x4f\xff\x51")
    assert inspection.inspect(buffer.getvalue())[:4] == ("JPEG 2000", "image/jp2", 120, 80)


def test_a_jpeg_2000_whose_header_and_pixels_differ_is_refused() -> None:
    data = bytearray(picture("JPEG2000", 120, 80))
    at = data.index(b"ihdr") + 4
    data[at : at + 4] = (40_000).to_bytes(4, "big")
    assert refusal(bytes(data)).code == "image_unreadable"


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_each_layout_of_a_webp_tells_its_sides(mode: str, lossless: bool) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (123, 81)).save(buffer, "WEBP", lossless=lossless)
    assert inspection.inspect(buffer.getvalue())[2:4] == (123, 81)


def icon(*entries: tuple[int, bytes]) -> bytes:
    """An icon of these pictures, each with the side that the directory tells."""
    data, at = struct.pack("<HHH", 0, 1, len(entries)), 6 + 16 * len(entries)
    for side, content in entries:
        data += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(content), at)
        at += len(content)
    return data + b"".join(content for _, content in entries)


def test_of_an_icon_the_largest_picture_counts_whatever_its_directory_says() -> None:
    small, large = picture("PNG", 60, 60), picture("PNG", 90, 80)
    assert inspection.inspect(icon((256, small), (16, large))) == ("ICO", "image/x-icon", 90, 80, 1)
    bitmap = picture("BMP", 100, 160)[14:]
    assert inspection.inspect(icon((16, small), (16, bitmap)))[2:4] == (100, 80)
    assert inspection.inspect(icon((16, b"\x89PNG"), (16, small)))[2:4] == (60, 60)
    assert refusal(icon((64, b"neither PNG nor BMP, whatever"))).code == "image_unreadable"
    assert refusal(icon((64, picture("PNG", 32, 32)))).code == "image_too_small"


@pytest.mark.parametrize("data", [pdf_of_pages(3), tiff_of((100, 100), (100, 100))])
def test_of_a_document_only_the_text_is_read(data: bytes) -> None:
    error = refusal(data)
    assert error.code == "format_not_supported"
    assert "POST /api/ocr reads its text as it is" in error.action


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>', "an SVG drawing"),
        (b"8BPS\0\1" + bytes(99), "a Photoshop document (PSD)"),
        (b"\xff\x0a" + bytes(range(200)), "a JPEG XL image"),
        (b"IIRO\x08\0\0\0" + bytes(99), "a RAW photo of a camera"),
        (boxes(b"isom", b"avc1"), "a video"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Office document"),
        (b"\0\0\2\0\1\0" + bytes(99), "an image in the format CUR"),
    ],
)
def test_a_format_that_is_not_taken_is_refused_by_its_name(data: bytes, named: str) -> None:
    for look in (inspection.inspect, inspection.refuse, inspection.inspect_for_text):
        with pytest.raises(ImageRejectedError) as caught:
            look(data)
        assert caught.value.code == "format_not_supported"
        assert caught.value.message.startswith(f"The file is {named};")
        assert "HEIC" in caught.value.message
        assert caught.value.action.endswith(".")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(("width", "height"), [(49, 50), (50, 49), (1, 1)])
def test_less_than_50_pixels_a_side_is_refused_with_the_numbers(kind: str, width: int, height: int) -> None:
    error = refusal(picture(kind, width, height))
    assert error.code == "image_too_small"
    assert f"{width}x{height}" in error.message
    assert "50x50" in error.message


@pytest.mark.parametrize(
    ("width", "height"), [(50, 50), (16001, 50), (50, 99999), (20000, 20000), (2**31 - 1, 2**31 - 1)]
)
def test_sides_from_50_pixels_are_taken(width: int, height: int) -> None:
    found = inspection.inspect(png_header(width, height))
    assert (found.width, found.height) == (width, height)


def test_more_bytes_than_computer_vision_takes_are_taken() -> None:
    assert inspection.inspect(picture().ljust(5_000_000, b"\0")).kind == "JPEG"


def test_a_document_has_limits_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half a gigabyte need not be made for it.
    monkeypatch.setattr(inspection, "MAX_READ_BYTES", 1000)
    assert inspection.inspect_for_text(pdf_of_pages(50)) == "application/pdf"
    with pytest.raises(PayloadTooLargeError) as caught:
        inspection.inspect_for_text(tiff_of((100, 100), (100, 100)))
    assert "The TIFF has" in caught.value.message
    assert caught.value.action == "Split it into smaller documents."


def test_no_bytes_are_refused_as_such() -> None:
    assert refusal(b"").code == "image_empty"


def test_text_is_refused_whatever_it_is_called() -> None:
    error = refusal(b"this file is called holiday.jpg")
    assert error.code == "not_an_image"
    assert error.status == 400
    assert '"this fil"' in error.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE html><title>404 Not Found</title>", "an HTML page"),
        (b'{"url": "https://example.com/a.jpg"}', "a JSON document"),
        (b"PK\x03\x04" + bytes(40), "an archive"),
        (bytes(60), "00 00 00 00"),
    ],
)
def test_what_is_no_image_is_named_where_it_is_known(data: bytes, said: str) -> None:
    error = refusal(data)
    assert error.code == "not_an_image"
    assert said in error.message


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heif"])
def test_a_heic_that_breaks_off_is_refused(brand: bytes) -> None:
    for look in (inspection.inspect, inspection.inspect_for_text):
        with pytest.raises(ImageRejectedError) as caught:
            look(b"\0\0\0\x18ftyp" + brand + bytes(300))
        assert caught.value.code == "image_unreadable"
        assert "a HEIC photo" in caught.value.message


@pytest.mark.parametrize("kind", ["GIF", "SVG"])
def test_text_is_not_read_from_every_format(kind: str) -> None:
    data = picture("GIF") if kind == "GIF" else b"<svg />"
    with pytest.raises(ImageRejectedError) as caught:
        inspection.inspect_for_text(data)
    assert caught.value.code == "format_not_supported"
    assert "the app reads text from JPEG, PNG, BMP, HEIC" in caught.value.message


def test_text_is_read_from_what_is_converted_and_from_any_sides() -> None:
    assert inspection.inspect_for_text(picture("WEBP")) == "image/webp"
    assert inspection.inspect_for_text(png_header(12_000, 9_000)) == "image/png"
    assert inspection.is_readable(picture("AVIF"))
    assert inspection.is_readable(picture("TIFF"))
    assert not inspection.is_readable(picture("GIF"))


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("length", [8, 12, 16])
def test_a_header_that_breaks_off_is_refused(kind: str, length: int) -> None:
    data = picture(kind)[:length]
    if kind == "GIF" and length > 10:
        data = data[:9]  # its sides stand in the first ten bytes
    error = refusal(data)
    assert error.code == "image_unreadable"
    assert kind in error.message


def test_the_same_bytes_are_one_subject_and_an_address_is_another() -> None:
    assert ImageBytes(b"x").subject == ImageBytes(b"x").subject
    assert ImageBytes(b"x").subject != ImageBytes(b"y").subject
    assert ImageUrl("https://a/b").subject != ImageBytes(b"https://a/b").subject
    assert ImageUrl("https://a/b").subject.startswith("url-")
    assert len(ImageBytes(b"x").subject) == 64
