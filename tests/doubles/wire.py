"""An HTTP server on loopback that answers as a test scripts it, down to the bytes and their timing."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Script = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Wire:
    """
    What came in, and how to answer.

    Attributes:
        script: answers each request.
        connections: how many were opened.
        requests: the request lines with the path, in order.
        headers: the headers of each request.
        bodies: the body of each request.
        released: set at the end at the latest; a script that holds an answer back waits for it.
    """

    script: Script
    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def opened(self) -> None:
        with self._lock:
            self.connections += 1

    def received(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            self.requests.append(f"{handler.command} {handler.path}")
            self.headers.append(dict(handler.headers))
            self.bodies.append(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is what some tests are about."""


def whole(status: int = 200, body: bytes = b"{}", **headers: str) -> Script:
    """An ordinary answer; `Connection="close"` among the headers ends the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def running_wire(script: Script | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Serve on a port the system chooses."""
    wire = Wire(script or whole())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            wire.opened()
            super().setup()

        def answer(self) -> None:
            wire.received(self)
            wire.script(self)

        do_GET = do_POST = do_CONNECT = answer  # noqa: N815 (the library's names)

        def log_message(self, *args: object) -> None:
            return

    with _Server(("127.0.0.1", 0), Handler) as server:
        wire.port = server.server_address[1]
        if tls is not None:
            # The handshake happens in the connection's own thread, at its first read.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield wire
        finally:
            wire.released.set()
            server.shutdown()
            thread.join()
