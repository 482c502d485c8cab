"""Which pages of a document are read: each that was asked for is looked at before anything is paid."""

import io

import pytest
from doubles.documents import LOCKED, text_pdf
from doubles.tiffs import LONG8, SHORT, Page, tiff
from doubles.vision_calls import Caller
from PIL import Image

from local.vision.formats.look import MAX_SEEN_BYTES, MAX_STEPS
from local.vision.formats.tiff import find_pages
from local.vision.reading.documents import SniffedDocument, sniffed
from local.vision.reading.pages import ALL_PAGES, MAX_PAGES, PageRanges, PageRangesError
from local.vision.refusals import Refusal
from local.vision.text.documents import pages_to_read

PAGE, SMALL = Page(120, 90), Page(30, 30)


def scanned() -> bytes:
    """Return a page and its preview, as Pillow writes them."""
    file = io.BytesIO()
    page, preview = Image.new("RGB", (120, 90), "white"), Image.new("RGB", (30, 30), "white")
    page.save(file, "TIFF", save_all=True, append_images=[preview], compression="tiff_lzw")
    return file.getvalue()


WITH_A_SMALL_PAGE = {
    "as Pillow writes it": scanned(),
    "big endian": tiff(PAGE, SMALL, order=">", kind=SHORT),
    "BigTIFF": tiff(PAGE, SMALL, big=True, kind=LONG8),
    "BigTIFF, big endian": tiff(PAGE, SMALL, PAGE, big=True, order=">", kind=SHORT),
    "entries not in order": tiff(PAGE, SMALL, ascending=False),
    "a chain in a circle": tiff(PAGE, SMALL, last=16),
}


def taken(data: bytes, pages: str = "") -> tuple[int, ...]:
    """Return the pages that are read of a document."""
    return pages_to_read(sniffed(data), PageRanges.parse(pages), lambda: None)


@pytest.mark.parametrize("name", WITH_A_SMALL_PAGE)
def test_a_small_page_is_named_before_anything_is_paid_and_the_others_can_be_asked_for(
    caller: Caller, name: str
) -> None:
    data = WITH_A_SMALL_PAGE[name]
    answer = caller.post("read/analyze", data)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "InvalidImageDimension",
        "message": "The image dimensions must be between 50x50 and 10000x10000 pixels; page 2 is 30x30. "
        "Ask for the other pages with the parameter pages.",
    }
    assert caller.post("read/analyze", data, query="pages=1").status_code == 202
    assert caller.control("GET", "stats").json()["operations"]["read"]["paid"] == 1


@pytest.mark.parametrize(
    ("page", "code", "reason"),
    [
        (Page(10_001, 60), "InvalidImageDimension", "page 1 is 10001x60"),
        (Page(60, 49), "InvalidImageDimension", "page 1 is 60x49"),
        (Page(9000, 9000), "InvalidImageSize", "Page 1 has 81000000 pixels"),
        (Page(120, 90, compression=60_000), "InvalidImageFormat", "Page 1 of the TIFF cannot be decoded"),
    ],
)
def test_a_first_page_that_cannot_be_read_does_not_take_the_second_with_it(page: Page, code: str, reason: str) -> None:
    data = tiff(page, PAGE)
    with pytest.raises(Refusal, match=reason) as caught:
        taken(data)
    assert code in caught.value.reply.body.decode()
    assert taken(data, "2") == (2,)


def test_a_page_that_does_not_tell_its_sides_is_named() -> None:
    data = tiff(PAGE, PAGE).replace(b"\0\x01\x04\0\x01\0\0\0\x78\0\0\0", b"\0\x01\x02\0\x01\0\0\0\x78\0\0\0")
    with pytest.raises(Refusal, match="Page 1 of the TIFF does not tell its width and height"):
        taken(data)


@pytest.mark.parametrize("data", [b"II*\0\0\0\0\0", b"MM\0+\0\x08\0\0", b"II*\0\xff\xff\xff\xff", tiff(PAGE)[:60]])
def test_a_tiff_without_a_whole_page_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal, match="InvalidImageFormat"):
        taken(data)


@pytest.mark.parametrize("last", [0, 16, 2**31])
def test_a_chain_of_pages_ends_where_it_leads_nowhere_or_back(last: int) -> None:
    assert taken(tiff(PAGE, PAGE, PAGE, last=last)) == (1, 2, 3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_bigtiff_is_read_in_either_byte_order(order: str) -> None:
    data = tiff(PAGE, PAGE, big=True, order=order)
    assert sniffed(data) == SniffedDocument(data, "tiff", sniffed(data).sha256)
    assert taken(data) == (1, 2)


@pytest.mark.parametrize("big", [False, True])
def test_of_a_tiff_the_first_2000_pages_are_looked_at_within_the_bounds_of_a_look(big: bool) -> None:
    data = tiff(*[Page(50, 50)] * (MAX_PAGES + 5), big=big)
    assert len(find_pages(data, most=MAX_PAGES)) == MAX_PAGES
    assert len(find_pages(data, most=10**6)) * 2 <= MAX_STEPS
    assert len(find_pages(data, most=10**6)) * 54 <= MAX_SEEN_BYTES
    assert taken(data)[-1] == MAX_PAGES
    with pytest.raises(PageRangesError):
        taken(data, f"{MAX_PAGES + 1}-")


@pytest.mark.parametrize(
    "before", [b"\r\n", b"\xef\xbb\xbf", b"%!PS-Adobe-3.0 PDF\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\0" * 1023]
)
def test_a_pdf_may_begin_within_the_first_1024_bytes(caller: Caller, before: bytes) -> None:
    data = before + text_pdf("Invoice 4711")
    assert caller.post("read/analyze", data).status_code == 202
    assert pages_to_read(sniffed(data), ALL_PAGES, lambda: None) == (1,)


def test_a_pdf_that_begins_later_is_none() -> None:
    with pytest.raises(Refusal, match="InvalidImageFormat"):
        sniffed(bytes(1024) + text_pdf("Invoice 4711"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (text_pdf("secret", trailer=LOCKED), "The PDF needs a password: remove it and send the PDF again."),
        (b"%PDF-1.7 and nothing else", "The PDF is damaged or cut short."),
    ],
)
def test_a_pdf_that_cannot_be_opened_is_refused_unpaid_with_the_reason(
    caller: Caller, data: bytes, message: str
) -> None:
    assert caller.post("read/analyze", data).json()["error"] == {"code": "InvalidImageFormat", "message": message}
    assert caller.control("GET", "stats").json()["operations"]["read"]["paid"] == 0
