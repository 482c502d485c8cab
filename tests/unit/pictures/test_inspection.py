import struct
import zlib

import pytest
from doubles.odd_headers import pdf_of_pages
from doubles.pictures import picture

from shared.contract import MAX_IMAGE_BYTES
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


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "PDF", "AVIF"])
def test_a_format_the_service_does_not_take_is_refused_by_its_name(kind: str) -> None:
    error = refusal(picture(kind, 120, 80))
    assert error.code == "format_not_supported"
    assert kind.lower() in error.message.lower()
    assert "JPEG or PNG" in error.action


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(("width", "height"), [(49, 50), (50, 49), (1, 1)])
def test_less_than_50_pixels_a_side_is_refused_with_the_numbers(kind: str, width: int, height: int) -> None:
    error = refusal(picture(kind, width, height))
    assert error.code == "image_too_small"
    assert f"{width}x{height}" in error.message
    assert "50x50" in error.message


@pytest.mark.parametrize(("width", "height"), [(50, 50), (16000, 50), (50, 16000), (16000, 16000)])
def test_sides_at_the_limits_are_taken(width: int, height: int) -> None:
    found = inspection.inspect(png_header(width, height))
    assert (found.width, found.height) == (width, height)


@pytest.mark.parametrize(("width", "height"), [(16001, 50), (50, 16001), (20000, 20000), (2**31 - 1, 2**31 - 1)])
def test_more_than_16000_pixels_a_side_is_refused_with_the_numbers(width: int, height: int) -> None:
    error = refusal(png_header(width, height))
    assert error.code == "image_too_many_pixels"
    assert f"{width}x{height}" in error.message
    assert "16000x16000" in error.message


def test_one_byte_less_than_4_mb_is_taken() -> None:
    assert inspection.inspect(picture().ljust(MAX_IMAGE_BYTES - 1, b"\0")).kind == "JPEG"


def test_4_mb_are_refused_with_the_numbers() -> None:
    error = refusal(picture().ljust(MAX_IMAGE_BYTES, b"\0"))
    assert isinstance(error, PayloadTooLargeError)
    assert error.status == 413
    assert "4194304" in error.message


def test_a_document_has_limits_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half a gigabyte need not be made for it.
    monkeypatch.setattr(inspection, "MAX_READ_BYTES", 1000)
    assert inspection.inspect_for_text(pdf_of_pages(50)) == "application/pdf"
    with pytest.raises(PayloadTooLargeError) as caught:
        inspection.inspect_for_text(picture("TIFF", 100, 100))
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


def test_the_size_comes_before_the_header() -> None:
    endless = picture()[:2] + b"\xff\xe0\0\2" * 1024 * 1024
    assert refusal(endless).code == "image_too_large"


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heif"])
def test_a_phone_s_photo_is_refused_with_what_helps(brand: bytes) -> None:
    for look in (inspection.inspect, inspection.inspect_for_text):
        with pytest.raises(ImageRejectedError) as caught:
            look(b"\0\0\0\x18ftyp" + brand + bytes(300))
        assert caught.value.code == "format_not_supported"
        assert "a HEIC photo" in caught.value.message
        assert "iPhone" in caught.value.action


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
