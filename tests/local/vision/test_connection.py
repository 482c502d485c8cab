"""What the service does with connections that are not quite as `requests` makes them."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from doubles.vision_calls import Caller, connection_to, picture

from local.vision.connection import Connection
from local.vision.patience import Patience
from local.vision.server import RunningVision, running_vision


@pytest.fixture
def wire(vision: RunningVision) -> Iterator[socket.socket]:
    """Give a bare connection to the service."""
    with connection_to(vision.url) as connection:
        yield connection


def head(vision: RunningVision, *lines: str, path: str = "/vision/v3.2/tag", key: str | None = None) -> bytes:
    """Return the head of a POST of bytes."""
    fixed = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Ocp-Apim-Subscription-Key: {vision.key if key is None else key}",
        "Content-Type: application/octet-stream",
    )
    return "\r\n".join((*fixed, *lines, "", "")).encode()


def answers(wire: socket.socket) -> bytes:
    """Return everything up to the end of the connection."""
    return wire.makefile("rb").read()


def test_chunks_of_any_size_with_extensions_and_trailers_are_read(vision: RunningVision, wire: socket.socket) -> None:
    data = picture(kind="PNG")
    body = b"1;x=y\r\n%b\r\n%X\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (data[:1], len(data) - 1, data[1:])
    wire.sendall(head(vision, "Transfer-Encoding: chunked", "Connection: close") + body)

    assert b" 200 " in answers(wire).partition(b"\r\n")[0]


def test_two_requests_at_once_on_one_connection_are_answered_in_order(
    vision: RunningVision, wire: socket.socket
) -> None:
    """A refused request's body is not taken for the next request."""
    data = picture()
    wrong = head(vision, f"Content-Length: {len(data)}", key="wrong") + data
    right = head(vision, f"Content-Length: {len(data)}", "Connection: close") + data
    wire.sendall(wrong + right)
    received = answers(wire)

    assert received.count(b"HTTP/1.1 ") == 2
    assert received.startswith(b"HTTP/1.1 401 Access Denied\r\n")
    assert b"HTTP/1.1 200 OK" in received


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: 1, 2",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip",),
    ],
)
def test_a_body_whose_end_is_unclear_is_refused_and_the_connection_closed(
    vision: RunningVision, wire: socket.socket, lines: tuple[str, ...]
) -> None:
    wire.sendall(head(vision, *lines) + b"5\r\nhello\r\n0\r\n\r\n")
    received = answers(wire)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in received


@pytest.mark.parametrize("body", [b"xyz\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloworld\r\n", b"0\r\n" + b"A: b\r\n" * 100])
def test_malformed_chunks_are_refused(vision: RunningVision, wire: socket.socket, body: bytes) -> None:
    wire.sendall(head(vision, "Transfer-Encoding: chunked") + body)

    assert answers(wire).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_stops_short_is_not_an_image(vision: RunningVision, wire: socket.socket) -> None:
    wire.sendall(head(vision, "Content-Length: 1000") + picture()[:500])
    wire.shutdown(socket.SHUT_WR)

    assert answers(wire).startswith(b"HTTP/1.1 400 ")
    assert vision.stats() == {}


def test_a_client_that_asks_first_is_told_to_go_on_when_its_body_is_wanted(
    vision: RunningVision, wire: socket.socket
) -> None:
    data = picture()
    wire.sendall(head(vision, f"Content-Length: {len(data)}", "Expect: 100-continue", "Connection: close"))
    assert wire.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"

    wire.sendall(data)
    assert answers(wire).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_asks_first_is_refused_without_its_body(vision: RunningVision, wire: socket.socket) -> None:
    wire.sendall(head(vision, "Content-Length: 4000000", "Expect: 100-continue", key="wrong"))

    assert answers(wire).startswith(b"HTTP/1.1 401 ")


def test_a_connection_serves_many_calls(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[object] = []
    setup = Connection.setup

    def counted(connection: Connection) -> None:
        connections.append(connection)
        setup(connection)

    monkeypatch.setattr(Connection, "setup", counted)
    for _ in range(5):
        caller.post("tag", picture())
        caller.get("models")

    assert len(connections) == 1


NEVER = 3600.0
HEAD = b"POST /vision/v3.2/tag HTTP/1.1\r\nHost: localhost\r\n"
MODELS = "GET /vision/v3.2/models HTTP/1.1\r\nHost: localhost\r\nOcp-Apim-Subscription-Key: {}\r\n\r\n"


def drip(wire: socket.socket, seconds: float) -> None:
    """Send a byte of a header now and then until the service closes the connection."""
    with contextlib.suppress(ConnectionError):
        while not select.select([wire], [], [], seconds)[0]:
            wire.sendall(b"x")


def closed_after(wire: socket.socket) -> bytes:
    """Return what comes until the service closes the connection, with or without a goodbye."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := wire.recv(65536):
            received += piece
    return received


def test_a_client_that_is_silent_in_the_middle_of_its_headers_is_given_up() -> None:
    with running_vision(patience=Patience(NEVER, 0.05, NEVER, NEVER)) as service, connection_to(service.url) as wire:
        wire.sendall(HEAD)
        assert closed_after(wire) == b""


def test_a_client_that_sends_a_byte_of_its_headers_now_and_then_is_given_up_all_the_same() -> None:
    with running_vision(patience=Patience(NEVER, 0.3, NEVER, NEVER)) as service, connection_to(service.url) as wire:
        wire.sendall(HEAD + b"X-Drip: ")
        drip(wire, 0.02)
        assert closed_after(wire) == b""


@pytest.mark.parametrize("patience", [Patience(NEVER, NEVER, NEVER, 0.05), Patience(NEVER, NEVER, 0.05, NEVER)])
@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_body_that_is_not_sent_is_answered_408_which_is_no_fault_of_the_image(
    patience: Patience, key: str | None
) -> None:
    with running_vision(patience=patience) as service, connection_to(service.url) as wire:
        wire.sendall(head(service, "Content-Length: 1000000", key=key) + b"x")
        answer = closed_after(wire)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"\r\nConnection: close\r\n" in answer
        assert b"its body within" in answer


def test_a_body_that_drips_is_given_up_when_its_time_is_over() -> None:
    with running_vision(patience=Patience(NEVER, NEVER, 0.3, NEVER)) as service, connection_to(service.url) as wire:
        wire.sendall(head(service, "Content-Length: 1000000"))
        drip(wire, 0.02)
        assert closed_after(wire).startswith(b"HTTP/1.1 408 ")


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    with running_vision(patience=Patience(0.05, NEVER, NEVER, NEVER)) as service, connection_to(service.url) as wire:
        assert closed_after(wire) == b""


def test_a_connection_on_which_nothing_comes_any_more_is_closed() -> None:
    with running_vision(patience=Patience(1.0, NEVER, NEVER, NEVER)) as service, connection_to(service.url) as wire:
        wire.sendall(MODELS.format(service.key).encode())
        answer = closed_after(wire)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_one_connection_more_than_allowed_is_refused_with_the_number_and_served_when_another_is_closed() -> None:
    with running_vision(max_connections=2) as service:
        with connection_to(service.url) as one, connection_to(service.url) as two:
            for wire in (one, two):
                wire.sendall(MODELS.format(service.key).encode())
                assert wire.recv(1024).startswith(b"HTTP/1.1 200 ")
            with connection_to(service.url) as third:
                answer = closed_after(third)
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"2 connections are open" in answer
        served = (answers_models(service) for _ in range(1000))
        assert any(served), "the closed connections still count"


def answers_models(service: RunningVision) -> bool:
    """Whether a new connection is served."""
    with connection_to(service.url) as wire, contextlib.suppress(ConnectionError):
        wire.sendall(MODELS.format(service.key).encode())
        return wire.recv(1024).startswith(b"HTTP/1.1 200 ")
    return False


def test_a_client_that_goes_away_leaves_the_service_running(
    vision: RunningVision, caller: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    vision.hold.set({})
    data = picture()
    with connection_to(vision.url) as wire:
        wire.sendall(head(vision, f"Content-Length: {len(data)}") + data)
        assert vision.hold.wait_until_waiting("tag", 1, 10)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    vision.hold.release()

    assert caller.get("models").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_stopping_finishes_the_calls_in_flight_and_accepts_no_more() -> None:
    with running_vision() as service, Caller(service.url, service.key) as client:
        service.hold.set({})
        answered: list[requests.Response] = []
        thread = threading.Thread(target=lambda: answered.append(client.post("tag", picture())))
        thread.start()
        assert service.hold.wait_until_waiting("tag", 1, 10)
        assert service.server.stop()
        thread.join()
        assert answered[0].status_code == 200
        assert answered[0].headers["Connection"] == "close"
        assert service.stats()["tag"]["paid"] == 1
        with pytest.raises(ConnectionRefusedError):
            connection_to(service.url)


def test_calls_at_once_are_all_answered(vision: RunningVision) -> None:
    statuses: list[int] = []

    def call() -> None:
        with Caller(vision.url, vision.key) as client:
            statuses.extend(client.post("tag", picture()).status_code for _ in range(5))

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 80
    assert vision.stats()["tag"]["paid"] == 80


def test_only_the_control_address_answers_without_a_key(vision: RunningVision) -> None:
    with Caller(vision.url) as stranger:
        assert stranger.control("GET", "stats").status_code == 200
        assert stranger.get("models").status_code == 401


def test_the_service_listens_on_loopback_only(vision: RunningVision) -> None:
    assert vision.server.socket.getsockname()[0] == "127.0.0.1"
