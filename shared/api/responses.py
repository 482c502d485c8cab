"""
What HTTP functions answer with: JSON, a stored blob, and problems.

Every error leaves as `application/problem+json` (RFC 9457) with a stable `code` and an `action`.
"""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, urlencode

import azure.functions as func

from shared import clock, log, names, settings
from shared.api import parameters
from shared.errors import BlobsightError, SettingsError, StorageError
from shared.storage.blobs import Blob

# Storage never says how long: most outages are over by then, or last for minutes.
_STORAGE_RETRY_SECONDS = 5.0


def answer_json(
    body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """A JSON answer."""
    return func.HttpResponse(_utf8(body), status_code=status, headers=headers, mimetype=names.JSON, charset="utf-8")


def _utf8(body: Mapping[str, object]) -> bytes:
    """JSON that can always be sent: a character that UTF-8 cannot carry becomes a question mark."""
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def problem(error: BlobsightError) -> func.HttpResponse:
    """An error as `application/problem+json`; that storage is out always comes with a time."""
    seconds = error.retry_after_seconds
    if seconds is None and isinstance(error, StorageError) and error.status == 503:
        seconds = _STORAGE_RETRY_SECONDS
    body = {
        "type": f"urn:blobsight:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "problems": error.problems if isinstance(error, SettingsError) else None,
        "action": error.action,
        # Rounded up, as the header is.
        "retryAfterSeconds": None if seconds is None else clock.short(math.ceil(round(seconds * 10, 3)) / 10),
        "visionRequestId": error.request_id,
        "correlationId": log.correlation_id(),
    }
    return func.HttpResponse(
        _utf8({key: value for key, value in body.items() if value is not None}),
        status_code=error.status,
        headers={} if seconds is None else retry_after(seconds),
        mimetype=names.PROBLEM,
    )


def known_etags(req: func.HttpRequest) -> frozenset[str]:
    """The quoted ETags of what the caller has already, or `*`; none where 304 is no answer."""
    if req.method not in ("GET", "HEAD"):
        return frozenset()
    parts = (part.strip().removeprefix("W/") for part in req.headers.get("If-None-Match", "").split(","))
    return frozenset(part for part in parts if part)


def blob_response(blob: Blob, address: str, known: frozenset[str]) -> func.HttpResponse:
    """
    A stored blob with its ETag; 304 if that is one of the *known* ones, as `known_etags` gives them.

    The host leaves the body out for HEAD.
    """
    headers = {
        "ETag": f'"{blob.info.etag}"',
        "Content-Location": address,
        "Cache-Control": blob.info.cache_control or "no-cache",
    }
    if blob.info.is_one_of(known):
        # A cache keeps the headers of a 304 in place of those that it has: with another type it spoils the picture.
        return func.HttpResponse(status_code=304, headers=headers, mimetype=blob.info.content_type)
    return func.HttpResponse(blob.data, headers=headers, mimetype=blob.info.content_type)


def address(req: func.HttpRequest, path: str) -> str:
    """
    Our own address as a Location says it, for callers who follow it as it is.

    It is absolute, because that is what pollers follow, at a host that the settings or the platform name. The request's
    own Host is the caller's word: a poller would follow it with its key to anywhere. A key that came in the query goes
    back in it. An app without an address gives the path alone.

    Args:
        req: the request.
        path: what follows the host's address, with a query of its own or without one.
    """
    key = parameters.key_in_query(req)
    joint = "&" if "?" in path else "?"
    query = f"{joint}{urlencode({'code': key}, quote_via=quote)}" if key else ""
    return f"{settings.public_address()}{path}{query}"


def accepted(req: func.HttpRequest, path: str, body: Mapping[str, object], seconds: float) -> func.HttpResponse:
    """
    202: the answer is not there yet. Location says where it will be, Retry-After when to ask.

    Args:
        req: the request.
        path: where to ask again, as `address` takes it.
        body: the JSON answer.
        seconds: until it is worth asking.
    """
    return answer_json(body, status=202, headers={"Location": address(req, path), **retry_after(seconds)})


def retry_after(seconds: float) -> dict[str, str]:
    """The header Retry-After, in whole seconds: rounded up, because a caller who comes too early is refused again."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
