"""
A request's line and headers, made fit for use before anything else looks at them.

Kestrel, the server of Azure's host, refuses a request without exactly one proper Host, and a line of more than 8 KB.
"""

import re

from aiohttp import web
from multidict import CIMultiDict

from local.host.errors import BadRequestError

MAX_LINE_BYTES = 8192  # Kestrel's MaxRequestLineSize
HOST = re.compile(r"(\[[0-9A-Fa-f:.]{3,}\]|[A-Za-z0-9!$&'()*+,._~%-]+)(:[0-9]{1,5})?")


class LineTooLongError(BadRequestError):
    """The request line is longer than Azure's host takes: HTTP 414."""

    status = 414


def checked(request: web.BaseRequest) -> web.BaseRequest:
    """Return *request* with headers that are text, whatever bytes came; raises BadRequestError."""
    length = len(f"{request.method} {request.raw_path} HTTP/1.1\r\n")
    if length > MAX_LINE_BYTES:
        raise LineTooLongError(
            f"the request line has {length} bytes; {MAX_LINE_BYTES} are allowed: send what is long in a body"
        )
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        given = " and ".join(map(repr, hosts)) or "missing"
        raise BadRequestError(f"the header Host is {given}: send one, such as localhost or 127.0.0.1:7071")
    headers = CIMultiDict((name, _text(value)) for name, value in request.headers.items())
    return request if headers == request.headers else request.clone(headers=headers)


def requested_url(request: web.BaseRequest, encoded_path: str, query: str) -> str:
    """Return the address that a *checked* request asked for."""
    return f"{request.scheme}://{request.host}{encoded_path}{'?' if query else ''}{query}"


def _text(value: str) -> str:
    """aiohttp hands bytes that are no UTF-8 on as halves of characters; a function gets a mark in their place."""
    return value.encode(errors="surrogateescape").decode(errors="replace")
