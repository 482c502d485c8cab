"""
The loopback service: answers quickly, and breaks on demand. A process of its own, so that its CPU is nobody's.

    python -m bench.peers.server CERTIFICATE KEY

It prints its two ports (HTTP, HTTPS) and ends with its standard input. `GET /_control?fault=NAME&times=N` has the next
N requests struck (all, if N is -1) and all connections ended; `GET /_control` counts what came since. No fault, a
`Connection: close` after each answer: the fault `close after each`. With `&gather=N` the first N requests are answered
once all of them have come, or a second after the first, so that N threads get a connection each.
"""

import asyncio
import json
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from bench.peers import answers

_PIECE = bytes(256 * 1024)
_GATHER_SECONDS = 1.0


class State:
    """What is struck, and what came."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.set("", 0)

    def set(self, fault: str, times: int, gather: int = 0) -> None:
        """Strike the next *times* requests; counting starts anew, and what is under way ends."""
        self.fault, self.times = fault, times
        self._gather, self._gathered = gather, list[Callable[[], None]]()
        self.counts = {"requests": 0, "connections": 0, "sent": 0}
        for connection in list(self.connections):
            connection.abort()

    def answer(self, answer: Callable[[], None]) -> None:
        """Answer now, or once those that are to come together have come."""
        if not self._gather:
            answer()
            return
        self._gathered.append(answer)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._answer_all, self._gathered)
        if len(self._gathered) >= self._gather:
            self._answer_all(self._gathered)

    def _answer_all(self, gathered: list[Callable[[], None]]) -> None:
        if gathered is self._gathered:
            self._gather, self._gathered = 0, []
            for answer in gathered:
                answer()

    def strike(self) -> str:
        """The fault for a request that came in, or an empty name."""
        self.counts["requests"] += 1
        if not self.times:
            return ""
        self.times -= 1
        return self.fault


class Connection(asyncio.Protocol):
    """One connection: requests in, answers or worse out."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._received = bytearray()
        self._path = ""
        self._fault = ""
        # Of a request's body: bytes left, or None before its head is complete; chunked bodies end by themselves.
        self._left: int | None = None
        self._chunked = False
        self._room: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 (asyncio says it)
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._state.connections.add(self)
        self._counted = False

    def connection_lost(self, error: Exception | None) -> None:  # noqa: D102
        self._state.connections.discard(self)
        self._room = None

    def abort(self) -> None:
        """End it with a reset."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and not self._transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def resume_writing(self) -> None:  # noqa: D102
        if self._room is not None:
            self._room()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self._left is None:
            self._received += data
            end = self._received.find(b"\r\n\r\n")
            if end >= 0:
                self._head(bytes(self._received[:end]).decode("latin-1"), bytes(self._received[end + 4 :]))
        elif self._chunked:
            # A body may hold anything, but ours never hold its end.
            self._received = (self._received + data)[-5:]
            self._chunked = not self._received.endswith(b"0\r\n\r\n")
        else:
            self._left -= len(data)
        if self._left is not None and self._left <= 0 and not self._chunked:
            self._left = None
            self._received.clear()
            if self._path.startswith("/_control"):
                self._control()
            else:
                self._state.answer(self._answer)

    def _head(self, head: str, rest: bytes) -> None:
        request, *lines = head.split("\r\n")
        self._path = request.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._chunked = "chunked" in headers.get("transfer-encoding", "")
        self._left = int(headers.get("content-length", 0)) - len(rest)
        if self._chunked:
            self._left = 0
            self._received = bytearray(rest[-5:])
            self._chunked = not rest.endswith(b"0\r\n\r\n")
        if "100-continue" in headers.get("expect", ""):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._path.startswith("/_control"):
            return
        if not self._counted:
            self._counted = True
            self._state.counts["connections"] += 1
        self._fault = self._state.strike()
        if self._fault == "unread upload":
            self._transport.pause_reading()

    def _answer(self) -> None:
        fault, body = self._fault, answers.body_for(self._path)
        half = answers.head(200, len(body)) + body[: len(body) // 2]
        loop = asyncio.get_running_loop()
        if fault in answers.STATUSES:
            self._transport.write(answers.error(answers.STATUSES[fault]))
        elif fault == "reset":
            self.abort()
        elif fault == "close before headers":
            self._transport.close()
        elif fault == "reset in the body":
            self._transport.write(half)
            # A reset throws away what its receiver has not read yet.
            loop.call_later(0.05, self.abort)
        elif fault == "short body":
            self._transport.write(half)
            self._transport.close()
        elif fault == "drip in the headers":
            self._transport.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            self._drip()
        elif fault == "drip in the body":
            self._transport.write(answers.head(200, 1_000_000))
            self._drip()
        elif fault == "100 MB answer":
            # Told of room whenever all that was written has gone.
            self._transport.set_write_buffer_limits(0)
            self._transport.write(answers.head(200, answers.HUGE_BYTES))
            self._room = self._pour
            self._pour()
        elif fault == "close after each":
            self._transport.write(answers.head(200, len(body), Connection="close") + body)
            self._transport.close()
        elif fault not in ("hang", "unread upload"):
            self._transport.write(answers.head(200, len(body)) + body)

    def _drip(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"1")
            asyncio.get_running_loop().call_later(answers.DRIP_SECONDS, self._drip)

    def _pour(self) -> None:
        while not self._transport.is_closing() and self._state.counts["sent"] < answers.HUGE_BYTES:
            self._transport.write(_PIECE)
            self._state.counts["sent"] += len(_PIECE)
            if self._transport.get_write_buffer_size():
                return

    def _control(self) -> None:
        query = parse_qs(urlsplit(self._path).query, keep_blank_values=True)
        counts = json.dumps(self._state.counts).encode()
        if query:
            self._state.connections.discard(self)
            self._state.set(query["fault"][0], int(query["times"][0]), int(query.get("gather", ["0"])[0]))
        self._transport.write(answers.head(200, len(counts), Connection="close") + counts)
        self._transport.close()


async def _serve(certificate: str, key: str) -> None:
    state = State()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, ssl=context, backlog=256)
        for context in (None, tls)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:3]))
