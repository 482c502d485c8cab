"""From a request to a document that has passed the checks of Read that its first bytes allow."""

from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from typing import Literal

from local.vision import refusals
from local.vision.body import BodyReader, BodyTooLargeError
from local.vision.fetch import fetch_image
from local.vision.formats import tiff
from local.vision.header import ImageHeader, read_header
from local.vision.intake import BYTES, JSON, media_type, url_in

# The service takes images below 500 MB and PDFs of any size; a laptop holds each in memory for as long as it is read.
MAX_DOCUMENT_BYTES = 100 * 1024 * 1024
MIN_SIDE_PIXELS = 50
MAX_SIDE_PIXELS = 10_000
PDF_MAGIC = b"%PDF-"
PDF_MAGIC_WITHIN = 1024  # readers of PDF look for the beginning of its first line so far into the file
FORMATS = "JPEG, PNG, BMP, PDF or TIFF"

Kind = Literal["image", "tiff", "pdf"]


@dataclass(frozen=True)
class SniffedDocument:
    """A document that may be read, as far as its first bytes tell; *header* is that of an image."""

    data: bytes
    kind: Kind
    sha256: str
    header: ImageHeader | None = None


def check_media_type(headers: Message) -> str:
    """Return the media type of the body. Raises Refusal (415): Read takes no multipart/form-data."""
    return media_type(headers, allowed=(JSON, BYTES))


def take_document(headers: Message, body: BodyReader) -> SniffedDocument:
    """
    Read the document out of the body, or fetch it from the URL that the body names, and check it.

    Raises Refusal: BadArgument, InvalidImageUrl, InvalidImageSize, UnsupportedImageFormat, InvalidImageFormat,
    InvalidImageDimension.
    """
    kind = check_media_type(headers)
    try:
        content = body.read(MAX_DOCUMENT_BYTES)
    except BodyTooLargeError:
        raise _bad_size() from None
    if kind == JSON:
        content = fetch_image(url_in(content), max_bytes=MAX_DOCUMENT_BYTES)
        if len(content) > MAX_DOCUMENT_BYTES:
            raise _bad_size()
    return sniffed(content)


def check_sides(width: int, height: int, *, page: int | None = None) -> None:
    """
    Raise Refusal (InvalidImageDimension) unless both sides, in pixels, are within the service's limits.

    It names the *page*, where there are several.
    """
    if min(width, height) < MIN_SIDE_PIXELS or max(width, height) > MAX_SIDE_PIXELS:
        which = "this one" if page is None else f"page {page}"
        advice = "" if page is None else " Ask for the other pages with the parameter pages."
        raise refusals.by_service(
            400,
            refusals.INVALID_REQUEST,
            f"The image dimensions must be between {MIN_SIDE_PIXELS}x{MIN_SIDE_PIXELS} and "
            f"{MAX_SIDE_PIXELS}x{MAX_SIDE_PIXELS} pixels; {which} is {width}x{height}.{advice}",
            inner="InvalidImageDimension",
        )


def sniffed(content: bytes) -> SniffedDocument:
    """Check the first bytes of a document. Raises Refusal, with the codes of `take_document` that concern bytes."""
    if not content:
        raise refusals.bad_image_size("The document is empty.")
    digest = sha256(content).hexdigest()
    if content.startswith(tiff.MAGICS):
        return SniffedDocument(content, "tiff", digest)
    try:
        header = read_header(content)
    except refusals.Refusal:
        # Last, as an image may carry these letters in a comment.
        if PDF_MAGIC in content[: PDF_MAGIC_WITHIN - 1 + len(PDF_MAGIC)]:
            return SniffedDocument(content, "pdf", digest)
        raise
    if header.format == "Gif":
        raise refusals.by_service(
            400, refusals.INVALID_REQUEST, f"GIF is not supported: use {FORMATS}.", inner="UnsupportedImageFormat"
        )
    check_sides(header.width, header.height)
    return SniffedDocument(content, "image", digest, header)


def _bad_size() -> refusals.Refusal:
    return refusals.bad_image_size(f"The document must be at most {MAX_DOCUMENT_BYTES} bytes (100 MB).")
