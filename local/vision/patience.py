"""
How long a client may take, and a stream that keeps to it.

A thread serves each connection, so one that sends half a header, a byte now and then or nothing must not keep it for
ever. A socket's own limit starts anew with every byte; here each part of a request has a limit as a whole.
"""

import io
import math
import socket
import time
from typing import Any, NamedTuple

_LEAST_SECONDS = 0.001


class Patience(NamedTuple):
    """
    Limits in seconds.

    Attributes:
        idle: until the first byte of a request. A minute, so that a client at work keeps its connections.
        head: from there to the end of the headers, which a client sends at once. 30, as Kestrel has it.
        body: for a whole body. Two minutes for 4 MB is 35 KB a second.
        silent: without a byte in the middle of a body, or without taking one of the answer.
    """

    idle: float = 60.0
    head: float = 30.0
    body: float = 120.0
    silent: float = 30.0


PATIENCE = Patience()


class PatientReader(io.RawIOBase):
    """The bytes of a client; reading raises TimeoutError with a sentence when the client is too slow."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, patience: Patience) -> None:
        self._raw, self._connection, self._patience = raw, connection, patience
        self._until: float | None = None
        self._gap = math.inf

    def expect_request(self) -> None:
        """Wait for the next request, with the patience for an idle connection until its first byte."""
        self._until, self._gap = None, math.inf

    def expect_body(self) -> None:
        """Wait for the body of a request, from now on."""
        self._until, self._gap = time.monotonic() + self._patience.body, self._patience.silent

    def readable(self) -> bool:  # noqa: D102 (RawIOBase says it)
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: D102
        seconds = self._patience.idle if self._until is None else min(self._gap, self._until - time.monotonic())
        # 0 would mean to a socket that it must not wait at all, and less is an error.
        self._connection.settimeout(max(seconds, _LEAST_SECONDS))
        try:
            received = self._raw.readinto(buffer)
        except TimeoutError:
            raise TimeoutError(self._complaint()) from None
        finally:
            self._connection.settimeout(self._patience.silent)
        if self._until is None:
            self._until = time.monotonic() + self._patience.head
        return received

    def close(self) -> None:  # noqa: D102
        self._raw.close()
        super().close()

    def _complaint(self) -> str:
        return (
            f"The request came too slowly: its headers have to come within {self._patience.head:g} seconds, its body "
            f"within {self._patience.body:g}, and no {self._patience.silent:g} may pass without a byte of it."
        )
