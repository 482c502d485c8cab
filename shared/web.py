"""
HTTP in and out: what a request means, one JSON, one error shape.

A request brings an image in one of three ways: its bytes as the body, or a JSON body `{"url": "https://..."}` or
`{"blob": "name in the container images"}`. Every error leaves as `application/problem+json` (RFC 9457) with a stable
`code` and an `action`.
"""

import functools
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func

from shared import log, names
from shared.errors import BadRequestError, BlobsightError, BusyError, LengthRequiredError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.storage import Blob

CORRELATION = "X-Correlation-Id"
_MAX_URL_CHARACTERS = 2048
_MAX_SHOWN_CHARACTERS = 40

_logger = logging.getLogger(__name__)
Handler = Callable[[func.HttpRequest], func.HttpResponse]
DurableHandler = Callable[[func.HttpRequest, str], Awaitable[func.HttpResponse]]


def endpoint(handler: Handler) -> Handler:
    """Make a handler an HTTP function: errors become problems, and everything logged carries one identifier."""

    @functools.wraps(handler)
    def main(req: func.HttpRequest) -> func.HttpResponse:
        with log.correlated(_correlation(req)) as correlation:
            try:
                response = handler(req)
            except Exception as error:
                response = _answer_to(error, correlation)
            response.headers[CORRELATION] = correlation
            return response

    return main


def durable_endpoint(handler: DurableHandler) -> DurableHandler:
    """The same for an asynchronous function with a durable client, whose binding is named `starter`."""

    @functools.wraps(handler)
    async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
        with log.correlated(_correlation(req)) as correlation:
            try:
                response = await handler(req, starter)
            except Exception as error:
                response = _answer_to(error, correlation)
            response.headers[CORRELATION] = correlation
            return response

    return main


def _answer_to(error: Exception, correlation: str) -> func.HttpResponse:
    if not isinstance(error, BlobsightError):
        _logger.error("request.crashed correlation=%s", correlation, exc_info=error)
        return problem(BlobsightError("The app made a mistake; its log has the details."))
    level = logging.INFO if error.status < 500 else logging.WARNING
    log.event(_logger, "request.refused", level=level, code=error.code, problem=error.message)
    return problem(error)


def _correlation(req: func.HttpRequest) -> str | None:
    """The caller's identifier, if it can stand in a header and in a log line as it is."""
    given = req.headers.get(CORRELATION, "")
    return given if re.fullmatch(r"[!-~]{1,128}", given) else None


def answer_json(body: Mapping[str, Any], *, status: int = 200) -> func.HttpResponse:
    """A JSON answer."""
    text = json.dumps(body, ensure_ascii=False)
    return func.HttpResponse(text, status_code=status, mimetype=names.JSON, charset="utf-8")


def problem(error: BlobsightError) -> func.HttpResponse:
    """An error as `application/problem+json`."""
    body = {
        "type": f"urn:blobsight:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "action": error.action,
        "retryAfterSeconds": error.retry_after_seconds,
        "visionRequestId": error.request_id,
        "correlationId": log.correlation_id(),
    }
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = _whole_seconds(error.retry_after_seconds)
    return func.HttpResponse(
        json.dumps({key: value for key, value in body.items() if value is not None}, ensure_ascii=False),
        status_code=error.status,
        headers=headers,
        mimetype=names.PROBLEM,
    )


def stored(req: func.HttpRequest, blob: Blob, address: str) -> func.HttpResponse:
    """A stored blob with its ETag; 304 if the caller has it already. The host leaves the body out for HEAD."""
    etag = f'"{blob.info.etag}"'
    headers = {"ETag": etag, "Content-Location": address, "Cache-Control": blob.info.cache_control or "no-cache"}
    known = {part.strip().removeprefix("W/") for part in req.headers.get("If-None-Match", "").split(",")}
    if req.method in ("GET", "HEAD") and known & {etag, "*"}:
        return func.HttpResponse(status_code=304, headers=headers)
    return func.HttpResponse(blob.data, headers=headers, mimetype=blob.info.content_type)


def not_yet(error: BusyError) -> func.HttpResponse:
    """202: what was asked for is being made; Retry-After says when to come back."""
    response = answer_json({"state": "pending", "detail": error.message, "action": error.action}, status=202)
    response.headers["Retry-After"] = _whole_seconds(error.retry_after_seconds or 1)
    return response


def _whole_seconds(seconds: float) -> str:
    """For Retry-After: rounded up, because who comes too early is refused again."""
    return str(max(1, math.ceil(seconds)))


def image_of(req: func.HttpRequest) -> ImageBytes | ImageUrl | ImageBlob:
    """
    The image that the request brings.

    Raises:
        BadRequestError: `image_missing`, `bad_json`, `bad_url`, `bad_blob_name`.
        LengthRequiredError: a chunked body.
    """
    body = req.get_body() or b""
    if not body:
        if "chunked" in req.headers.get("Transfer-Encoding", "").lower():
            raise LengthRequiredError("A chunked body does not reach the app.")
        raise BadRequestError(
            "The request has no image (0 bytes).",
            code="image_missing",
            action='Send the image\'s bytes as the body, or JSON: {"url": "https://..."} or {"blob": "name"}.',
        )
    if req.headers.get("Content-Type", "").split(";")[0].strip().lower() == names.JSON:
        return _image_of_json(body)
    return ImageBytes(body)


def _image_of_json(body: bytes) -> ImageUrl | ImageBlob:
    allowed = 'one of {"url": "https://..."} and {"blob": "name in the container images"}'
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError(
            f"The Content-Type is application/json, but the body is no JSON; expected {allowed}.",
            code="bad_json",
            action="Send JSON, or the image's bytes as application/octet-stream.",
        ) from None
    if not isinstance(members, dict) or len(members) != 1 or not isinstance(next(iter(members.values())), str):
        raise BadRequestError(f"The JSON body has to be {allowed}.", code="bad_json")
    (kind, value), *_ = members.items()
    if kind == "url":
        return ImageUrl(_url(value))
    if kind == "blob":
        return ImageBlob(names.check_image_name(value))
    raise BadRequestError(f"The JSON body has {kind!r}; expected {allowed}.", code="bad_json")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        valid = False
    if not valid or len(text) > _MAX_URL_CHARACTERS:
        raise BadRequestError(
            f"The url is no http(s) address of at most {_MAX_URL_CHARACTERS} characters without spaces.",
            code="bad_url",
            action="Give an address that Computer Vision can fetch, percent-encoded.",
        )
    return text


def name_of(req: func.HttpRequest) -> str:
    """The image's name in the route or in `?name=`, checked."""
    name = optional_name_of(req)
    if name is None:
        raise BadRequestError(
            "The request names no image.", code="bad_blob_name", action="Put the name into the path, or into ?name=."
        )
    return name


def optional_name_of(req: func.HttpRequest) -> str | None:
    """The same, or None if there is neither."""
    name = req.route_params.get("name") or req.params.get("name")
    return names.check_image_name(name) if name else None


def whole_number(req: func.HttpRequest, parameter: str, default: int | None = None) -> int:
    """A query parameter that is a whole number; the range is the business of whoever uses it."""
    text = req.params.get(parameter)
    if text is None and default is not None:
        return default
    if text is None or not text.isdecimal() or len(text) > 9:
        shown = "is missing" if text is None else f"is {text[:_MAX_SHOWN_CHARACTERS]!r}"
        raise BadRequestError(
            f"The query parameter {parameter} {shown}; a whole number is needed.", code="bad_parameter"
        )
    return int(text)


def truth(req: func.HttpRequest, parameter: str, *, default: bool) -> bool:
    """A query parameter that is `true` or `false`."""
    text = str(req.params.get(parameter, default)).lower()
    if text not in ("true", "false"):
        raise BadRequestError(
            f"The query parameter {parameter} is {text[:_MAX_SHOWN_CHARACTERS]!r}; true or false is needed.",
            code="bad_parameter",
        )
    return text == "true"


def words(req: func.HttpRequest, parameter: str) -> list[str]:
    """A query parameter that is a comma-separated list."""
    return [part.strip() for part in req.params.get(parameter, "").split(",") if part.strip()]


def only(req: func.HttpRequest, *allowed: str) -> None:
    """Refuse query parameters that nobody reads: a misspelt one would be paid for with its default."""
    # `code` is the Functions host's own way to carry a key.
    unknown = sorted(set(req.params) - set(allowed) - {"code"})
    if unknown:
        raise BadRequestError(
            f"The query parameter {', '.join(unknown)} is not known here; known are {', '.join(allowed) or 'none'}.",
            code="bad_parameter",
        )
