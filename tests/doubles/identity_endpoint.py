"""
The address at which Azure Functions gives an app the tokens of its managed identities.

Its shape is the platform's (learn.microsoft.com, "How to use managed identities for App Service and Azure Functions",
"REST endpoint reference"): `GET ?api-version=2019-08-01&resource=...&client_id=...` with the secret in a header.
"""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from doubles.tokens import token

VERSION = "2019-08-01"
TENANT = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Given:
    """One token that was given: for what and to which identity, two times in seconds since 1970, and the token."""

    resource: str
    client_id: str
    asked_at: float
    expires_on: int
    token: str = field(repr=False)


@dataclass
class IdentityEndpoint:
    """
    A running one.

    Attributes:
        client_ids: of the identities that the app has; "" is the system-assigned one, which is asked for without an id.
        lifetime_seconds: how long each token is valid; a test may change it.
        grace_seconds: how much longer services take it, as Azure's do for clocks that differ.
        given: the tokens that were given, in order.
        refused: what else was asked, as query and status.
    """

    client_ids: Sequence[str]
    lifetime_seconds: int
    grace_seconds: int = 0
    header: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = 0
    given: list[Given] = field(default_factory=list)
    refused: list[tuple[str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """What the platform tells the app about it."""
        return {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.port}/msi/token", "IDENTITY_HEADER": self.header}

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how many tokens were given, by resource and client id."""
        with self._lock:
            return Counter((each.resource, each.client_id) for each in self.given)

    def answer(self, query: str, header: str | None) -> tuple[int, dict[str, Any]]:
        """Return status and body for one request."""
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        status, problem = self._problem(asked, header)
        if problem:
            with self._lock:
                self.refused.append((query, status))
            return status, {"statusCode": status, "message": problem}
        given = self._give(asked["resource"], asked.get("client_id", ""))
        return 200, {
            "access_token": given.token,
            "client_id": given.client_id,
            "expires_on": str(given.expires_on),
            "resource": given.resource,
            "token_type": "Bearer",
        }

    def _problem(self, asked: dict[str, str], header: str | None) -> tuple[int, str]:
        if header != self.header:
            return 401, "The header X-IDENTITY-HEADER is not the environment's."
        if asked.get("api-version") != VERSION:
            return 400, "The api-version is not supported."
        if not asked.get("resource"):
            return 400, "There is no resource."
        if asked.get("client_id", "") not in self.client_ids:
            return 400, "No managed identity was found for the client_id."
        return 200, ""

    def _give(self, resource: str, client_id: str) -> Given:
        now = time.time()
        begins = int(now)
        ends = begins + self.lifetime_seconds
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": begins,
            "nbf": begins,
            "exp": ends + self.grace_seconds,
            "appid": client_id,
            "tid": TENANT,
            "uti": secrets.token_urlsafe(16),
        }
        given = Given(resource, client_id, now, ends, token(claims))
        with self._lock:
            self.given.append(given)
        return given


@contextmanager
def running_identity_endpoint(
    *client_ids: str, lifetime_seconds: int, grace_seconds: int = 0
) -> Iterator[IdentityEndpoint]:
    """Serve on a port the system chooses, for the identities with these client ids."""
    endpoint = IdentityEndpoint(client_ids, lifetime_seconds, grace_seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, content = endpoint.answer(urlsplit(self.path).query, self.headers.get("X-IDENTITY-HEADER"))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        endpoint.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
