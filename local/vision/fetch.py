"""
Fetch an image by its URL, from this machine only.

The real service fetches any public address. A stand-in that did so would carry a developer's traffic abroad and open
this machine's network to whoever can reach it, so every other host is refused before a connection is made.
"""

import http.client
import ipaddress
import time
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from local.vision import refusals

MAX_REDIRECTS = 3
SOCKET_SECONDS = 5.0
MAX_FETCH_SECONDS = 20.0
PIECE_BYTES = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)


def fetch_image(url: str, *, max_bytes: int) -> bytes:
    """
    Return what *url* answers with, but no more than *max_bytes* + 1 bytes.

    Raises Refusal (InvalidImageUrl) for any host but localhost and loopback address literals, for redirects that leave
    them, and for everything that does not answer 200 in time.
    """
    deadline = time.monotonic() + MAX_FETCH_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        try:
            found = _get(_local_target(url), max_bytes=max_bytes, deadline=deadline)
        except (OSError, http.client.HTTPException):
            raise refusals.bad_url() from None
        if isinstance(found, bytes):
            return found
        url = _followed(url, found)
    raise refusals.bad_url()


def _followed(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise refusals.bad_url() from None


def _local_target(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refusals.bad_url("Image URL is badly formatted.") from None
    if parts.scheme not in ("http", "https") or not host or any(character.isspace() for character in url):
        raise refusals.bad_url("Image URL is badly formatted.")
    if _loopback_address(host) is None:
        raise refusals.bad_url()
    return parts


def _loopback_address(host: str) -> str | None:
    if host.lower() == "localhost":
        # Not asked of a resolver, which may be configured to answer anything.
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return host if address.is_loopback else None


def _get(parts: SplitResult, *, max_bytes: int, deadline: float) -> bytes | str:
    """Return the body, or the address of a redirect."""
    address = _loopback_address(parts.hostname or "")
    if address is None:
        raise refusals.bad_url()
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(address, parts.port, timeout=SOCKET_SECONDS)
    try:
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{_ascii(parts.query)}" if parts.query else ""
        )
        connection.request("GET", target, headers={"Host": parts.netloc.rpartition("@")[2], "Accept": "*/*"})
        response = connection.getresponse()
        if response.status in REDIRECTS and (location := response.getheader("Location")):
            return location
        if response.status != http.client.OK:
            raise refusals.bad_url()
        return _content(response, max_bytes=max_bytes, deadline=deadline)
    finally:
        connection.close()


def _content(response: http.client.HTTPResponse, *, max_bytes: int, deadline: float) -> bytes:
    content = bytearray()
    while len(content) <= max_bytes and (piece := response.read1(PIECE_BYTES)):
        content += piece
        if time.monotonic() > deadline:
            raise refusals.bad_url()
    if len(content) <= max_bytes and response.length:
        raise refusals.bad_url()
    return bytes(content[: max_bytes + 1])


def _ascii(query: str) -> str:
    return quote(query, safe="%/?:@!$&'()*+,;=~-._")
