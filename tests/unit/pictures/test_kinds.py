import gzip
import io
import struct
import zipfile

import pytest
from doubles.odd_headers import boxes, pdf_of_pages, tiff, tiff_of
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st

from shared.pictures import inspection, kinds
from shared.pictures.window import Window


def kind_of(data: bytes) -> str | None:
    found = kinds.kind_of(Window(data))
    return found.name if found else None


def zipped(*entries: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry in entries:
            archive.writestr(entry, "content")
    return buffer.getvalue()


ICON = b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0" + bytes(200)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>'
PICTURES = [
    *((picture(kind), name) for kind, name in [("JPEG", "JPEG"), ("PNG", "PNG"), ("GIF", "GIF"), ("BMP", "BMP")]),
    (picture("TIFF"), "TIFF"),
    (picture("WEBP"), "WebP"),
    (picture("AVIF"), "AVIF"),
    (picture("JPEG2000"), "JPEG 2000"),
    (b"\xff\x4f\xff\x51" + bytes(60), "JPEG 2000"),
    (picture("ICO"), "ICO"),
    (ICON, "ICO"),
    *((boxes(brand, b"mif1", b"heic"), "HEIC") for brand in b"heic heix hevc hevx heim heis hevm hevs".split()),
    *((boxes(brand), "HEIC") for brand in b"mif1 mif2 msf1 miaf heif".split()),
    # What a camera's own brand hides, the compatible ones tell.
    (boxes(b"MiHE", b"mif1", b"heic"), "HEIC"),
    (boxes(b"avif", b"mif1", b"miaf"), "AVIF"),
    (boxes(b"avis", b"msf1"), "AVIF"),
    (boxes(b"mif1", b"avif"), "AVIF"),
    (b"\xff\x0a" + bytes(range(200)), "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl " + bytes(99), "JPEG XL"),
    (SVG, "SVG"),
    (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n' + SVG, "SVG"),
    (b"<?xml version='1.0'?><!DOCTYPE svg [" + b"<!ENTITY a 'b'>" * 200 + b"]>" + SVG, "SVG"),
    (b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', "SVG"),
    (SVG.decode().encode("utf-16"), "SVG"),
    (b"8BPS\0\1" + bytes(99), "PSD"),
    (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
    (b"\xd7\xcd\xc6\x9a" + bytes(99), "metafile"),
    (bytes(128) + b"DICM" + bytes(99), "DICOM"),
    (b"P6\n3 2\n255\n" + bytes(18), "Netpbm"),
    (boxes(b"crx ", b"crx ", b"isom"), "RAW"),
    (b"II*\0\x10\0\0\0CR\2\0" + tiff((100, 100))[12:], "RAW"),
    (b"IIRO\x08\0\0\0" + bytes(99), "RAW"),
    (b"IIU\0\x18\0\0\0" + bytes(99), "RAW"),
    (b"FUJIFILMCCD-RAW 0201" + bytes(99), "RAW"),
    (tiff((256, 171), tags=[(50706, 0x0401)]), "RAW"),
    (tiff((256, 171), tags=[(262, 32803)], order=">"), "RAW"),
    (tiff((256, 171), tags=[(259, 34713)]), "RAW"),
    (boxes(b"isom", b"iso2", b"avc1", b"mp41"), "video"),
    (boxes(b"qt  "), "video"),
    (b"\0\0\x10\0moov" + bytes(99), "video"),
    (b"\x1aE\xdf\xa3" + bytes(99), "video"),
    (b"RIFF\0\0\0\0AVI LIST" + bytes(99), "video"),
    (b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(99), "video"),
    ((b"\x47" + bytes(187)) * 4, "video"),
    ((bytes(4) + b"\x47" + bytes(187)) * 4, "video"),
    (b"\0\0\0\0ftypheic" + bytes(300), "HEIC"),
    (picture("PCX"), "PCX"),
    (picture("TGA"), "Targa (TGA)"),
    (b"\0\0\2\0" + ICON[4:], "CUR"),
    (picture("SGI"), "SGI"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Office"),
    (zipped("[Content_Types].xml", "word/document.xml"), "Office"),
    (zipped("_rels/.rels", "xl/workbook.xml"), "Office"),
    (b"{\\rtf1\\ansi hello}", "Office"),
]
DOCUMENTS = [
    (pdf_of_pages(1), "PDF"),
    (b"\r\n" + pdf_of_pages(1), "PDF"),
    (b"\0" * 1019 + pdf_of_pages(1), "PDF"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + pdf_of_pages(1), "PDF"),
    (b"From: billing\n\n" + pdf_of_pages(1), "PDF"),
    (b"x" * 1023 + pdf_of_pages(1), "PDF"),
    (tiff((100, 100), order=">"), "TIFF"),
    (tiff((100, 100), big=True), "TIFF"),
    (tiff((100, 100), big=True, order=">"), "TIFF"),
    (tiff_of((100, 100), big_tiff=True), "TIFF"),
    (tiff_of((100, 100), (100, 100)), "TIFF"),
]
NO_PICTURES = [
    (b"<!doctype html><title>404</title>", "HTML"),
    (b"<html><body><svg width='1'/></body></html>", "HTML"),
    (b"  \n<HTML>", "HTML"),
    (b'<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>', "XML"),
    (b'{"error": 1}', "JSON"),
    (b"{}", "JSON"),
    (zipped("a.jpg"), "archive"),
    (gzip.compress(b"x"), "archive"),
    (b"ID3\4" + bytes(99), "audio"),
    (b"OggS\0\2" + bytes(22) + b"\x01vorbis" + bytes(99), "audio"),
    (b"RIFF\0\0\0\0WAVEfmt " + bytes(99), "audio"),
]
NOTHING_KNOWN = [
    b"",
    b"G",
    b"GIF88a",
    b"plain text",
    b"BMW sells cars, says this text",
    b"<note>",
    b"P5M is a car",
    b"x" * 1024 + b"%PDF-1.4",
    b"RIFF\0\0\0\0ABCD",
    b"\0\0\0\x18abcdheic",
    bytes(2000),
]


@pytest.mark.parametrize(("data", "name"), [*PICTURES, *DOCUMENTS, *NO_PICTURES])
def test_the_kind_is_told_by_the_bytes(data: bytes, name: str) -> None:
    assert kind_of(data) == name


@pytest.mark.parametrize("data", NOTHING_KNOWN)
def test_other_bytes_have_no_kind(data: bytes) -> None:
    assert kind_of(data) is None


@pytest.mark.parametrize(("data", "name"), [*PICTURES, *DOCUMENTS])
def test_what_shows_something_is_a_picture_and_has_advice(data: bytes, name: str) -> None:
    kind = kinds.kind_of(Window(data))
    assert kind
    assert kind.is_picture
    assert kind.advice.endswith(".")
    assert kind.described.split()[0] in ("a", "an")


@pytest.mark.parametrize(("data", "name"), NO_PICTURES)
def test_what_shows_nothing_is_none(data: bytes, name: str) -> None:
    kind = kinds.kind_of(Window(data))
    assert kind
    assert not kind.is_picture


@pytest.mark.parametrize("data", [pdf_of_pages(9), tiff((100, 100), (90, 90)), tiff_of((100, 100), (100, 100))])
def test_a_pdf_and_a_tiff_of_more_than_one_page_are_documents(data: bytes) -> None:
    assert inspection.is_document(data)
    assert inspection.is_document(data[: inspection.KIND_BYTES])


@pytest.mark.parametrize("data", [tiff((100, 100)), tiff_of((100, 100)), picture("JPEG"), b"II*\0", b""])
def test_anything_else_is_none(data: bytes) -> None:
    assert not inspection.is_document(data)


def test_a_tiff_whose_directory_is_beyond_its_first_bytes_counts_as_a_photo() -> None:
    data = tiff((100, 100), (90, 90))
    late = data[:4] + struct.pack("<I", 5000) + bytes(4992) + data[8:]
    late = late.replace(struct.pack("<I", 38), struct.pack("<I", 38 + 4992))
    assert inspection.is_document(late)
    assert not inspection.is_document(late[: inspection.KIND_BYTES])


@given(st.binary(max_size=2000))
def test_the_kind_of_the_first_bytes_is_that_of_all(data: bytes) -> None:
    # But for an SVG that begins late.
    known = kind_of(data[: inspection.KIND_BYTES])
    assert known in (kind_of(data), "XML")
