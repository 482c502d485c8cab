"""Open a document and look at its pages, one at a time: images, multi-page TIFFs, PDFs."""

import sys
import threading

from PIL.TiffImagePlugin import TiffImageFile

from local.vision import refusals
from local.vision.decoding.pixels import MAX_DECODED_PIXELS, Picture, decode, opaque_rgb
from local.vision.formats import tiff
from local.vision.formats.look import UnreadableError
from local.vision.reading.documents import SniffedDocument, check_sides
from local.vision.reading.pages import MAX_PAGES, PageRanges
from local.vision.text.pdf_processes import COUNTING, PDFIUM, GoOn, PdfError

# Small print is still legible at this size, and a page takes no more than 20 MB.
READ_SIDE = 2500
# PDFs whose pages are counted at once: while one takes all the time that it may, others need not wait.
_counting = threading.BoundedSemaphore(2)


def pages_to_read(document: SniffedDocument, asked: PageRanges, go_on: GoOn) -> tuple[int, ...]:
    """
    Return the numbers of the pages that are *asked* for, after a look at all that can be checked before reading.

    *go_on* is called while a PDF is looked at; what it raises ends the look. Raises PageRangesError; Refusal:
    InvalidImageFormat, InvalidImageDimension, InvalidImageSize, and 503 while other PDFs keep this one waiting.
    """
    if document.header is not None:
        decode(document.data, document.header, at_least=enough(*document.header.sides))
        return asked.of(1)
    if document.kind == "pdf":
        return asked.of(_count_pages(document.data, go_on))
    pages = _tiff_pages(document.data, most=MAX_PAGES)
    numbers = asked.of(len(pages))
    for number in numbers:
        _check_page(pages[number - 1], number)
    tiff_page(document.data, numbers[0])
    return numbers


def _count_pages(data: bytes, go_on: GoOn) -> int:
    if not _counting.acquire(timeout=COUNTING.answer_seconds):
        raise refusals.unavailable()
    try:
        with PDFIUM.opened(data, COUNTING, go_on) as pdf:
            return pdf.page_count
    except PdfError as error:
        sys.stderr.write(f"vision: the pages of a PDF cannot be counted: {error}\n")
        raise refusals.bad_image_format("The PDF takes too much time or memory to be opened: save it anew.") from None
    finally:
        _counting.release()


def tiff_page(data: bytes, number: int) -> Picture:
    """
    Decode page *number* (from 1) of a TIFF, whatever the others are like.

    Raises Refusal: InvalidImageFormat, InvalidImageDimension, InvalidImageSize.
    """
    page = _tiff_pages(data, most=number)[number - 1]
    _check_page(page, number)
    try:
        with TiffImageFile(tiff.beginning_with(data, page)) as image:
            _check_pixels(*image.size, number)
            image.load()
            return Picture(opaque_rgb(image, enough(*image.size)), *image.size)
    except refusals.Refusal:
        raise
    except Exception:
        # Pillow's decoders raise nearly anything on data that is damaged or crafted.
        raise refusals.unreadable_image(f"Page {number} of the TIFF cannot be decoded.") from None


def enough(width: int, height: int) -> tuple[int, int]:
    """Return the width and height, upright or not, below which an image is not shrunk while it is decoded."""
    side = max(1, int(min(width, height) * min(1.0, READ_SIDE / max(width, height))))
    return side, side


def _tiff_pages(data: bytes, *, most: int) -> list[tiff.Page]:
    try:
        return tiff.find_pages(data, most=most)
    except UnreadableError as error:
        raise refusals.unreadable_image(str(error)) from None


def _check_page(page: tiff.Page, number: int) -> None:
    if page.sides is None:
        raise refusals.unreadable_image(f"Page {number} of the TIFF does not tell its width and height.")
    check_sides(*page.sides, page=number)
    _check_pixels(*page.sides, number)


def _check_pixels(width: int, height: int, number: int) -> None:
    if width * height > MAX_DECODED_PIXELS:
        raise refusals.bad_image_size(
            f"Page {number} has {width * height} pixels; the local vision service decodes at most {MAX_DECODED_PIXELS}."
        )
