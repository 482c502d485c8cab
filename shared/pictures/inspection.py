"""
What bytes are, and whether Computer Vision takes them.

Judged by the bytes, never by a name or a declared type, and before a call is paid. The size comes first, then a bounded
look at the header: the kind and the sides decide here, all else is the service's to judge.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from shared.contract import MAX_IMAGE_BYTES, MAX_READ_BYTES, MAX_READ_SIDE_PIXELS, MAX_SIDE_PIXELS, MIN_SIDE_PIXELS
from shared.errors import ImageRejectedError, PayloadTooLargeError
from shared.pictures import endings, kinds, page_ranges, pdf, tiff
from shared.pictures.kinds import Kind
from shared.pictures.sides import sides
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError, Window

_ANALYZED = (kinds.JPEG, kinds.PNG, kinds.GIF, kinds.BMP)
_READ = (kinds.JPEG, kinds.PNG, kinds.BMP, kinds.PDF, kinds.TIFF)
# What has text to read and nothing to see: v3.2 analyzes neither.
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


def kind_of(data: bytes) -> Kind | None:
    """The kind of picture or document that the bytes show; None if they are none that is known here."""
    kind = kinds.kind_of(Window(data))
    return kind if kind and kind.is_picture else None


def is_document(data: bytes) -> bool:
    """Whether it is a PDF or a TIFF, of which nothing but the text is asked; its first `KIND_BYTES` tell."""
    return kind_of(data) in _DOCUMENTS


def is_readable(data: bytes) -> bool:
    """Whether v3.2 Read takes the format; its first `KIND_BYTES` tell."""
    return kind_of(data) in _READ


def inspect(data: bytes) -> ImageHeader:
    """
    Look at the header, and check it against the limits of the v3.2 image operations.

    Raises:
        PayloadTooLargeError: `image_too_large`.
        ImageRejectedError: `image_empty`, `not_an_image`, `format_not_supported`, `image_unreadable`,
            `image_too_small` or `image_too_many_pixels`.
    """
    window = Window(data)
    kind = _analyzed(window, data, len(data))
    try:
        width, height = sides(window, kind)
    except HeaderError as error:
        raise _unreadable(kind, error) from error
    problem = _outside_limits("The image", (width, height), MAX_SIDE_PIXELS)
    if problem:
        raise problem
    return ImageHeader(kind.name, kind.content_type, width, height)


def refuse(beginning: bytes, size: int) -> None:
    """Raise as `inspect` does what the first bytes and the size of an image tell already."""
    _analyzed(Window(beginning), beginning, size)


def inspect_for_text(data: bytes, *, pages: str = "") -> str:
    """
    Look at the header, and check it against the limits of v3.2 Read: of a TIFF, at that of each page.

    Args:
        data: the document.
        pages: which pages are asked for, as `questions.read` takes them; empty are all.

    Returns:
        The content type.

    Raises:
        PayloadTooLargeError, ImageRejectedError: with the codes of `inspect`.
    """
    window = Window(data)
    kind = _taken(window, data, _READ, "reads text from JPEG, PNG, BMP, PDF and TIFF")
    if kind is not kinds.PDF:
        _check_size(kind, len(data), MAX_READ_BYTES)
    try:
        if kind is kinds.TIFF:
            _check_pages(*_pages(window), pages)
        elif kind is not kinds.PDF:
            problem = _outside_limits("The image", sides(window, kind), MAX_READ_SIDE_PIXELS)
            if problem:
                raise problem
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


def _analyzed(window: Window, beginning: bytes, size: int) -> Kind:
    """The kind, if v3.2 analyzes it in this size."""
    kind = _taken(window, beginning, _ANALYZED, "analyzes JPEG, PNG, GIF and BMP")
    _check_size(kind, size, MAX_IMAGE_BYTES)
    return kind


def _taken(window: Window, data: bytes, allowed: tuple[Kind, ...], does: str) -> Kind:
    """The kind, if it is one of those that are taken."""
    if not data:
        raise ImageRejectedError("The file is empty (0 bytes).", code="image_empty", action="Use a file with content.")
    kind = kinds.kind_of(window)
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
            f"The file is {kind.described}; Computer Vision {does}.", code="format_not_supported", action=kind.advice
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


def _check_size(kind: Kind, size: int, most: int) -> None:
    if size >= most:
        raise PayloadTooLargeError(
            f"The {kind.name} has {size} bytes; it must have fewer than {most} ({most // 1024**2} MB).",
            action="Split it into smaller documents." if kind in _DOCUMENTS else None,
        )


def _outside_limits(what: str, found: Sides, most: int) -> ImageRejectedError | None:
    width, height = found
    if min(width, height) < MIN_SIDE_PIXELS:
        return ImageRejectedError(
            f"{what} has {width}x{height} pixels; at least {MIN_SIDE_PIXELS}x{MIN_SIDE_PIXELS} are needed.",
            code="image_too_small",
            action="Use a larger version of it, or scale it up.",
        )
    if max(width, height) > most:
        return ImageRejectedError(
            f"{what} has {width}x{height} pixels; at most {most}x{most} are possible.",
            code="image_too_many_pixels",
            action=f"Scale it down to at most {most}x{most} pixels.",
        )
    return None


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
    is_single = is_whole and len(found) == 1
    problems: dict[int, ImageRejectedError] = {}
    for number, page in enumerate(found, 1):
        what = "The image" if is_single else f"Page {number} of the TIFF"
        if problem := _outside_limits(what, page, MAX_READ_SIDE_PIXELS):
            problems[number] = problem
    refusal = next((problem for number, problem in problems.items() if page_ranges.has(asked, number)), None)
    if refusal is None:
        return
    if not is_single:
        good = [number for number in range(1, len(found) + 1) if number not in problems]
        rest = page_ranges.written(good, is_open=not is_whole)
        others = (
            f'Have the others read with POST /api/ocr?pages={rest} and {{"name": "..."}}, or remove'
            if rest
            else "Remove"
        )
        refusal.action = f"{others} that page."
    raise refusal
