"""Open a document and look at its pages, one at a time: images, multi-page TIFFs, PDFs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL.TiffImagePlugin import TiffImageFile

from local.vision import refusals
from local.vision.evidence.pixels import MAX_DECODED_PIXELS, Picture, decode, opaque_rgb
from local.vision.formats import tiff
from local.vision.formats.look import UnreadableError
from local.vision.reading.intake import SniffedDocument, check_sides
from local.vision.reading.pages import MAX_PAGES, PageRanges

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

# Small print is still legible at this size, and a page takes no more than 20 MB.
READ_SIDE = 2500
# PDFium is not safe for threads, not even with a document each.
PDFIUM = threading.Lock()


def pages_to_read(document: SniffedDocument, asked: PageRanges) -> tuple[int, ...]:
    """
    Return the numbers of the pages that are *asked* for, after a look at all that can be checked before reading.

    Raises PageRangesError; Refusal: InvalidImageFormat, InvalidImageDimension, InvalidImageSize.
    """
    if document.header is not None:
        decode(document.data, document.header, at_least=enough(*document.header.sides))
        return asked.of(1)
    if document.kind == "pdf":
        with opened_pdf(document.data) as pdf, PDFIUM:
            return asked.of(len(pdf))
    pages = _tiff_pages(document.data, most=MAX_PAGES)
    numbers = asked.of(len(pages))
    for number in numbers:
        _check_page(pages[number - 1], number)
    tiff_page(document.data, numbers[0])
    return numbers


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


@contextmanager
def opened_pdf(data: bytes) -> Iterator["PdfDocument"]:
    """Open a PDF; hold PDFIUM for whatever is done with it. Raises Refusal (InvalidImageFormat), also if locked."""
    from pypdfium2 import PdfDocument, PdfiumError
    from pypdfium2.raw import FPDF_ERR_PASSWORD  # type: ignore[import-untyped]

    try:
        with PDFIUM:
            pdf = PdfDocument(data)
    except PdfiumError as error:
        is_locked = error.err_code == FPDF_ERR_PASSWORD
        why = "needs a password: remove it and send the PDF again" if is_locked else "is damaged or cut short"
        raise refusals.bad_image_format(f"The PDF {why}.") from None
    try:
        yield pdf
    finally:
        with PDFIUM:
            pdf.close()
