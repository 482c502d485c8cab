"""
Multipart forms that bring an image: as browsers, `curl -F` and the form data of Azure Logic Apps make them.

One file and nothing else. What a form says beside it has no meaning here, and would be lost without a word.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from shared.errors import BadRequestError
from shared.pictures.inspection import kind_of
from shared.pictures.kinds import PDF
from shared.untrusted.characters import shown

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

MAX_HEADER_BYTES = 8 * 1024
_MAX_BOUNDARY_CHARACTERS = 200
# Handed to the parser at once: it keeps a copy of the bytes that it has not understood yet.
_PIECE_BYTES = 8 * 1024

_FORM = re.compile(
    rb"\s{0,16}--([^\r\n]{1,200}?)[ \t]{0,16}\r?\n([^\r\n]{1,400}\r?\n){0,4}?content-disposition:", re.IGNORECASE
)
_ACTION = "Send one file and nothing else in the form, or the image's bytes alone: curl --data-binary @photo.jpg."


def is_form(body: bytes, content_type: str) -> bool:
    """
    Whether a body is a multipart form: by its first bytes, or by its Content-Type if it does not begin like an image.

    Asked before anything else: an image lies in the form, and a PDF may begin behind other bytes.
    """
    if _FORM.match(body):
        return True
    return content_type.lstrip().lower().startswith("multipart/") and not _is_image_from_the_start(body)


def file_of(body: bytes, content_type: str) -> bytes:
    """
    The bytes of the one file in a form.

    Args:
        body: the form.
        content_type: the whole header. The first line of the body tells the boundary where the header does not.

    Raises:
        BadRequestError: `body_not_an_image`, with the field or the part that is not understood.
    """
    # Imported here, as below: few requests need it.
    from werkzeug.sansio.multipart import Data, Field, File

    pieces: list[bytes] | None = None
    for event in _events(body, _boundary(body, content_type)):
        if isinstance(event, Data) and pieces is not None:
            pieces.append(event.data)
        elif isinstance(event, File | Field):
            _check_head(event.name or "", event.headers, is_file=isinstance(event, File), is_first=pieces is None)
            pieces = []
    if pieces is None:
        _refuse("has no file")
    file = b"".join(pieces)
    if _FORM.match(file):
        _refuse("has another form as its file")
    return file


def _is_image_from_the_start(body: bytes) -> bool:
    kind = kind_of(body)
    return kind is not None and (kind is not PDF or body.startswith(b"%PDF-"))


def _boundary(body: bytes, content_type: str) -> bytes:
    """The declared one; of a form that is sent under another Content-Type or without one, that of its first line."""
    from werkzeug.http import parse_options_header

    declared = parse_options_header(content_type)[1].get("boundary", "")
    if declared:
        if len(declared) > _MAX_BOUNDARY_CHARACTERS:
            _refuse(f"has a boundary of {len(declared)} characters; at most {_MAX_BOUNDARY_CHARACTERS} are possible")
        return declared.encode()
    first = _FORM.match(body)
    if not first:
        _refuse("has no boundary in its Content-Type, nor in its first line")
    return first[1]


def _events(body: bytes, boundary: bytes) -> Iterator[object]:
    """What werkzeug's parser finds: the head of each part, and then the pieces of its content."""
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.sansio.multipart import MultipartDecoder, NeedData, State

    # What it has not understood yet may be the headers of one part, and the piece that was handed over last.
    decoder = MultipartDecoder(boundary, MAX_HEADER_BYTES + 2 * _PIECE_BYTES)
    try:
        for start in range(0, len(body), _PIECE_BYTES):
            decoder.receive_data(body[start : start + _PIECE_BYTES])
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
            if decoder.state is State.EPILOGUE:
                return
    except RequestEntityTooLarge:
        _refuse(f"has more than {MAX_HEADER_BYTES} bytes before the content of its file")
    except ValueError:
        _refuse("has a part whose headers cannot be read: they are UTF-8, and one is Content-Disposition")
    _refuse("has no end: its last boundary is missing, or is not the one that its Content-Type names")


def _check_head(name: str, headers: "Headers", *, is_file: bool, is_first: bool) -> None:
    size = sum(len(key) + len(value) for key, value in headers)
    if size > MAX_HEADER_BYTES:
        _refuse(f"has a part with {size} bytes of headers; at most {MAX_HEADER_BYTES} are possible")
    if headers.get("content-type", "").lower().startswith("multipart/"):
        _refuse(f"has a form inside it, in the part {shown(name)}")
    if not is_file:
        _refuse(f"has the field {shown(name)}, which is no file")
    if not is_first:
        _refuse(f"has a second file, in the part {shown(name)}")


def _refuse(what: str) -> NoReturn:
    raise BadRequestError(f"The multipart form in the body {what}.", code="body_not_an_image", action=_ACTION)
