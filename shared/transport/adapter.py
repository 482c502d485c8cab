"""
Connections that share one TLS context: requests' adapter without requests' session. `sockets` keeps them to a deadline.

Measured reasons for what looks unusual are in docs/decisions.md. A session asks the environment and merges its defaults
at every call, which is more than a third of the call's CPU. An adapter builds a TLS context for every new connection
and reads the whole file of authorities: ten times the CPU of the connection itself.
"""

import ssl
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from shared.transport import sockets


def prepared(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    """What Session.prepare_request makes, of an address that is one already."""
    request = requests.PreparedRequest()
    request.method = method
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    request.url = _origin(scheme + separator + host) + (slash and path)
    request.headers = CaseInsensitiveDict({**headers, "Accept-Encoding": "identity"})
    if body is not None:
        request.body = body
        request.headers["Content-Length"] = str(len(body))
    return request


@lru_cache(maxsize=8)
def _origin(address: str) -> str:
    """Scheme, host and port as requests writes them (a host with letters beyond ASCII, say), with a slash."""
    request = requests.PreparedRequest()
    request.prepare_url(address, None)
    return str(request.url)


class Adapter(sockets.Adapter):
    """Every connection uses one TLS context, made when the first one is needed."""

    def __init__(self, connections: int, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._latest: tuple[str, Any] = ("", None)
        # Retries are the client's, which knows the deadline; the pool keeps a connection for every thread.
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context(
                    cafile=self._ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH
                )
            return self._context

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection alone: the shared context verifies already."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Give the pool the shared context instead of the authorities' file."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._tls()} if host["scheme"] == "https" else {}

    def send_within(
        self,
        seconds: float,
        request: requests.PreparedRequest,
        *,
        connect_seconds: float,
        proxies: dict[str, str],
    ) -> requests.Response:
        """Send; all of it, and what this thread then reads of the answer, may take so many seconds."""
        sockets.wire_limit.begin(seconds)
        return self.send(request, stream=True, timeout=(connect_seconds, seconds), proxies=proxies)

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        """The pool of an address; the latest is remembered, because to look it up takes the address apart again."""
        origin = "/".join(str(request.url).split("/", 3)[:3])
        latest = self._latest
        if latest[0] != origin:
            self._latest = latest = origin, super().get_connection_with_tls_context(request, *args, **options)
        return latest[1]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """The path: a proxy is asked for tunnels only, so that no request names the whole address."""
        return f"/{str(request.url).split('/', 3)[3]}"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """An answer without cookies, which the app would never send back."""
        response = requests.Response()
        response.status_code, response.reason, response.url = resp.status, resp.reason, str(req.url)
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw, response.request = resp, req
        return response
