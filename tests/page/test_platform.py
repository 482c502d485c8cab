"""The doubles before the page do what a line and the platform do: else the tests of the page would show nothing."""

import base64
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from doubles.platform_sign_in import COOKIE, EDITOR, VIEWER, SignIn, running_sign_in
from doubles.slow_line import slow_line

PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
LARGE = 250_000


class _Echo(BaseHTTPRequestHandler):
    """An app that tells of a request what came, or as many bytes as its path says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = self.path.removeprefix("/bytes/")
        body = b"x" * int(size) if size.isdigit() else json.dumps(dict(self.headers)).encode()
        self._answer(body)

    def do_PUT(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(hashlib.sha256(sent).hexdigest().encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def app() -> Iterator[int]:
    """The port of the app that echoes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def sign_in(app: int) -> Iterator[SignIn]:
    with running_sign_in(app, excluded=["/api/images", "/runtime/webhooks"]) as running:
        yield running


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=110)
    try:
        yield connection
    finally:
        connection.close()


def got(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    with connected(port) as connection:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()


def seen_by_app(port: int, path: str = "/", **headers: str) -> dict[str, str]:
    """The headers of a request as the app gets them, by their names in lower case."""
    return {name.lower(): value for name, value in json.loads(got(port, path, **headers)[1]).items()}


def test_a_client_cannot_send_a_principal(sign_in: SignIn) -> None:
    forged = {"X_MS_CLIENT_PRINCIPAL": "Zm9yZ2Vk", "x_ms_client_principal_name": "me", "X_MS_TOKEN_AAD_ID_TOKEN": "e30"}

    assert not [name for name in seen_by_app(sign_in.port, **forged) if name.startswith("x-ms-")]


def test_a_person_who_is_signed_in_comes_with_name_and_roles(sign_in: SignIn) -> None:
    cookie = f"{COOKIE}={sign_in.session_of(EDITOR)}"

    seen = seen_by_app(sign_in.port, Cookie=cookie, X_MS_CLIENT_PRINCIPAL="Zm9yZ2Vk")

    principal = json.loads(base64.b64decode(seen[PRINCIPAL.lower()]))
    claims = {(claim["typ"], claim["val"]) for claim in principal["claims"]}
    assert principal["auth_typ"] == "aad"
    assert {(principal["name_typ"], EDITOR.name), (principal["role_typ"], "editor")} <= claims
    assert seen["x-ms-client-principal-name"] == EDITOR.address


def test_a_cookie_that_it_has_not_given_is_no_person(sign_in: SignIn) -> None:
    assert PRINCIPAL.lower() not in seen_by_app(sign_in.port, Cookie=f"{COOKIE}=invented")


def test_paths_that_are_excluded_have_no_principal(sign_in: SignIn) -> None:
    cookie = f"{COOKIE}={sign_in.session_of(VIEWER)}"

    for path in ("/api/images", "/api/images/a.png", "/runtime/webhooks/blobs?functionName=a"):
        assert PRINCIPAL.lower() not in seen_by_app(sign_in.port, path, Cookie=cookie)
    assert PRINCIPAL.lower() in seen_by_app(sign_in.port, "/api/imagesofothers", Cookie=cookie)


def test_a_person_signs_in_and_out(sign_in: SignIn) -> None:
    login = "/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fgallery%3Fq%3Da%2520b"
    _, asked = got(sign_in.port, login)
    assert VIEWER.name in asked.decode()

    answer, _ = got(sign_in.port, f"{login}&as={VIEWER.address}")
    assert (answer.status, answer.headers["Location"]) == (302, "/api/gallery?q=a%20b")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert PRINCIPAL.lower() in seen_by_app(sign_in.port, Cookie=cookie)

    answer, _ = got(sign_in.port, "/.auth/logout?post_logout_redirect_uri=/api/gallery", Cookie=cookie)
    assert (answer.status, answer.headers["Location"]) == (302, "/api/gallery")
    assert PRINCIPAL.lower() not in seen_by_app(sign_in.port, Cookie=cookie)


@pytest.mark.parametrize("address", ["https://evil.invalid/", "//evil.invalid/", "/\\evil.invalid", ""])
def test_sign_in_leads_to_no_other_site(sign_in: SignIn, address: str) -> None:
    answer, _ = got(sign_in.port, f"/.auth/login/aad?post_login_redirect_uri={address}&as={VIEWER.address}")

    assert answer.headers["Location"] == "/"


def test_tokens_are_not_to_be_had(sign_in: SignIn) -> None:
    answer, _ = got(sign_in.port, "/.auth/me", Cookie=f"{COOKIE}={sign_in.session_of(VIEWER)}")

    assert answer.status == 404


def test_what_is_sent_arrives_whole(app: int, sign_in: SignIn) -> None:
    sent = bytes(range(256)) * 200
    with slow_line(sign_in.port) as port, connected(port) as connection:
        connection.request("PUT", "/api/x", sent)
        assert connection.getresponse().read().decode() == hashlib.sha256(sent).hexdigest()


def test_a_trip_takes_its_time(app: int) -> None:
    with slow_line(app, round_trip_seconds=0.2) as port, connected(port) as connection:
        begun = time.monotonic()
        connection.connect()
        for _ in range(2):
            connection.request("GET", "/")
            connection.getresponse().read()

        # One trip opens the connection; the system has accepted it before the line has.
        assert time.monotonic() - begun >= 3 * 0.2


def test_answers_side_by_side_share_the_line(app: int) -> None:
    with slow_line(app, bits_a_second=8_000_000) as port, ThreadPoolExecutor(4) as pool:
        begun = time.monotonic()
        answers = [pool.submit(got, port, f"/bytes/{LARGE}") for _ in range(4)]
        assert [len(answer.result()[1]) for answer in answers] == [LARGE] * 4

        assert time.monotonic() - begun >= 4 * LARGE / 1_000_000


def test_a_line_ends_with_connections_on_it(app: int) -> None:
    with slow_line(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=110)
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()

    with connected(port) as refused, pytest.raises(ConnectionError):
        refused.connect()
