"""A service that takes every connection and answers byte by byte, or never."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def dripping(parts: Sequence[bytes] = ()) -> Iterator[int]:
    """A port whose connections are each sent these parts, a twentieth of a second between; none is closed before."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for part in parts:
                connection.sendall(part)
                if ended.wait(0.05):
                    return
            ended.wait(60)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=[server.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        thread = threading.Thread(target=accept, args=[server], daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
