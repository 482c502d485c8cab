"""HTTP requests as functions get them and HTTP answers as functions give them, with the platform's surprises."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, web
from multidict import CIMultiDict

from local.host.app.converters import Data, Datum, datum
from local.host.errors import BadRequestError
from local.host.http.request_head import requested_url
from local.host.http.target import Target
from local.json_text import NotJsonError, read_json

MAX_BODY_BYTES = 104_857_600  # the Linux host's default
# A client on this machine sends the largest body in a few seconds.
BODY_SECONDS = 120.0
# What describes one connection or is worked out from the body.
NOT_FORWARDED = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
logger = logging.getLogger(__name__)


class BodyTooLargeError(BadRequestError):
    """The body is larger than the host takes: HTTP 413."""

    status = 413


class SlowBodyError(BadRequestError):
    """The body takes longer than the host waits: HTTP 408."""

    status = 408


async def read_body(request: web.BaseRequest, *, within_seconds: float = BODY_SECONDS) -> bytes:
    """
    Return the body that a function gets: nothing unless the request says its Content-Length, so chunks are lost.

    Raises BodyTooLargeError, SlowBodyError, and BadRequestError if the caller goes away in the middle.
    """
    length = request.content_length or 0
    if not length:
        return b""
    if length > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"the request body has {length} bytes; {MAX_BODY_BYTES} are allowed")
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(within_seconds):
            return await request.content.read()
    except TimeoutError:
        raise SlowBodyError(f"the {length} bytes of the body did not come within {within_seconds:g} s") from None
    except (ConnectionError, ClientError) as error:
        raise BadRequestError(f"the body ended before its {length} bytes: {error}") from None


def request_datum(request: web.BaseRequest, target: Target, values: Mapping[str, str], body: bytes) -> Datum:
    """Return what an httpTrigger gets; *values* are the route's."""
    url = requested_url(request, target.encoded_path, target.query)
    return datum(
        {
            "method": datum(request.method, "string"),
            "url": datum(url, "string"),
            "headers": _texts(_joined_headers(request)),
            "query": _texts(target.parameters()),
            "params": _texts(values),
            "body": datum(body, "bytes"),
        },
        "http",
    )


def http_binding_data(target: Target, values: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """
    Return what `{expressions}` of other bindings can use: members of a JSON body, the query, the route's values.

    As in Azure a body that is no JSON has none, whatever it is.
    """
    try:
        members = read_json(body)
    except NotJsonError:
        members = None
    return {**(members if isinstance(members, dict) else {}), **target.parameters(), **values}


def response_from(answer: Datum | None, method: str) -> web.Response:
    """
    Return the response that a function's *answer* stands for; None, an output that was never set, is 204.

    Raises TypeError for anything but an HttpResponse.
    """
    if answer is None:
        return web.Response(status=204)
    if answer.type != "http":
        raise TypeError(
            "the function returned text instead of a response, which Azure would parse as JSON and print anew: "
            "return azure.functions.HttpResponse(text)"
        )
    status = int(answer.value["status_code"].value)
    given: Data = answer.value["headers"]
    headers = _response_headers(given)
    for cookie in answer.value["cookies"] or ():
        for morsel in cookie.values():
            headers.add("Set-Cookie", morsel.OutputString())
    body: bytes = answer.value["body"].value
    told_length = next((value.value for name, value in given.items() if name.lower() == "content-length"), None)
    if method == "HEAD" and not body and told_length is not None:
        headers["Content-Length"] = told_length
    if status in (204, 304) and body:
        logger.warning("the body of a %d answer is not sent: this status has none", status)
        body = b""
    return web.Response(status=status, headers=headers, body=body)


def _texts(values: Mapping[str, str]) -> Data:
    return {name: datum(value, "string") for name, value in values.items()}


def _joined_headers(request: web.BaseRequest) -> dict[str, str]:
    joined: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        if value:
            joined.setdefault(name.lower(), []).append(value)
    return {name: ",".join(values) for name, values in joined.items()}


def _response_headers(given: Data) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in given.items():
        if name.lower() not in NOT_FORWARDED:
            headers[name] = value.value
    return headers
