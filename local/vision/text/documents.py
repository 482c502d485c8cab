"""Open a document and look at its pages, one at a time: images, multi-page TIFFs, PDFs."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL.TiffImagePlugin import TiffImageFile

from local.vision import refusals
from local.vision.evidence.pixels import MAX_DECODED_PIXELS, decode
from local.vision.header import ImageHeader
from local.vision.reading.intake import SniffedDocument, check_sides

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

# PDFium is not safe for threads, not even with a document each.
PDFIUM = threading.Lock()


def count_pages(document: SniffedDocument) -> int:
    """
    Return the number of pages, after a look at all that can be checked before reading.

    Raises Refusal: InvalidImageFormat, InvalidImageDimension, InvalidImageSize.
    """
    if document.header is not None:
        decode(document.data, document.header, at_least=enough(document.header))
        return 1
    if document.kind == "pdf":
        with PDFIUM, opened_pdf(document.data) as pdf:
            return len(pdf)
    return _count_frames(document.data)


def enough(header: ImageHeader) -> tuple[int, int]:
    """Return the width and height, upright or not, below which an image is not shrunk while it is decoded."""
    scale = min(1.0, READ_SIDE / max(header.width, header.height))
    side = max(1, int(min(header.width, header.height) * scale))
    return side, side


# Small print is still legible at this size, and a page takes no more than 20 MB.
READ_SIDE = 2500


def _count_frames(data: bytes) -> int:
    try:
        with TiffImageFile(io.BytesIO(data)) as tiff:
            count = int(tiff.n_frames)
            width, height = tiff.size
            check_frame(width, height)
            tiff.load()
    except refusals.Refusal:
        raise
    except Exception:
        # Pillow's decoders raise nearly anything on data that is damaged or crafted.
        raise refusals.bad_image_format() from None
    return count


def check_frame(width: int, height: int) -> None:
    """Raise Refusal unless a page of so many pixels may be decoded."""
    check_sides(width, height)
    if width * height > MAX_DECODED_PIXELS:
        raise refusals.bad_image_size(
            f"A page has {width * height} pixels; the local vision service decodes at most {MAX_DECODED_PIXELS}."
        )


@contextmanager
def opened_pdf(data: bytes) -> Iterator["PdfDocument"]:
    """Open a PDF; hold PDFIUM meanwhile. Raises Refusal (InvalidImageFormat), also for a PDF with a password."""
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        pdf = PdfDocument(data)
    except PdfiumError:
        raise refusals.bad_image_format("The PDF is damaged or needs a password.") from None
    try:
        yield pdf
    finally:
        pdf.close()
