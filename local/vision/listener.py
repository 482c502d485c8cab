"""The port of the vision service: a thread for each connection, no more of them than is good, and a patient stop."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.vision import refusals
from local.vision.patience import PATIENCE, Patience
from local.vision.service import VisionService

HOST = "127.0.0.1"
STOP_SECONDS = 30.0
# A thread each. The app opens some dozens; more than this are a mistake, and must not take all memory.
MAX_CONNECTIONS = 512


class VisionServer(ThreadingHTTPServer):
    """
    Serves *service* on 127.0.0.1:*port*, each connection by a *handler* of its own; port 0 takes a free one.

    *patience* is how long a client may take, *max_connections* how many may be open at once. Raises OSError when the
    port is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        service: VisionService,
        handler: type[BaseHTTPRequestHandler],
        *,
        port: int,
        is_verbose: bool = False,
        patience: Patience = PATIENCE,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        super().__init__((HOST, port), handler)
        self.service = service
        self.is_verbose = is_verbose
        self.patience = patience
        self._max_connections = max_connections
        self._free_connections = threading.BoundedSemaphore(max_connections)
        self._calls = 0
        self._idle = threading.Condition()

    @property
    def url(self) -> str:
        """Base address without a slash at its end."""
        return f"http://{HOST}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind, without the look-up of this machine's name that the base class makes."""
        # A service that was killed a moment ago leaves connections that linger on this port.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or refuse it where there are too many."""
        if not self._free_connections.acquire(blocking=False):
            with suppress(OSError):
                request.sendall(_too_many_connections(self._max_connections))
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free_connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free_connections.release()

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a call from its headers to the last byte of its answer."""
        with self._idle:
            self._calls += 1
        try:
            yield
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def stop(self, *, timeout_seconds: float = STOP_SECONDS) -> bool:
        """Accept nothing more and finish what is in flight; False when that took longer than *timeout_seconds*."""
        self.shutdown()
        self.server_close()
        self.service.stop()
        with self._idle:
            return self._idle.wait_for(lambda: self._calls == 0, timeout_seconds)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away; report everything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # typed as a socket there


def _too_many_connections(allowed: int) -> bytes:
    """Return the answer to a client that opens one connection too many."""
    message = f"{allowed} connections are open, which is the most: close those that are not needed, and try again."
    reply = refusals.by_gateway(503, message).reply
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {reply.content_type}\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body
