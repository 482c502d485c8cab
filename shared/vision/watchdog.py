"""
Ends calls whose time is over, wherever they are: connecting, sending, or reading one byte after the other.

A socket's own timeout bounds each wait for the wire, not their sum: an answer whose headers drip in, or a service that
takes a large body in small sips, keeps it from ever ending. So one thread watches all calls under way and cuts the
connection of one whose time is over.
"""

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import urllib3

_own = threading.local()


class Guard:
    """One call: when it has to be over, and its connection as soon as it has one."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.connection: Any = None
        self.fired = False
        self._over = False
        self._lock = threading.Lock()

    def remaining(self) -> float:
        """Seconds left; a little, where there are none, because a socket takes 0 for not waiting at all."""
        return max(0.001, self.ends_at - time.monotonic())

    def finish(self) -> None:
        """The call is over: its connection may be another's from now on."""
        with self._lock:
            self._over = True
            self.connection = None

    def fire(self) -> None:
        """Cut the connection, if the call is not over."""
        with self._lock:
            if self._over:
                return
            self.fired = True
            # While a connection is made there is none yet; that is bounded by its own timeout.
            if isinstance(getattr(self.connection, "sock", None), socket.socket):
                with suppress(OSError):
                    # Not the TLS socket's own method, which is not made for another thread's call.
                    socket.socket.shutdown(self.connection.sock, socket.SHUT_RDWR)


class Watchdog:
    """Watches the calls of a process. Safe for threads; its own begins with the first call."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._guards: list[tuple[float, int, Guard]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, seconds: float) -> Iterator[Guard]:
        """Inside, this thread's connection is cut after so many seconds."""
        guard = Guard(time.monotonic() + seconds)
        with self._condition:
            heapq.heappush(self._guards, (guard.ends_at, next(self._numbers), guard))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="vision watchdog", daemon=True)
                self._thread.start()
            elif self._guards[0][2] is guard:
                self._condition.notify()
        _own.guard = guard
        try:
            yield guard
        finally:
            _own.guard = None
            guard.finish()

    def _watch(self) -> None:
        while True:
            with self._condition:
                while not self._guards or self._guards[0][0] > time.monotonic():
                    self._condition.wait(self._guards[0][0] - time.monotonic() if self._guards else None)
                guard = heapq.heappop(self._guards)[2]
            guard.fire()


class _Watched:
    """A connection that tells the guard of the thread that uses it, and sends as long as the call may take."""

    sock: Any
    timeout: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._tell_guard()

    def request(self, *arguments: Any, **options: Any) -> None:
        self._tell_guard()
        super().request(*arguments, **options)  # type: ignore[misc]

    def _tell_guard(self) -> None:
        guard: Guard | None = getattr(_own, "guard", None)
        if guard is not None and self.sock is not None:
            guard.connection = self
            # Until now it was the limit for connecting, which is too short for sending megabytes on a slow line.
            self.timeout = guard.remaining()
            self.sock.settimeout(self.timeout)


class _HttpConnection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _HttpsConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class HttpPool(urllib3.HTTPConnectionPool):
    """A pool of watched connections."""

    ConnectionCls = _HttpConnection


class HttpsPool(urllib3.HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _HttpsConnection
