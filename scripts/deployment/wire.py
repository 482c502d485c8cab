"""One HTTPS request to a service that is not Azure Resource Manager: the app, its storage, its logs."""

from __future__ import annotations

import http.client
import json
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
        try:
            found = json.loads(self.data)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def send(method: str, url: str, headers: dict[str, str], data: bytes | None = None) -> Reply:
    """
    Send one request, and follow no redirect, because the key or token would go along.

    Raises:
        Failed: if the address would show the key or token to the network.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise Failed(f"{parts.scheme}://{parts.netloc} has to begin with https://.")
    # Without a type of its own, urllib would call the body a form.
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with _opener().open(request, timeout=REQUEST_SECONDS) as reply:
            return Reply(reply.status, reply.read(), _lower(reply.headers))
    except urllib.error.HTTPError as error:
        with error:
            try:
                return Reply(error.code, error.read(), _lower(error.headers))
            except (OSError, http.client.HTTPException):
                return Reply(error.code, headers=_lower(error.headers))
    except (OSError, http.client.HTTPException) as error:
        return Reply(0, trouble=f"no answer from {parts.netloc} ({getattr(error, 'reason', error) or error!r})")


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirects)
