"""
The body of a request: an image, or JSON.

A request brings an image as its body, or names one in a JSON body: `{"name": "an image in the container images"}` or
`{"url": "https://..."}`. Bytes that begin like an image are one, also under another Content-Type.
"""

import re

import azure.functions as func

from shared import names, services
from shared.api import misencoded_bodies
from shared.errors import BadRequestError, LengthRequiredError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.json_types import Json
from shared.untrusted import destinations, fetchable, json_object
from shared.untrusted.characters import listed

_EITHER = 'expected one of {"name": "an image in the container images"} and {"url": "https://..."}'
# `blob` is what callers of the first version send in place of `name`.
_KINDS = frozenset({"name", "blob", "url"})

_DATA_ADDRESS = re.compile(rb'\s{0,256}\{\s{0,256}"url"\s{0,256}:\s{0,256}"(data:)', re.IGNORECASE)


def image_of(req: func.HttpRequest) -> ImageBytes | ImageUrl | ImageBlob:
    """
    The image that the request brings.

    Raises:
        BadRequestError: `image_missing`, `body_not_an_image`, `bad_json`, `bad_blob_name`; as `destinations.check`.
        LengthRequiredError: a chunked body.
    """
    body = _bytes_of(req)
    if not body:
        raise BadRequestError(
            "The request has no image (0 bytes).",
            code="image_missing",
            action='Send the image\'s bytes as the body, or JSON: {"name": "..."} or {"url": "https://..."}.',
        )
    declared = _media_type(req)
    mistake = misencoded_bodies.find_form(body, declared)
    if not mistake:
        if misencoded_bodies.is_image(body):
            return ImageBytes(body)
        mistake = misencoded_bodies.find_mistake(body, declared, _encoding(req))
    if mistake:
        raise BadRequestError(
            f"The body is {mistake.what}; an image is needed.", code="body_not_an_image", action=mistake.action
        )
    return _image_of_json(body) if misencoded_bodies.is_json(declared) else ImageBytes(body)


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
    body = _bytes_of(req)
    if not body:
        json_object.refuse("The request has no body", expected)
    declared = _media_type(req)
    mistake = misencoded_bodies.find_form(body, declared) or misencoded_bodies.find_mistake(
        body, names.JSON, _encoding(req)
    )
    if mistake:
        json_object.refuse(f"The body is {mistake.what}, not JSON", expected)
    return json_object.parsed(body, expected)


def refuse(req: func.HttpRequest, reason: str) -> None:
    """
    Refuse a request that brings a body where there is none to bring: its sender expects it to matter.

    Raises:
        BadRequestError: `body_not_expected`.
        LengthRequiredError: a chunked body.
    """
    body = _bytes_of(req)
    if body:
        raise BadRequestError(
            f"The request has a body of {len(body)} bytes. {reason}",
            code="body_not_expected",
            action="Send the request without a body.",
        )


def _bytes_of(req: func.HttpRequest) -> bytes:
    body = req.get_body() or b""
    if not body and "chunked" in req.headers.get("Transfer-Encoding", "").lower():
        raise LengthRequiredError("A chunked body does not reach the app.")
    return body


def _media_type(req: func.HttpRequest) -> str:
    return str(req.headers.get("Content-Type", "")).split(";")[0].strip().lower()


def _encoding(req: func.HttpRequest) -> str:
    return str(req.headers.get("Content-Encoding", "")).strip().lower()


def _image_of_json(body: bytes) -> ImageUrl | ImageBlob:
    data_address = _DATA_ADDRESS.match(body)
    if data_address:  # however long it is
        fetchable.check(data_address[1].decode())
    members = json_object.parsed(body, _EITHER)
    if len(members) != 1 or not members.keys() <= _KINDS:
        json_object.refuse(f"The JSON body has {listed(members) or 'no member'}", _EITHER)
    (kind,) = members
    text = json_object.text_of(members, kind, _EITHER)
    if kind == "url":
        return ImageUrl(destinations.check(text, services.current().settings.url_allow))
    return ImageBlob(names.check_image_name(text))
