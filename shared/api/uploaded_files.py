"""
The file that a request brings to be stored: the body as it is, of any kind.

Two wrappings are taken off, because they say themselves that they are none of the file's: a multipart form with one
file, and the object with `$content` of Azure Logic Apps in a body that its Content-Type calls JSON.
"""

import re
from typing import NamedTuple

import azure.functions as func

from shared import names
from shared.api import bodies, forms, misencoded_bodies, wrapped_images
from shared.errors import BadRequestError, PayloadTooLargeError
from shared.pictures.inspection import kind_of
from shared.untrusted.characters import shown

# A type as a header can carry it, with its parameters.
_TYPE = r"[!#$&^_.+A-Za-z0-9-]{1,127}/[!#$&^_.+A-Za-z0-9-]{1,127}( ?;[ -~]{0,200})?"
# What programs declare that know nothing of the file; the second is curl's for --data-binary.
_UNSAID = (names.BYTES, "application/x-www-form-urlencoded")
_BYTES = "Send the file's bytes alone, as curl does with --data-binary @photo.jpg -H 'Content-Type: image/jpeg'."


class File(NamedTuple):
    """Bytes of any kind, at least one, and the content type to store them with."""

    data: bytes
    content_type: str


def file_of(req: func.HttpRequest, most: int) -> File:
    """
    The file.

    Args:
        req: the request.
        most: how many bytes it may have.

    Raises:
        BadRequestError: `image_missing` of no bytes; `body_not_an_image` of JSON or a form without a file; `bad_json`;
            `bad_header` of a body that is encoded, or a part of a file.
        PayloadTooLargeError: `image_too_large`.
        LengthRequiredError: a chunked body.
    """
    body, declared = bodies.bytes_of(req), str(req.headers.get("Content-Type", "")).strip()
    _check_whole(req)
    file = _unwrapped(body, declared, most)
    if file is not None:
        data, declared = file, ""
    else:
        data = body
    if not data:
        raise BadRequestError(
            "The request has no image (0 bytes).", code="image_missing", action=f"{_BYTES} An empty file is no image."
        )
    if len(data) > most:
        raise PayloadTooLargeError(
            f"The image has {len(data)} bytes; at most {most} are taken ({most // 1024**2} MB, MAX_UPLOAD_MEGABYTES).",
            action="Make it smaller, or raise MAX_UPLOAD_MEGABYTES.",
        )
    return File(data, _type_of(data, declared))


def _check_whole(req: func.HttpRequest) -> None:
    encoding = req.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise BadRequestError(
            f"The header Content-Encoding is {shown(encoding)}; the bytes would be stored so.",
            code="bad_header",
            action="Send it uncompressed and without Content-Encoding.",
        )
    if req.headers.get("Content-Range"):
        # RFC 9110 asks for it: as a whole, a part would take the place of the image.
        raise BadRequestError(
            "The header Content-Range says that the body is a part of an image.",
            code="bad_header",
            action="Send the whole image, without Content-Range.",
        )


def _unwrapped(body: bytes, declared: str, most: int) -> bytes | None:
    """The file in a form or in JSON; None if the body is the file itself."""
    if declared.lower().startswith("multipart/") and forms.is_form(body, declared):
        return forms.file_of(body, declared)
    if not misencoded_bodies.is_json(declared.partition(";")[0].strip().lower()) or misencoded_bodies.is_image(body):
        return None
    found = wrapped_images.image_in(body, is_json=True, most=most) if body else b""
    if found is None:
        raise BadRequestError(
            "The body is JSON without a file in it.", code="body_not_an_image", action=f"{_BYTES} A name is no image."
        )
    return found


def _type_of(data: bytes, declared: str) -> str:
    """The declared type, where it says something; else that of the bytes."""
    if re.fullmatch(_TYPE, declared) and declared.partition(";")[0].strip().lower() not in _UNSAID:
        return declared
    kind = kind_of(data)
    return kind.content_type if kind else names.BYTES
