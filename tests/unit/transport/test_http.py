"""The transport on a real wire: connections, deadlines, limits, TLS."""

import base64
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import urllib3
from doubles.authority import make_certificate
from doubles.clock import FakeClock
from doubles.ports import five_free_ports
from doubles.wire import Script, Wire, running_wire, whole

from shared.clock import Deadline, SystemClock
from shared.errors import UnexpectedAnswerError, VisionUnavailableError
from shared.images import ImageBytes
from shared.transport import http as transport_module
from shared.transport.http import MAX_ANSWER_BYTES, Reply, Transport
from shared.vision.client import VisionClient

vision_transport = partial(Transport, service="Computer Vision")
# More than the buffers of a connection take in.
BIG_BODY = bytes(32 * 1024 * 1024)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with running_wire() as running:
        yield running


def send(
    transport: Transport, url: str, *, seconds: float = 10.0, method: str = "POST", body: bytes | None = b"image"
) -> Reply:
    return transport.send(
        method, url, headers={"X-Test": "1"}, body=body, deadline=Deadline.after(seconds, SystemClock())
    )


def drip(wire: Wire, announced: int | None) -> Script:
    """One byte every few milliseconds, for ever; with its length announced, or chunk by chunk."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        name, value = ("Content-Length", str(announced)) if announced else ("Transfer-Encoding", "chunked")
        handler.send_header(name, value)
        handler.end_headers()
        while not wire.released.wait(0.01):
            handler.wfile.write(b"x" if announced else b"1\r\nx\r\n")

    return answer


def silence(wire: Wire) -> Script:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        wire.released.wait(110)

    return answer


def raw(answer: bytes) -> Script:
    """These bytes, then the end of the connection."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)
        handler.close_connection = True

    return write


def test_what_is_sent_arrives_and_what_is_answered_comes_back(wire: Wire) -> None:
    wire.script = whole(418, b"short and stout", **{"apim-request-id": "id-1"})
    reply = send(vision_transport(connections=1), f"{wire.url}/vision?a=1", body=b"\x00\xff" * 1000)
    assert (reply.status, reply.body, reply.headers["APIM-Request-Id"]) == (418, b"short and stout", "id-1")
    assert wire.requests == ["POST /vision?a=1"]
    assert wire.bodies == [b"\x00\xff" * 1000]
    assert wire.headers[0]["X-Test"] == "1"
    assert wire.headers[0]["Accept-Encoding"] == "identity"


def test_an_answer_in_chunks_is_put_together(wire: Wire) -> None:
    wire.script = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert send(vision_transport(connections=1), wire.url).body == b"abcde"


def test_an_answer_without_a_length_ends_with_its_connection(wire: Wire) -> None:
    wire.script = raw(b"HTTP/1.1 200 OK\r\n\r\nabcde")
    assert send(vision_transport(connections=1), wire.url).body == b"abcde"


def test_an_empty_answer_is_an_answer(wire: Wire) -> None:
    wire.script = whole(503, b"")
    assert send(vision_transport(connections=1), wire.url).body == b""


def test_one_connection_serves_call_after_call(wire: Wire) -> None:
    transport = vision_transport(connections=4)
    for status in (200, 404, 429, 500, 200):
        wire.script = whole(status, b"{}" * 1000)
        assert send(transport, wire.url).status == status
    assert (len(wire.requests), wire.connections) == (5, 1)


def test_a_connection_closed_while_idle_is_opened_anew(wire: Wire) -> None:
    transport = vision_transport(connections=1)
    wire.script = whole(Connection="close")
    assert [send(transport, wire.url).status for _ in range(3)] == [200] * 3
    assert wire.connections == 3


def test_every_thread_keeps_its_connection(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """With the default of ten, the connections above would be thrown away after each use."""
    threads = 24
    together = threading.Barrier(threads)
    answer = whole()

    def at_once(handler: BaseHTTPRequestHandler) -> None:
        together.wait(110)
        answer(handler)

    wire.script = at_once
    transport = vision_transport(connections=threads)
    caplog.set_level(logging.WARNING)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            assert len(list(pool.map(lambda _: send(transport, wire.url), range(threads)))) == threads
    assert wire.connections == threads
    assert caplog.messages == []


@pytest.mark.parametrize("announced", [1000, None], ids=["with its length", "in chunks"])
def test_a_dripping_answer_ends_at_the_deadline(wire: Wire, announced: int | None) -> None:
    wire.script = drip(wire, announced)
    before = time.monotonic()
    with pytest.raises(VisionUnavailableError) as caught:
        send(vision_transport(connections=1), wire.url, seconds=0.3)
    assert 0.25 < time.monotonic() - before < 5
    assert caught.value.transient


def test_dripping_headers_end_at_the_deadline(wire: Wire) -> None:
    """Each byte comes in time for the socket; only their sum does not."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Long: ")
        while not wire.released.wait(0.01):
            handler.wfile.write(b"x")

    wire.script = answer
    before = time.monotonic()
    with pytest.raises(VisionUnavailableError) as caught:
        send(vision_transport(connections=1), wire.url, seconds=0.3)
    assert 0.25 < time.monotonic() - before < 1.3
    assert caught.value.code == "vision_too_slow"


def test_headers_that_are_cut_off_by_the_deadline_are_no_answer(wire: Wire) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        while not wire.released.wait(0.01):
            handler.wfile.write(b"X-More: 1\r\n")

    wire.script = answer
    with pytest.raises(VisionUnavailableError) as caught:
        send(vision_transport(connections=1), wire.url, seconds=0.3)
    assert caught.value.code == "vision_too_slow"


class Sipping:
    """A service that takes a body a few kilobytes at a time, slower than it is sent, and answers at its end."""

    def __init__(self, server: socket.socket, pause_seconds: float, whole: int) -> None:
        self.server, self.pause_seconds, self.whole = server, pause_seconds, whole
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        with suppress(OSError):
            connection, _ = self.server.accept()
            with connection:
                received = 0
                while received < self.whole and not self.stopped.wait(self.pause_seconds):
                    data = connection.recv(64 * 1024)
                    received += len(data)
                    if not data:
                        return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@contextmanager
def sipping(pause_seconds: float, whole: int, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = socket.create_server(("127.0.0.1", 0))
    # A small buffer, so that what is not taken is not sent.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    if tls is not None:
        server = tls.wrap_socket(server, server_side=True)
    with server:
        service = Sipping(server, pause_seconds, whole)
        try:
            yield server.getsockname()[1]
        finally:
            service.stopped.set()
            service.thread.join()


def test_a_body_that_is_taken_in_sips_ends_at_the_deadline() -> None:
    with sipping(0.05, 1 << 40) as port:
        before = time.monotonic()
        with pytest.raises(VisionUnavailableError) as caught:
            send(vision_transport(connections=1), f"http://127.0.0.1:{port}", seconds=0.5, body=bytes(64 << 20))
        assert 0.4 < time.monotonic() - before < 1.5
    assert caught.value.code == "vision_too_slow"


def test_the_same_over_tls(tmp_path: Path) -> None:
    server_side, trusted = make_certificate(tmp_path)
    with sipping(0.05, 1 << 40, server_side) as port:
        transport = vision_transport(connections=1, ca_bundle=str(trusted))
        before = time.monotonic()
        with pytest.raises(VisionUnavailableError) as caught:
            send(transport, f"https://127.0.0.1:{port}", seconds=0.5, body=bytes(64 << 20))
        assert 0.4 < time.monotonic() - before < 1.5
    assert caught.value.code == "vision_too_slow"


@contextmanager
def dripping_handshake() -> Iterator[int]:
    """On the yielded port every connection gets the beginning of a handshake, then a byte of it now and then."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted, suppress(OSError):
            accepted.recv(65536)
            # A record of 16,000 bytes with a ServerHello that fills it.
            accepted.sendall(b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c\x03\x03")
            while not over.wait(0.02):
                accepted.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            server.join()


def test_a_handshake_that_drips_ends_at_the_deadline() -> None:
    with dripping_handshake() as port:
        before = time.monotonic()
        with pytest.raises(VisionUnavailableError) as caught:
            send(vision_transport(connections=1), f"https://127.0.0.1:{port}", seconds=0.4)
        assert time.monotonic() - before < 1.4
    assert caught.value.code == "vision_too_slow"


def test_a_handshake_has_only_the_time_that_connecting_left(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = urllib3.util.connection.create_connection

    def slowly(*args: Any, **options: Any) -> socket.socket:
        threading.Event().wait(1.5)
        return connect(*args, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slowly)
    with dripping_handshake() as port:
        before = time.monotonic()
        with pytest.raises(VisionUnavailableError):
            send(vision_transport(connections=1), f"https://127.0.0.1:{port}", seconds=2.0)
        assert time.monotonic() - before < 3.0


def test_addresses_that_nobody_answers_at_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def silent(address: tuple[str, int], timeout: float, **options: Any) -> socket.socket:
        tried.append((address[0], timeout))
        threading.Event().wait(min(timeout, 0.2))
        raise TimeoutError("timed out")

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 80)) for number in range(1, 9)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: found)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", silent)
    with pytest.raises(VisionUnavailableError):
        send(vision_transport(connections=1), "http://vision.invalid", seconds=0.5)
    addresses, limits = zip(*tried, strict=True)
    assert addresses == ("192.0.2.1", "192.0.2.2", "192.0.2.3")[: len(tried)]
    assert list(limits) == sorted(limits, reverse=True)
    assert limits[-1] < 0.35


def test_the_next_address_is_tried_where_one_refuses(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, wire.port)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: found)
    assert send(vision_transport(connections=1), f"http://vision.invalid:{wire.port}").status == 200
    assert wire.headers[0]["Host"] == f"vision.invalid:{wire.port}"


def test_a_name_server_that_is_silent_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: over.wait(110) and [])
    before = time.monotonic()
    with pytest.raises(VisionUnavailableError) as caught:
        send(vision_transport(connections=1), "https://vision.invalid", seconds=0.3)
    over.set()
    assert time.monotonic() - before < 1.3
    assert caught.value.code == "vision_too_slow"


def test_a_host_that_does_not_exist_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*asked: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(VisionUnavailableError, match="Name or service not known"):
        send(vision_transport(connections=1), "https://vision.invalid")


@pytest.mark.parametrize("size", [1, 16 * 1024])
def test_a_small_request_goes_out_in_one_piece(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    pieces = list[bytes]()
    send_piece = http.client.HTTPConnection.send

    def noted(connection: http.client.HTTPConnection, data: bytes) -> None:
        pieces.append(data)
        send_piece(connection, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", noted)
    with running_wire() as wire:
        transport = vision_transport(connections=1)
        for body in (b"a" * size, b"b" * size):
            send(transport, wire.url, body=body)
        assert [len(body) for body in wire.bodies] == [size, size]
        send(transport, wire.url, method="GET", body=None)
        send(transport, wire.url, body=bytes(16 * 1024 + 1))
    assert [piece[-1:] for piece in pieces] == [b"a", b"b", b"\n", b"\n", b"\0"]
    assert wire.requests[2:] == ["GET /", "POST /"]


@contextmanager
def reading_late(pause_seconds: float, tls: ssl.SSLContext | None) -> Iterator[int]:
    """Serve one request on the yielded port, and take in its body only after a pause."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
            received = connection.recv(65536)
            if over.wait(pause_seconds):
                return
            ends = received.index(b"\r\n\r\n") + 4 + len(BIG_BODY)
            taken = len(received)
            while taken < ends:
                taken += len(connection.recv(1024 * 1024))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            server.join()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_body_that_is_not_taken_in_ends_at_the_deadline(tmp_path: Path, scheme: str) -> None:
    server_side, trusted = make_certificate(tmp_path)
    transport = vision_transport(connections=1, ca_bundle=str(trusted))
    with reading_late(30, server_side if scheme == "https" else None) as port:
        before = time.monotonic()
        with pytest.raises(VisionUnavailableError):
            send(transport, f"{scheme}://127.0.0.1:{port}", seconds=0.5, body=BIG_BODY)
        assert time.monotonic() - before < 5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_body_may_take_longer_than_connecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """urllib3 gives the sending of a body the time that is for connecting: too little for megabytes on a slow line."""
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 1.0)
    server_side, trusted = make_certificate(tmp_path)
    transport = vision_transport(connections=1, ca_bundle=str(trusted))
    with reading_late(1.5, server_side if scheme == "https" else None) as port:
        assert send(transport, f"{scheme}://127.0.0.1:{port}", seconds=60, body=BIG_BODY).status == 200


def test_a_connection_serves_calls_with_deadlines_of_their_own(wire: Wire) -> None:
    transport = vision_transport(connections=1)
    for seconds in (0.5, 10.0, 0.5, 10.0):
        assert send(transport, wire.url, seconds=seconds).status == 200
    assert wire.connections == 1


def test_a_body_of_many_records_arrives_whole_over_tls(tmp_path: Path) -> None:
    server_side, trusted = make_certificate(tmp_path)
    body = bytes(range(256)) * 1000 + b"end"
    with running_wire(tls=server_side) as wire:
        send(vision_transport(connections=1, ca_bundle=str(trusted)), wire.url.replace("http:", "https:"), body=body)
        assert wire.bodies == [body]


@pytest.mark.parametrize("body", [b"", None], ids=["empty", "none"])
def test_a_request_without_content_is_whole(wire: Wire, body: bytes | None) -> None:
    assert send(vision_transport(connections=1), wire.url, body=body).status == 200
    assert wire.bodies == [b""]
    assert "Transfer-Encoding" not in wire.headers[0]


def test_cookies_are_not_sent_back(wire: Wire) -> None:
    wire.script = whole(**{"Set-Cookie": "a=1"})
    transport = vision_transport(connections=1)
    for _ in range(2):
        send(transport, wire.url)
    assert "Cookie" not in wire.headers[1]


def test_each_address_is_asked_at_its_own_place(wire: Wire) -> None:
    transport = vision_transport(connections=2)
    with running_wire() as other:
        for url in (wire.url, other.url, wire.url):
            send(transport, f"{url}/v?a=1#part")
        assert (wire.requests, other.requests) == (["POST /v?a=1"] * 2, ["POST /v?a=1"])


@pytest.mark.parametrize("url", ["nowhere", "http://", "ftp://127.0.0.1/a", "http://[::1/a"])
def test_an_address_that_is_none_is_unavailable(url: str) -> None:
    with pytest.raises(VisionUnavailableError):
        send(vision_transport(connections=1), url)


def test_a_silent_service_ends_at_the_deadline(wire: Wire) -> None:
    wire.script = silence(wire)
    before = time.monotonic()
    with pytest.raises(VisionUnavailableError):
        send(vision_transport(connections=1), wire.url, seconds=0.2)
    assert time.monotonic() - before < 5


def test_an_answer_that_stops_ends_at_the_deadline(wire: Wire) -> None:
    def begin(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        wire.released.wait(110)

    wire.script = begin
    before = time.monotonic()
    with pytest.raises(VisionUnavailableError):
        send(vision_transport(connections=1), wire.url, seconds=0.2)
    assert time.monotonic() - before < 5


def test_nothing_is_sent_when_no_time_is_left(wire: Wire, clock: FakeClock) -> None:
    with pytest.raises(VisionUnavailableError) as caught:
        vision_transport(connections=1).send("GET", wire.url, headers={}, body=None, deadline=Deadline.after(0, clock))
    assert caught.value.code == "vision_too_slow"
    assert wire.connections == 0


def test_messages_name_the_service_that_was_asked() -> None:
    transport = Transport(service="Document Intelligence", connections=1)
    with pytest.raises(VisionUnavailableError, match=r"^Document Intelligence could not be asked: "):
        send(transport, f"http://127.0.0.1:{five_free_ports()}")
    with pytest.raises(VisionUnavailableError, match=r"^There was no time left to ask Document Intelligence\.$"):
        send(transport, "http://127.0.0.1", seconds=0.0)


def test_a_huge_answer_is_refused_without_being_read(wire: Wire) -> None:
    """Nothing follows the headers: whoever tried to read on would wait for the deadline."""

    def announce(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {MAX_ANSWER_BYTES + 1}\r\n\r\n".encode())
        wire.released.wait(110)

    wire.script = announce
    before = time.monotonic()
    with pytest.raises(UnexpectedAnswerError, match=str(MAX_ANSWER_BYTES)):
        send(vision_transport(connections=1), wire.url, seconds=30)
    assert time.monotonic() - before < 10


def test_an_endless_answer_is_refused_at_the_limit(wire: Wire) -> None:
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(2 * MAX_ANSWER_BYTES // 0x100000):
            handler.wfile.write(chunk)

    wire.script = pour
    with pytest.raises(UnexpectedAnswerError):
        send(vision_transport(connections=1), wire.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
    ids=["nothing", "a short body", "a short chunk", "no chunk", "no HTTP"],
)
def test_an_answer_that_breaks_off_or_is_none_is_unavailable(wire: Wire, answer: bytes) -> None:
    wire.script = raw(answer)
    with pytest.raises(VisionUnavailableError) as caught:
        send(vision_transport(connections=1), wire.url)
    assert caught.value.transient
    assert " at 0x" not in caught.value.message


@pytest.mark.parametrize("length", [b"many", b"-5", b"", b"9" * 5000], ids=["a word", "negative", "empty", "endless"])
def test_a_length_that_means_nothing_is_passed_over(wire: Wire, length: bytes) -> None:
    wire.script = raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nabcde")
    assert send(vision_transport(connections=1), wire.url).body == b"abcde"


def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(VisionUnavailableError, match="refused"):
        send(vision_transport(connections=1), f"http://127.0.0.1:{five_free_ports()}")


def test_a_redirect_is_handed_back(wire: Wire) -> None:
    wire.script = whole(302, b"", Location=f"{wire.url}/elsewhere")
    assert send(vision_transport(connections=1), f"{wire.url}/here", method="GET", body=None).status == 302
    assert wire.requests == ["GET /here"]


def test_the_environment_is_not_asked(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings is the only reader of the environment."""
    dead = f"http://127.0.0.1:{five_free_ports()}"
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead)
    assert send(vision_transport(connections=1), wire.url).status == 200


def test_the_proxy_of_the_settings_is_asked_for_a_tunnel_and_never_sees_the_request(wire: Wire) -> None:
    wire.script = whole(403, b"")
    transport = vision_transport(connections=1, https_proxy=wire.url)
    with pytest.raises(VisionUnavailableError, match="403"):
        send(transport, "https://my-resource.cognitiveservices.azure.com/vision")
    assert wire.requests == ["CONNECT my-resource.cognitiveservices.azure.com:443"]
    assert "X-Test" not in wire.headers[0]


def test_a_proxy_is_told_user_and_password_and_nobody_else(wire: Wire) -> None:
    wire.script = whole(407, b"")
    proxy = wire.url.replace("://", "://me:hunter2%2F@")
    with pytest.raises(VisionUnavailableError, match="407") as caught:
        send(
            vision_transport(connections=1, https_proxy=proxy), "https://my-resource.cognitiveservices.azure.com/vision"
        )
    given = wire.headers[0]["Proxy-Authorization"].removeprefix("Basic ")
    assert base64.b64decode(given) == b"me:hunter2/"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy", ["http://me:hunter2@127.0.0.1", "https://hunter2@[::1]", "http://:hunter2%@127.0.0.1"]
)
def test_of_a_proxy_that_does_not_answer_no_password_is_told(proxy: str) -> None:
    transport = vision_transport(connections=1, https_proxy=f"{proxy}:{five_free_ports()}")
    with pytest.raises(VisionUnavailableError, match="could not be asked") as caught:
        send(transport, "https://my-resource.cognitiveservices.azure.com/vision")
    assert "hunter2" not in str(caught.value)


def test_connections_share_one_tls_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context of its own for every connection would read the authorities' file each time."""
    server_side, trusted = make_certificate(tmp_path)
    made: list[str | None] = []
    create = ssl.create_default_context

    def counting(*, cafile: str | None = None) -> ssl.SSLContext:
        made.append(cafile)
        return create(cafile=cafile)

    monkeypatch.setattr(ssl, "create_default_context", counting)
    with running_wire(whole(Connection="close"), tls=server_side) as wire:
        transport = vision_transport(connections=4, ca_bundle=str(trusted))
        url = wire.url.replace("http:", "https:")
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: send(transport, url), range(6)))
        assert [reply.status for reply in replies] == [200] * 6
        assert wire.connections == 6
    assert made == [str(trusted)]


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    server_side, _ = make_certificate(tmp_path)
    with (
        running_wire(tls=server_side) as wire,
        pytest.raises(VisionUnavailableError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        send(vision_transport(connections=1), wire.url.replace("http:", "https:"))
    assert wire.requests == []


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    server_side, trusted = make_certificate(tmp_path)
    with (
        running_wire(tls=server_side) as wire,
        pytest.raises(VisionUnavailableError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        send(vision_transport(connections=1, ca_bundle=str(trusted)), f"https://localhost:{wire.port}")
    assert wire.requests == []


def test_the_client_survives_a_reset_in_the_middle(wire: Wire, clock: FakeClock) -> None:
    """Client and transport together: the first answer breaks off, the second is whole."""
    replies = [raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), whole(200, json.dumps({"tags": []}).encode())]
    wire.script = lambda handler: replies.pop(0)(handler)
    client = VisionClient(wire.url, "key", transport=vision_transport(connections=1), clock=clock)
    assert client.analyze(ImageBytes(b"image")).tags == ()
    assert wire.requests[0].startswith("POST /vision/v3.2/analyze?")
    assert wire.bodies == [b"image", b"image"]
    assert len(clock.sleeps) == 1
