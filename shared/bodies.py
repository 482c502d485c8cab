"""
The body of a request: an image, or JSON.

A request brings an image in one of three ways: its bytes as the body, or a JSON body `{"url": "https://..."}` or
`{"blob": "name in the container images"}`. Bytes that begin like an image are one, whatever they are declared to be.
"""

import re

import azure.functions as func

from shared import fetchable, json_object, names
from shared.characters import listed
from shared.errors import BadRequestError, LengthRequiredError
from shared.images import KIND_BYTES, ImageBlob, ImageBytes, ImageUrl, kind_of
from shared.json_object import Json

_EITHER = 'expected one of {"url": "https://..."} and {"blob": "name in the container images"}'

_DATA_ADDRESS = re.compile(rb'\s{0,256}\{\s{0,256}"url"\s{0,256}:\s{0,256}"(data:)', re.IGNORECASE)


def image_of(req: func.HttpRequest) -> ImageBytes | ImageUrl | ImageBlob:
    """
    The image that the request brings.

    Raises:
        BadRequestError: `image_missing`, `bad_json`, `bad_url`, `bad_blob_name`.
        LengthRequiredError: a chunked body.
    """
    body = _bytes_of(req)
    if not body:
        raise BadRequestError(
            "The request has no image (0 bytes).",
            code="image_missing",
            action='Send the image\'s bytes as the body, or JSON: {"url": "https://..."} or {"blob": "name"}.',
        )
    if kind_of(body[:KIND_BYTES]) or not _is_json(_media_type(req)):
        return ImageBytes(body)
    return _image_of_json(body)


def json_of(req: func.HttpRequest, expected: str) -> Json:
    """
    The members of the JSON object that the request brings, whatever its Content-Type.

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
    return json_object.parsed(body, expected)


def _bytes_of(req: func.HttpRequest) -> bytes:
    body = req.get_body() or b""
    if not body and "chunked" in req.headers.get("Transfer-Encoding", "").lower():
        raise LengthRequiredError("A chunked body does not reach the app.")
    return body


def _media_type(req: func.HttpRequest) -> str:
    return str(req.headers.get("Content-Type", "")).split(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type in (names.JSON, "text/json") or media_type.endswith("+json")


def _image_of_json(body: bytes) -> ImageUrl | ImageBlob:
    data_address = _DATA_ADDRESS.match(body)
    if data_address:  # however long it is
        fetchable.check(data_address[1].decode())
    members = json_object.parsed(body, _EITHER)
    if len(members) != 1 or not members.keys() & {"url", "blob"}:
        json_object.refuse(f"The JSON body has {listed(members) or 'no member'}", _EITHER)
    (kind,) = members
    text = json_object.text_of(members, kind, _EITHER)
    return ImageUrl(fetchable.check(text)) if kind == "url" else ImageBlob(names.check_image_name(text))
