"""
The body of a request: an image, or JSON.

A request brings an image as its body, or names one in a JSON body: `{"name": "an image in the container images"}` or
`{"url": "https://..."}`. Bytes that begin like an image are one, also under another Content-Type. A text that holds an
image, such as base64, and a form with one file are that image.
"""

from typing import NoReturn

import azure.functions as func

from shared import names, services
from shared.api import forms, misencoded_bodies, wrapped_images
from shared.errors import BadRequestError, LengthRequiredError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl
from shared.json_types import Json
from shared.untrusted import destinations, json_object
from shared.untrusted.characters import listed

_EITHER = 'expected one of {"name": "an image in the container images"} and {"url": "https://..."}'
# `blob` is what callers of the first version send in place of `name`.
_KINDS = frozenset({"name", "blob", "url"})


def image_of(req: func.HttpRequest, most: int | None = None) -> Image:
    """
    The image that the request brings.

    Takes time where the body has to be decoded: 100 MB of base64 take half a second.

    Args:
        req: the request.
        most: how many bytes an image that has to be decoded may have.

    Raises:
        BadRequestError: `image_missing`, `body_not_an_image`, `bad_json`, `bad_blob_name`; as `destinations.check`.
        PayloadTooLargeError: `image_too_large`.
        LengthRequiredError: a chunked body.
    """
    body, declared, media_type = bytes_of(req), _content_type(req), _media_type(req)
    if body and forms.is_form(body, declared):
        return _image_in_form(forms.file_of(body, declared), most)
    is_json = misencoded_bodies.is_json(media_type)
    data = _decoded(body, most, is_json=is_json)
    if data is not None:
        return _image(data)
    mistake = misencoded_bodies.find_mistake(body, media_type, _encoding(req))
    if mistake:
        _refuse("body", mistake)
    return _image_of_json(body) if is_json else ImageBytes(body)


def json_of(req: func.HttpRequest, expected: str) -> Json:
    """
    The members of the JSON object that the request brings, under any Content-Type.

    Args:
        req: the request.
        expected: what a refusal says is possible.

    Raises:
        BadRequestError: `bad_json`.
        LengthRequiredError: a chunked body.
    """
    body = bytes_of(req)
    if not body:
        json_object.refuse("The request has no body", expected)
    mistake = misencoded_bodies.find_mistake(body, names.JSON, _encoding(req))
    if mistake:
        json_object.refuse(f"The body is {mistake.what}, not JSON", expected)
    return json_object.parsed(body, expected, "Say less; letters as they are take less than letters as \\u and digits.")


def refuse(req: func.HttpRequest, reason: str) -> None:
    """
    Refuse a request that brings a body where there is none to bring: its sender expects it to matter.

    Raises:
        BadRequestError: `body_not_expected`.
        LengthRequiredError: a chunked body.
    """
    body = bytes_of(req)
    if body:
        raise BadRequestError(
            f"The request has a body of {len(body)} bytes. {reason}",
            code="body_not_expected",
            action="Send the request without a body.",
        )


def bytes_of(req: func.HttpRequest) -> bytes:
    """
    The body as it came.

    Raises:
        LengthRequiredError: a chunked body.
    """
    body = req.get_body() or b""
    if not body and "chunked" in req.headers.get("Transfer-Encoding", "").lower():
        raise LengthRequiredError("A chunked body does not reach the app.")
    return body


def _content_type(req: func.HttpRequest) -> str:
    return str(req.headers.get("Content-Type", ""))


def _media_type(req: func.HttpRequest) -> str:
    return _content_type(req).split(";")[0].strip().lower()


def _encoding(req: func.HttpRequest) -> str:
    return str(req.headers.get("Content-Encoding", "")).strip().lower()


def _decoded(body: bytes, most: int | None, *, is_json: bool) -> bytes | None:
    """The bytes of an image that come as they are or as text; None if the body shows neither."""
    if not body or misencoded_bodies.is_image(body):
        return body
    return wrapped_images.image_in(body, is_json=is_json, most=most)


def _image_in_form(file: bytes, most: int | None) -> ImageBytes:
    data = _decoded(file, most, is_json=False)
    if data is None:
        mistake = misencoded_bodies.find_mistake_of_file(file)
        if mistake:
            _refuse("file in the form", mistake)
    return _image(file if data is None else data)


def _image(data: bytes) -> ImageBytes:
    if not data:
        raise BadRequestError(
            "The request has no image (0 bytes).",
            code="image_missing",
            action='Send the image\'s bytes as the body, or JSON: {"name": "..."} or {"url": "https://..."}.',
        )
    return ImageBytes(data)


def _refuse(what: str, mistake: misencoded_bodies.Mistake) -> NoReturn:
    raise BadRequestError(
        f"The {what} is {mistake.what}; an image is needed.", code="body_not_an_image", action=mistake.action
    )


def _image_of_json(body: bytes) -> ImageUrl | ImageBlob:
    members = json_object.parsed(body, _EITHER)
    if len(members) != 1 or not members.keys() <= _KINDS:
        json_object.refuse(f"The JSON body has {listed(members) or 'no member'}", _EITHER)
    (kind,) = members
    text = json_object.text_of(members, kind, _EITHER)
    if kind == "url":
        return ImageUrl(destinations.check(text, services.current().settings.url_allow))
    return ImageBlob(names.check_image_name(text))
