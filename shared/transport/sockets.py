"""
Connections that keep to a deadline, although a service drips, hangs or answers late.

A socket's own limit starts anew with every byte, and so do urllib3's with every address and every part of a body. The
system's resolver has a limit of its own, which may be longer than the call has.
"""

import http.client
import io
import ipaddress
import math
import queue
import socket
import threading
import time
from contextlib import nullcontext, suppress
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.connection import allowed_gai_family

from shared import threads


class _WireLimit(threading.local):
    """
    How long this thread's request and answer may be on the wire.

    Attributes:
        until: the moment, by the monotonic clock.
        step_seconds: the longest that nothing may happen before.
    """

    until = 0.0
    step_seconds = math.inf

    def begin(self, seconds: float, step_seconds: float = math.inf) -> None:
        """Let the request that this thread sends next, and its answer, take so long."""
        self.until = time.monotonic() + seconds
        self.step_seconds = step_seconds

    def left(self) -> float:
        """Seconds, more than 0; TimeoutError if there are none."""
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds

    def apply(self, limited: socket.socket) -> None:
        """Let the socket's next step take what time is left; its own limit would start anew with each."""
        limited.settimeout(min(self.left(), self.step_seconds))


wire_limit = _WireLimit()
# 0 would mean to a socket that it must not wait at all.
_LEAST_SECONDS = 0.001
_SMALL_BYTES = 16 * 1024


class _Received(io.RawIOBase):
    """The bytes that a socket receives while there is time, however it drips."""

    def __init__(self, raw: Any, limited: socket.socket) -> None:
        self._raw = raw
        self._socket = limited

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        wire_limit.apply(self._socket)
        received: int | None = self._raw.readinto(buffer)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        # Beneath the parser, so that status line and headers are limited too.
        self.fp = io.BufferedReader(_Received(self.fp.detach(), sock))


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """
    The addresses of a host, the best first; an address is its own.

    Raises:
        TimeoutError: no answer within so many seconds. The resolver then goes on in its thread, to its own limit.
        OSError: there is no such host.
    """
    try:
        return [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        pass
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM)
            answers.put([str(each[4][0]) for each in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threads.begin("look up a host", look_up)
    try:
        answer = answers.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise TimeoutError(f"{host} was not looked up in time") from None
    if isinstance(answer, UnicodeError):
        raise OSError(f"{host} is no name of a host") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Timed:
    """
    Connecting and sending take no more than what time is left; a small request goes out in one piece.

    urllib3 would give each address of a host, the handshake after them and each part of a body the whole time that is
    for connecting. And it sends the head by itself: a system call, a packet and a TLS record more.
    """

    sock: Any
    port: int
    timeout: Any
    _dns_host: str
    # The head of a request whose body follows at once; empty until it comes, None where nothing is held back.
    _head: bytes | None = None

    def _new_conn(self) -> socket.socket:
        host, most = self._dns_host, self.timeout
        try:
            found = _addresses(host, self.port, min(most, wire_limit.left()))
            for number, address in enumerate(found, 1):
                self._dns_host, self.timeout = address, min(most, wire_limit.left())
                with suppress(urllib3.exceptions.HTTPError) if number < len(found) else nullcontext():
                    made: socket.socket = super()._new_conn()  # type: ignore[misc]
                    break
        finally:
            self._dns_host, self.timeout = host, most
        # A handshake that follows.
        made.settimeout(min(most, max(wire_limit.until - time.monotonic(), _LEAST_SECONDS)))
        return made

    def request(self, method: str, url: str, body: Any = None, *args: Any, **options: Any) -> None:
        self._head = b"" if isinstance(body, bytes) and 0 < len(body) <= _SMALL_BYTES else None
        super().request(method, url, body, *args, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = bytes(data)
            return
        if self._head:
            data, self._head = self._head + data, None
        if self.sock is not None:
            wire_limit.apply(self.sock)
        super().send(data)  # type: ignore[misc]


class _Connection(_Timed, urllib3.connection.HTTPConnection):
    response_class = _Response


class _TlsConnection(_Timed, urllib3.connection.HTTPSConnection):
    response_class = _Response


class Pool(urllib3.HTTPConnectionPool):
    """Connections without TLS."""

    ConnectionCls = _Connection


class TlsPool(urllib3.HTTPSConnectionPool):
    """Connections with TLS."""

    ConnectionCls = _TlsConnection


class Adapter(HTTPAdapter):
    """requests' adapter with these connections. Before each `send`, `wire_limit.begin` says how long it may take."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of connections that keep to their time."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same behind a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
        return manager
