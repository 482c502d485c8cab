"""
HTTP functions: what holds for each of their requests and answers.

Whatever stands beside a request's body is checked before the function is called, and every error leaves as
`application/problem+json` (RFC 9457) with a stable `code` and an `action`.
"""

import functools
import inspect
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import azure.functions as func

from shared import log, names, settings, threads
from shared.api import parameters
from shared.errors import BlobsightError, BusyError, StorageError
from shared.storage.blobs import Blob
from shared.transport import time_budget

CORRELATION = "X-Correlation-Id"

_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
# As the worker calls it, with the context of the invocation.
Function = Callable[..., func.HttpResponse]
AsyncFunction = Callable[..., Awaitable[func.HttpResponse]]
# Storage never says how long: most outages are over by then, or last for minutes.
_AGAIN_SECONDS = 5.0


def endpoint(handler: Callable[[func.HttpRequest], func.HttpResponse]) -> Function:
    """
    Make a handler an HTTP function.

    Errors become problems, everything logged carries one identifier, and whatever the handler waits for ends in
    MAX_WAIT_SECONDS.
    """

    def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        with _invoked(req, context):
            try:
                parameters.check(req)
                response = handler(req)
            except Exception as error:
                response = _answer_to(error)
            return _correlated(response)

    return _as_function(main, handler)


def async_endpoint(handler: AsyncFunction) -> AsyncFunction:
    """The same for an asynchronous function, whatever other bindings it has."""

    async def main(req: func.HttpRequest, context: func.Context, **bindings: str) -> func.HttpResponse:
        with _invoked(req, context):
            try:
                parameters.check(req)
                response = await handler(req, **bindings)
            except Exception as error:
                response = _answer_to(error)
            return _correlated(response)

    return _as_function(main, handler)


def _as_function(main: Callable[..., _Answer], handler: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Give *main* the handler's name and parameters, and `context`, by which the worker calls it."""
    functools.update_wrapper(main, handler)
    signature = inspect.signature(handler)
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=func.Context)
    main.__annotations__ = {**handler.__annotations__, "context": func.Context}
    main.__signature__ = signature.replace(parameters=[*signature.parameters.values(), context])  # type: ignore[attr-defined]
    return main


@contextmanager
def _invoked(req: func.HttpRequest, context: func.Context) -> Iterator[None]:
    with (
        threads.invocation(context),
        log.correlated(_correlation(req)),
        time_budget.request(settings.max_wait_seconds()),
    ):
        yield


def _correlated(response: func.HttpResponse) -> func.HttpResponse:
    response.headers[CORRELATION] = log.correlation_id()
    return response


def _answer_to(error: Exception) -> func.HttpResponse:
    if not isinstance(error, BlobsightError):
        _logger.error("request.crashed correlation=%s", log.correlation_id(), exc_info=error)
        return problem(BlobsightError("The app made a mistake; its log has the details."))
    log.event(
        _logger,
        "request.refused",
        level=logging.INFO if error.status < 500 else logging.WARNING,
        code=error.code,
        problem=error.message,
    )
    return problem(error)


def _correlation(req: func.HttpRequest) -> str | None:
    """The caller's identifier, if it can stand in a header and in a log line as it is."""
    given = req.headers.get(CORRELATION, "")
    return given if re.fullmatch(r"[!-~]{1,128}", given) else None


def answer_json(body: Mapping[str, Any], *, status: int = 200) -> func.HttpResponse:
    """A JSON answer."""
    return func.HttpResponse(_utf8(body), status_code=status, mimetype=names.JSON, charset="utf-8")


def _utf8(body: Mapping[str, Any]) -> bytes:
    """JSON that can be sent whatever is in it: what UTF-8 cannot carry becomes a question mark."""
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def problem(error: BlobsightError) -> func.HttpResponse:
    """An error as `application/problem+json`; that storage is out always comes with a time."""
    seconds = error.retry_after_seconds
    if seconds is None and isinstance(error, StorageError) and error.status == 503:
        seconds = _AGAIN_SECONDS
    body = {
        "type": f"urn:blobsight:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "action": error.action,
        "retryAfterSeconds": seconds,
        "visionRequestId": error.request_id,
        "correlationId": log.correlation_id(),
    }
    headers = {}
    if seconds is not None:
        headers["Retry-After"] = _whole_seconds(seconds)
    return func.HttpResponse(
        _utf8({key: value for key, value in body.items() if value is not None}),
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
