"""What only one host at a time may hold: the state directory and the port."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.host.errors import StartError
from local.private import private_folder

LOOPBACK = "127.0.0.1"
BACKLOG = 512


@contextmanager
def locked_state(state: Path) -> Iterator[None]:
    """Hold the host's folder in *state* until the block ends or the process dies; raises StartError if it is held."""
    directory = private_folder(state, "host")
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"another host (process {os.read(descriptor, 20).decode() or '?'}) uses {directory}: "
                "stop it, or choose another place with --state"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def listening_socket(port: int) -> socket.socket:
    """Return a socket that listens on loopback *port*, 0 for any free one; raises StartError if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} on {LOOPBACK} is in use: stop the program that holds it, or choose another with --port"
            ) from None
        raise StartError(f"port {port} on {LOOPBACK} cannot be used: {error.strerror}") from None
    return listener
