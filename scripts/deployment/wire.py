"""One HTTPS request: to Azure Resource Manager, the app, its storage, its logs."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from deployment.failures import Failed

REQUEST_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Reply:
    """
    What came back.

    Attributes:
        status: the HTTP status; 0 where no whole answer came.
        data: the body.
        headers: the names in lower case.
        trouble: why no whole answer came; else empty.
    """

    status: int
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def document(self) -> dict[str, Any]:
        """The body's JSON object; empty where it is none."""
        return json_object(self.data) or {}


def send(
    method: str, url: str, headers: dict[str, str], data: bytes | None = None, seconds: float = REQUEST_SECONDS
) -> Reply:
    """
    Send one request, and follow no redirect, because the key or token would go along.

    Args:
        method: of HTTP.
        url: where to.
        headers: of the request; none of them is ever told.
        data: the body.
        seconds: how long the service may be silent.

    Raises:
        Failed: if the address would show the key or token to the network, if the certificate there is not trusted, or
            if no request can be made of what is given.
    """
    parts = urlsplit(url)
    refuse_plain_text(url, "The address")
    # Without a type of its own, urllib would call the body a form.
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with opener(url).open(request, timeout=seconds) as reply:
            return Reply(reply.status, reply.read(), _lower(reply.headers))
    except urllib.error.HTTPError as error:
        with error:
            try:
                return Reply(error.code, error.read(), _lower(error.headers))
            except (OSError, http.client.HTTPException) as broken:
                return Reply(error.code, headers=_lower(error.headers), trouble=f"its text broke off ({broken!r})")
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Failed(
                f"The certificate of {parts.netloc} is not trusted here ({cause.verify_message}). On macOS, run "
                "'Install Certificates.command' of Python; behind a proxy, set SSL_CERT_FILE to its certificate."
            ) from None
        return Reply(0, trouble=f"no answer from {parts.netloc} ({cause or type(error).__name__})")
    except ValueError:
        # Its text would repeat the header, which is the key or the token.
        raise Failed(
            f"No request to {parts.netloc} can be made: the address, the key or the token has characters that no "
            "request takes."
        ) from None


def json_object(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that this is; None where it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address, however it writes them; port -1 is none that there can be."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or {"https": 443, "http": 80}.get(parts.scheme, -1)


def refuse_plain_text(url: str, what: str) -> None:
    """Raise `Failed` for an address that would show the key or token to the network."""
    scheme, host, _ = origin(url)
    if scheme != "https" and not (scheme == "http" and host in _LOOPBACK):
        raise Failed(f"{what} is {scheme}://{urlsplit(url).netloc}; it has to begin with https://.")


def opener(url: str) -> urllib.request.OpenerDirector:
    """Return what sends a request there: through the machine's proxy, if there is one and it does not stay here."""
    return _opener(origin(url)[1] in _LOOPBACK)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


@cache
def _opener(is_here: bool) -> urllib.request.OpenerDirector:
    # A proxy would see the token of a request without TLS.
    proxies = [urllib.request.ProxyHandler({})] if is_here else []
    return urllib.request.build_opener(_NoRedirects, *proxies)
