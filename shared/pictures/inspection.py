"""
What bytes are, and whether Computer Vision can be asked about them, as they are or about a copy.

Judged by the bytes, never by a name or a declared type, and before a call is paid: by a bounded look at the header. The
kind and the sides decide here; all else is for the service to judge, or for the `converter` where it makes a copy.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from shared.contract import MAX_READ_BYTES, MAX_READ_SIDE_PIXELS, MIN_SIDE_PIXELS
from shared.errors import ImageRejectedError, PayloadTooLargeError
from shared.pictures import endings, kinds, page_ranges, pdf, tiff
from shared.pictures.kinds import Kind
from shared.pictures.sides import stored
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError, Window

# Computer Vision is shown a copy of what it does not take as it is.
_CONVERTED = (kinds.HEIC, kinds.AVIF, kinds.WEBP, kinds.TIFF, kinds.MPO, kinds.ICO, kinds.JPEG_2000)
_ANALYZED = (kinds.JPEG, kinds.PNG, kinds.GIF, kinds.BMP, *_CONVERTED)
_READ = (kinds.JPEG, kinds.PNG, kinds.BMP, kinds.PDF, *_CONVERTED)
_DOCUMENTS = (kinds.PDF, kinds.TIFF)


class ImageHeader(NamedTuple):
    """
    What the header says.

    Attributes:
        kind: such as `JPEG` or `HEIC`.
        content_type: its media type.
        width, height: in pixels of the upright picture.
        orientation: how the stored pixels have to be turned to be upright, as Exif counts it; 1 is not at all.
    """

    kind: str
    content_type: str
    width: int
    height: int
    orientation: int = 1


# As many first bytes show the kind.
KIND_BYTES = kinds.BEGINNING_BYTES
_SHOWN_BYTES = 8
# The orientations from here on change width for height.
_TURNED_BY_A_QUARTER = 5


def kind_of(data: bytes) -> Kind | None:
    """The kind of picture or document that the bytes show; None if they are none that is known here."""
    kind = kinds.kind_of(Window(data))
    return kind if kind and kind.is_picture else None


def is_document(data: bytes) -> bool:
    """
    Whether nothing but its text is asked for: a PDF, or a TIFF of more than one page.

    The first `KIND_BYTES` tell of a PDF. Of a TIFF they tell only if its directory is among them; if they do not show
    that a second page follows, it counts as a photo here, until all of its bytes are at hand.
    """
    kind = kind_of(data)
    return kind is kinds.PDF or (kind is kinds.TIFF and tiff.has_more_pages(Window(data)))


def is_readable(data: bytes) -> bool:
    """Whether v3.2 Read takes the format, or a copy of it; its first `KIND_BYTES` tell."""
    return kind_of(data) in _READ


def inspect(data: bytes) -> ImageHeader:
    """
    Look at the header of a picture that the image operations are asked about, as it is or as a copy.

    Raises:
        ImageRejectedError: `image_empty`, `not_an_image`, `format_not_supported`, `image_unreadable` or
            `image_too_small`.
    """
    kind = _analyzed(data)
    if is_document(data):
        raise ImageRejectedError(
            f"The {kind.name} has more than one page; of such a document only the text is read.",
            code="format_not_supported",
            action=kind.advice,
        )
    return _header(data, kind)


def inspect_to_show(data: bytes) -> ImageHeader:
    """
    Look at the header of a picture that the app shows itself: however small, and of a TIFF the first page.

    Raises:
        ImageRejectedError: `image_empty`, `not_an_image`, `format_not_supported` or `image_unreadable`.
    """
    return _header(data, _analyzed(data), least=1)


def refuse(beginning: bytes) -> None:
    """Raise as `inspect` does what the first `KIND_BYTES` of a picture tell already."""
    _analyzed(beginning)


def inspect_for_text(data: bytes, *, pages: str = "") -> str:
    """
    Look at the header, and check it against the limits of v3.2 Read: of a TIFF of several pages, at that of each.

    Args:
        data: the document.
        pages: which pages are asked for, as `questions.read` takes them; empty are all.

    Returns:
        The content type.

    Raises:
        PayloadTooLargeError: `image_too_large`.
        ImageRejectedError: with the codes of `inspect`, or `image_too_many_pixels` of a page of a TIFF.
    """
    kind = _taken(data, _READ, "the app reads text from JPEG, PNG, BMP, HEIC, AVIF, WebP, TIFF, ICO, JPEG 2000 and PDF")
    if kind is kinds.PDF:
        return kind.content_type
    if len(data) >= MAX_READ_BYTES:
        raise PayloadTooLargeError(
            f"The {kind.name} has {len(data)} bytes; it must have fewer than {MAX_READ_BYTES} "
            f"({MAX_READ_BYTES // 1024**2} MB).",
            action="Split it into smaller documents." if kind is kinds.TIFF else None,
        )
    if not is_document(data):
        _header(data, kind)
        return kind.content_type
    try:
        _check_pages(*_pages(Window(data)), pages)
    except HeaderError as error:
        raise _unreadable(kind, error) from error
    return kind.content_type


def count_pages(data: bytes) -> int | None:
    """How many pages a document has; None where a bounded look does not tell."""
    window = Window(data)
    kind = kinds.kind_of(window)
    if kind is kinds.PDF:
        return pdf.page_count(window)
    if kind is not kinds.TIFF:
        return 1
    with suppress(HeaderError):
        found, is_whole = _pages(window)
        return len(found) if is_whole else None
    return None


def advice(data: bytes, error: ImageRejectedError) -> str:
    """What to do with bytes that Computer Vision itself refused, which depends on what they are."""
    window = Window(data)
    kind = kinds.kind_of(window)
    if kind and endings.is_cut_short(window, kind):
        return "Its end is missing: use the whole file."
    if error.code == "image_size_refused":
        return f"Scale it to sides of {MIN_SIDE_PIXELS} to {MAX_READ_SIDE_PIXELS} pixels."
    if kind is not kinds.PDF:
        saved_as = "TIFF or PDF" if kind is kinds.TIFF else "JPEG or PNG"
        return f"Open it in an image viewer, and save it anew as {saved_as}."
    if pdf.is_locked(window):
        return "Remove the password of the PDF."
    return "Print it to a new PDF without a password."


def _header(data: bytes, kind: Kind, least: int = MIN_SIDE_PIXELS) -> ImageHeader:
    try:
        width, height, orientation = stored(Window(data), kind)
    except HeaderError as error:
        raise _unreadable(kind, error) from error
    if orientation >= _TURNED_BY_A_QUARTER:
        width, height = height, width
    if min(width, height) < least and (problem := _too_small("The image", (width, height))):
        raise problem
    return ImageHeader(kind.name, kind.content_type, width, height, orientation)


def _analyzed(beginning: bytes) -> Kind:
    """The kind, if pictures of it are analyzed."""
    return _taken(
        beginning, _ANALYZED, "the app analyzes JPEG, PNG, GIF, BMP, HEIC, AVIF, WebP, TIFF, ICO and JPEG 2000"
    )


def _taken(data: bytes, allowed: tuple[Kind, ...], does: str) -> Kind:
    """The kind, if it is one of those that are taken."""
    if not data:
        raise ImageRejectedError("The file is empty (0 bytes).", code="image_empty", action="Use a file with content.")
    kind = kinds.kind_of(Window(data))
    if kind is None:
        raise ImageRejectedError(
            f"The bytes are no image: they begin with {_shown(data)}, like none of the known formats, whatever the file"
            " is called.",
            code="not_an_image",
        )
    if not kind.is_picture:
        raise ImageRejectedError(
            f"The file is {kind.described}, whatever it is called, and no image.",
            code="not_an_image",
            action=kind.advice,
        )
    if kind not in allowed:
        raise ImageRejectedError(
            f"The file is {kind.described}; {does}.", code="format_not_supported", action=kind.advice
        )
    return kind


def _shown(data: bytes) -> str:
    """The first bytes, as text where they are text."""
    beginning = data[:_SHOWN_BYTES]
    if beginning.isascii() and beginning.decode().isprintable():
        return json.dumps(beginning.decode())
    return f"the bytes {beginning.hex(' ')}"


def _unreadable(kind: Kind, error: HeaderError) -> ImageRejectedError:
    return ImageRejectedError(
        f"The file begins like {kind.described}, but {error}.",
        code="image_unreadable",
        action="Use the whole file; if it is whole, save it anew with another program.",
    )


def _too_small(what: str, found: Sides) -> ImageRejectedError | None:
    width, height = found
    if min(width, height) >= MIN_SIDE_PIXELS:
        return None
    return ImageRejectedError(
        f"{what} has {width}x{height} pixels; at least {MIN_SIDE_PIXELS}x{MIN_SIDE_PIXELS} are needed.",
        code="image_too_small",
        action="Use a larger version of it, or scale it up.",
    )


def _outside_limits(what: str, found: Sides) -> ImageRejectedError | None:
    """What keeps the page of a document from being read: no copy is made of it."""
    width, height = found
    if max(width, height) <= MAX_READ_SIDE_PIXELS:
        return _too_small(what, found)
    return ImageRejectedError(
        f"{what} has {width}x{height} pixels; at most {MAX_READ_SIDE_PIXELS}x{MAX_READ_SIDE_PIXELS} are possible.",
        code="image_too_many_pixels",
    )


def _pages(window: Window) -> tuple[list[Sides], bool]:
    """The sides of the pages that a bounded look reaches, and whether these are all."""
    found: list[Sides] = []
    try:
        for page in tiff.pages(window):
            found.append(page)
    except HeaderError:
        if not found:
            raise
        return found, False
    if not found:
        raise HeaderError("it has no pages")
    return found, True


def _check_pages(found: Sequence[Sides], is_whole: bool, asked: str) -> None:
    """Refuse the first page outside the limits, of those that are asked for: a Read with one fails for all."""
    problems: dict[int, ImageRejectedError] = {}
    for number, page in enumerate(found, 1):
        if problem := _outside_limits(f"Page {number} of the TIFF", page):
            problems[number] = problem
    refusal = next((problem for number, problem in problems.items() if page_ranges.has(asked, number)), None)
    if refusal is None:
        return
    good = [number for number in range(1, len(found) + 1) if number not in problems]
    rest = page_ranges.written(good, is_open=not is_whole)
    others = (
        f'Have the others read with POST /api/ocr?pages={rest} and {{"name": "..."}}, or remove' if rest else "Remove"
    )
    refusal.action = f"{others} that page."
    raise refusal
