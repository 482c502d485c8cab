"""
What bytes are, and whether Computer Vision takes them.

Judged by the bytes, never by a name or a declared type, and before a call is paid. The header alone is read: nothing is
decoded here, so a decompression bomb costs nothing.
"""

import hashlib
import io
from functools import cached_property
from typing import NamedTuple

from shared.errors import BlobsightError, ImageRejectedError, PayloadTooLargeError

# v3.2 image operations: "less than 4 megabytes", "greater than 50 x 50", "less than 16,000 x 16,000"
# (learn.microsoft.com, Image Analysis overview, 2025-09-16); an image of exactly 50 pixels is taken.
MAX_IMAGE_BYTES = 4 * 1024 * 1024
MIN_SIDE_PIXELS = 50
MAX_SIDE_PIXELS = 16_000

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"GIF87a", "GIF", "image/gif"),
    (b"GIF89a", "GIF", "image/gif"),
    (b"BM", "BMP", "image/bmp"),
    (b"II*\x00", "TIFF", "image/tiff"),
    (b"MM\x00*", "TIFF", "image/tiff"),
    (b"%PDF-", "PDF", "application/pdf"),
)
_ANALYZED = ("JPEG", "PNG", "GIF", "BMP")
_READ = ("JPEG", "PNG", "BMP", "PDF", "TIFF")
# What has text to read and nothing to see: v3.2 analyzes neither.
_DOCUMENTS = ("PDF", "TIFF")
# v3.2 Read: "images greater than 50 x 50, less than 10,000 x 10,000 pixels, less than 500 MB"; PDFs have no size limit
# of their own (learn.microsoft.com, Call the Read API).
MAX_READ_BYTES = 500 * 1024 * 1024
MAX_READ_SIDE_PIXELS = 10_000


class ImageBytes:
    """An image as bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def subject(self) -> str:
        """What a question about it is filed under: the SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


class ImageUrl:
    """An image that Computer Vision fetches by itself; the app never does."""

    PREFIX = "url-"

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def subject(self) -> str:
        """What a question about it is filed under: the SHA-256 of the address, marked as such."""
        return self.PREFIX + hashlib.sha256(self.url.encode()).hexdigest()


class ImageBlob(NamedTuple):
    """An image that lies in the container `images`, by its name."""

    name: str


class Picture(NamedTuple):
    """What the header says: the kind (`JPEG`, `PNG`, ...), its content type and its sides in pixels."""

    kind: str
    content_type: str
    width: int
    height: int


# As many first bytes show the kind.
KIND_BYTES = 16


def kind_of(data: bytes) -> tuple[str, str] | None:
    """The kind and content type that the first bytes show, or None if they show nothing known."""
    for signature, kind, content_type in _SIGNATURES:
        if data.startswith(signature):
            return kind, content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", "image/webp"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF", "image/avif"
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "HEIC", "image/heic"
    return None


def is_document(data: bytes) -> bool:
    """Whether it is a PDF or a TIFF, of which nothing but the text is asked."""
    found = kind_of(data)
    return found is not None and found[0] in _DOCUMENTS


def is_readable(data: bytes) -> bool:
    """Whether v3.2 Read takes the format."""
    found = kind_of(data)
    return found is not None and found[0] in _READ


def inspect(data: bytes) -> Picture:
    """
    Read the header and check it against the limits of the v3.2 image operations.

    Raises:
        PayloadTooLargeError: `image_too_large`.
        ImageRejectedError: `image_empty`, `not_an_image`, `format_not_supported`, `image_unreadable`,
            `image_too_small` or `image_too_many_pixels`.
    """
    kind, content_type = _known(data)
    if kind not in _ANALYZED:
        raise ImageRejectedError(
            f"The file is a {kind}; Computer Vision analyzes JPEG, PNG, GIF and BMP.",
            code="format_not_supported",
            action="Convert it to JPEG or PNG and upload that.",
        )
    width, height = _sides(data, kind)
    problem = _outside_limits(len(data), width, height, MAX_SIDE_PIXELS, MAX_IMAGE_BYTES)
    if problem:
        raise problem
    return Picture(kind, content_type, width, height)


def inspect_for_text(data: bytes) -> str:
    """
    Read the header and check it against the limits of v3.2 Read.

    Returns:
        The content type.

    Raises:
        PayloadTooLargeError, ImageRejectedError: with the codes of `inspect`.
    """
    kind, content_type = _known(data)
    if kind not in _READ:
        raise ImageRejectedError(
            f"The file is a {kind}; Computer Vision reads text from JPEG, PNG, BMP, PDF and TIFF.",
            code="format_not_supported",
            action="Convert it to JPEG, PNG or PDF and send that.",
        )
    if kind != "PDF":
        problem = _outside_limits(len(data), *_sides(data, kind), MAX_READ_SIDE_PIXELS, MAX_READ_BYTES)
        if problem:
            raise problem
    return content_type


def _known(data: bytes) -> tuple[str, str]:
    if not data:
        raise ImageRejectedError("The file is empty (0 bytes).", code="image_empty", action="Upload the file again.")
    found = kind_of(data)
    if found is None:
        raise ImageRejectedError(
            "The bytes are no image: they begin like none of the known formats, whatever the file is called.",
            code="not_an_image",
        )
    return found


def _outside_limits(size: int, width: int, height: int, most_pixels: int, most_bytes: int) -> BlobsightError | None:
    if min(width, height) < MIN_SIDE_PIXELS:
        return ImageRejectedError(
            f"The image has {width}x{height} pixels; at least {MIN_SIDE_PIXELS}x{MIN_SIDE_PIXELS} are needed.",
            code="image_too_small",
            action="Upload a larger image.",
        )
    if max(width, height) > most_pixels:
        return ImageRejectedError(
            f"The image has {width}x{height} pixels; at most {most_pixels}x{most_pixels} are possible.",
            code="image_too_many_pixels",
            action="Scale the image down.",
        )
    if size >= most_bytes:
        return PayloadTooLargeError(
            f"The image has {size} bytes; it must have fewer than {most_bytes} ({most_bytes // 1024**2} MB)."
        )
    return None


def _sides(data: bytes, kind: str) -> tuple[int, int]:
    # Pillow is imported here because only a request with bytes needs it.
    from PIL import Image

    # The limit guards decoding, and nothing here decodes; without this, Pillow refuses a large header without telling
    # the numbers that the error message needs.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            return image.size
    except Exception as error:  # Pillow's parsers raise whatever damaged bytes lead them to
        raise ImageRejectedError(
            f"The file begins like a {kind} but its header cannot be read.", code="image_unreadable"
        ) from error
