"""The authority that gives the app's identity its tokens: as a function, and as what a Functions app finds in Azure."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core.credentials import AccessToken
from doubles.clock import EPOCH


def token(text: str, seconds: float) -> AccessToken:
    """Make a token that ends so many seconds after the fake clock's beginning."""
    return AccessToken(text, int(EPOCH.timestamp() + seconds))


class Authority:
    """
    Answers each asking for a token when it is told to.

    Attributes:
        answers: one for each asking; an exception is raised.
        asked: the scopes so far, each with the options that came with it.
        free: while it is clear, whoever asks has to wait.
    """

    def __init__(self, *answers: AccessToken | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, scope: str, **options: Any) -> AccessToken:
        """Answer as azure-identity's `get_token` does."""
        self.asked.append((scope, options))
        assert self.free.wait(60), "nobody set it free"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def settle() -> None:
    """Wait until nobody asks for a token any more."""
    for thread in threading.enumerate():
        if thread.name == "fetch a token":
            thread.join()


class _Endpoint(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        query = {name: value for name, [value] in parse_qs(urlsplit(self.path).query).items()}
        server: Any = self.server
        server.asked.append((query, self.headers.get("X-IDENTITY-HEADER")))
        answer = {
            "access_token": f"for {query['resource']}",
            "expires_on": str(int(time.time()) + server.seconds),
            "resource": query["resource"],
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def managed_identity(seconds: int = 86_400) -> Iterator[tuple[dict[str, str], list[tuple[dict[str, str], str | None]]]]:
    """Serve tokens of so many seconds; yields the environment variables that say where, and what it was asked."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.asked, server.seconds = [], seconds
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/token"
    try:
        yield {"IDENTITY_ENDPOINT": address, "IDENTITY_HEADER": "the header"}, server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
