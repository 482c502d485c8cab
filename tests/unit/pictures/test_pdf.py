import zlib

import pytest
from doubles.odd_headers import pdf, pdf_of_pages, tiff
from doubles.pictures import picture

from shared.errors import ImageRejectedError
from shared.pictures import inspection

REFUSED = ImageRejectedError("Computer Vision refused the image (400 InvalidImageFormat).", code="image_unreadable")
LOCKED = b"/Encrypt 9 0 R"


def of_nested_pages() -> bytes:
    root = b"<</Type /Pages /Kids [3 0 R 4 0 R] /Count 7>>"
    nodes = [b"<</Type/Pages/Parent 2 0 R/Kids[]/Count %d>>" % count for count in (4, 3)]
    return pdf([b"<</Type/Catalog/Pages 2 0 R/Outlines 5 0 R>>", root, *nodes, b"<</Type/Outlines/Count 99>>"])


def compressed() -> bytes:
    tree = zlib.compress(b"<</Type/Pages/Kids[]/Count 5>>")
    stream = b"<</Type/ObjStm/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(tree), tree)
    return pdf([b"<</Type/Catalog/Pages 2 0 R>>", stream])


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (pdf_of_pages(1), 1),
        (pdf_of_pages(2001), 2001),
        (b"\r\n" + pdf_of_pages(3), 3),
        (of_nested_pages(), 7),
        (b"%PDF-1.4\n1 0 obj<</Linearized 1/L 9/H[1 2]/O 3/E 4/N 42/T 5>>endobj " + bytes(300_000), 42),
        (compressed(), None),
        (bytes(9) + compressed(), None),
        (tiff((100, 100), (100, 100)), 2),
        (picture(), 1),
    ],
)
def test_pages_are_counted_where_a_bounded_look_tells(data: bytes, count: int | None) -> None:
    assert inspection.count_pages(data) == count


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (pdf_of_pages(1, trailer=LOCKED), "Remove the password"),
        (pdf_of_pages(5000, trailer=LOCKED), "Remove the password"),
        (b"\n" + pdf_of_pages(1, trailer=LOCKED), "Remove the password"),
        (pdf_of_pages(3)[:-200], "Its end is missing"),
        (pdf_of_pages(3, trailer=LOCKED)[:200], "Its end is missing"),
        (pdf_of_pages(3), "Print it to a new PDF"),
        (tiff((100, 100)), "save it anew as TIFF or PDF"),
        (picture("PNG"), "save it anew as JPEG or PNG"),
        (picture("BMP")[:-9], "save it anew as JPEG or PNG"),
        (picture("JPEG", 300, 300)[:-9], "Its end is missing"),
        (picture("PNG")[:-12], "Its end is missing"),
        (picture("JPEG") + bytes(500), "save it anew as JPEG or PNG"),
    ],
)
def test_advice_fits_what_was_refused(data: bytes, advice: str) -> None:
    said = inspection.advice(data, REFUSED)
    assert advice in said
    assert "4 MB" not in said
