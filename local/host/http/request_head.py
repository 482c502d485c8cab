"""
A request's line and headers, made fit for use before anything else looks at them.

Kestrel, the server of Azure's host, refuses a request without exactly one proper Host, a line of more than 8 KB, more
than 100 headers, and headers of more than 32 KB together.
"""

import re

from aiohttp import web
from multidict import CIMultiDict

from local.host.errors import BadRequestError

MAX_LINE_BYTES = 8192  # Kestrel's MaxRequestLineSize
MAX_HEADERS = 100  # Kestrel's MaxRequestHeaderCount
MAX_HEADER_BYTES = 32_768  # Kestrel's MaxRequestHeadersTotalSize
# What stands between and after a header's name and value: a colon, a space, the end of the line.
_AROUND = len(b": \r\n")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]{3,}\]|[A-Za-z0-9!$&'()*+,._~%-]+)(:[0-9]{1,5})?")


class LineTooLongError(BadRequestError):
    """The request line is longer than Azure's host takes: HTTP 414."""

    status = 414


class HeadersTooLargeError(BadRequestError):
    """The request has more headers than Azure's host takes: HTTP 431."""

    status = 431


def checked(request: web.BaseRequest) -> web.BaseRequest:
    """Return *request* with headers that are text, whatever bytes came; raises BadRequestError."""
    length = len(f"{request.method} {request.raw_path} HTTP/1.1\r\n")
    if length > MAX_LINE_BYTES:
        raise LineTooLongError(
            f"the request line has {length} bytes; {MAX_LINE_BYTES} are allowed: send what is long in a body"
        )
    _check_size(request)
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        given = " and ".join(map(repr, hosts)) or "missing"
        raise BadRequestError(f"the header Host is {given}: send one, such as localhost or 127.0.0.1:7071")
    headers = CIMultiDict((name, _text(value)) for name, value in request.headers.items())
    return request if headers == request.headers else request.clone(headers=headers)


def _check_size(request: web.BaseRequest) -> None:
    count = len(request.raw_headers)
    if count > MAX_HEADERS:
        raise HeadersTooLargeError(f"the request has {count} headers; {MAX_HEADERS} are allowed")
    length = sum(len(name) + len(value) + _AROUND for name, value in request.raw_headers)
    if length > MAX_HEADER_BYTES:
        raise HeadersTooLargeError(f"the headers have {length} bytes together; {MAX_HEADER_BYTES} are allowed")


def requested_url(request: web.BaseRequest, encoded_path: str, query: str) -> str:
    """Return the address that a *checked* request asked for."""
    return f"{request.scheme}://{request.host}{encoded_path}{'?' if query else ''}{query}"


def _text(value: str) -> str:
    """aiohttp hands bytes that are no UTF-8 on as halves of characters; a function gets a mark in their place."""
    return value.encode(errors="surrogateescape").decode(errors="replace")
