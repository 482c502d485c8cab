"""
Where an address leads, judged by its text alone: the app asks no DNS, and makes no connection.

Computer Vision, or a Read container in the operator's network, fetches what a caller names. So the app refuses an
address that leads to a private host, and one of which two programs can read two different hosts.
"""

import re
from collections.abc import Iterator
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from shared.errors import BadRequestError
from shared.untrusted import fetchable, ip_literals, special_addresses
from shared.untrusted.allowed_destinations import Allowed
from shared.untrusted.characters import shown

_HTTP, _HTTPS = 80, 443
_ELSEWHERE = (
    "Give an https address on the public internet, send the image's bytes as the body, or upload the image and give "
    "its name; URL_ALLOW can allow this host."
)


def check(url: str, allowed: Allowed | None) -> str:
    """
    Return *url* if it can be fetched and may be.

    Args:
        url: the address, as a caller sent it; any text.
        allowed: what the operator allows, whatever its scheme, host and port; None is nothing.

    Raises:
        BadRequestError: `url_not_allowed` with every reason, or `bad_url` as `fetchable.check` does.
    """
    if "\\" in url and re.match(r"(?i)https?:", url):
        _refuse("has a backslash, and programs read different hosts from such an address", "Write it as %5C.")
    parts = urlsplit(fetchable.check(url))
    if "@" in parts.netloc:
        _refuse("has a user before its host", "Leave out what stands before the @, and the @ itself.")
    if "#" in url:
        _refuse("has a fragment, which is never sent", "Leave out # and what follows; in a path it is %23.")
    port = parts.port or (_HTTPS if parts.scheme == "https" else _HTTP)
    if allowed and allowed.covers(parts.scheme, parts.hostname or "", port):
        return url
    reasons = list(_reasons(parts, port))
    if reasons:
        _refuse(", and ".join(reasons), _ELSEWHERE)
    return url


def _reasons(parts: SplitResult, port: int) -> Iterator[str]:
    host = parts.hostname or ""
    addresses = sorted(ip_literals.readings(host), key=str)
    found = [(str(each), special_addresses.of_address(each)) for each in addresses]
    if not addresses:
        found = [(shown(host), special_addresses.of_name(host))]
    for where, words in found:
        if words:
            yield f"leads to {where}, which is {words}"
    if parts.scheme != "https":
        yield "begins with http:, where only https: is allowed"
    if port != _HTTPS and (parts.scheme, port) != ("http", _HTTP):
        yield f"has the port {port}, where only {_HTTPS} is allowed"


def _refuse(what: str, action: str) -> NoReturn:
    raise BadRequestError(f"The url {what}.", code="url_not_allowed", action=action)
