"""
HTTP on one connection: hands requests to the service and delivers its answers, faults of delivery included.

Adds to the standard library's handler what it lacks: bodies in chunks and with a limit, `Expect: 100-continue` that
waits for the checks, and answers that survive an unread body.
"""

import io
import ipaddress
import re
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler

from local.vision import refusals
from local.vision.body import BodyError, BodyReader
from local.vision.control import CONTROL_PATH, control
from local.vision.listener import VisionServer
from local.vision.patience import PatientReader
from local.vision.replies import Reply, service_headers
from local.vision.service import Delivery, Request

# A client that is still sending when it is answered may never see the answer; so much is read and dropped to spare it.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
DRIP_SECONDS = 0.3
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


class Connection(BaseHTTPRequestHandler):
    """One client's connection."""

    server: VisionServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    _awaits_continue = False

    def setup(self) -> None:
        """Let no client take longer than the server has patience."""
        super().setup()
        # Of each sending; reading sets its own.
        self.connection.settimeout(self.server.patience.silent)
        self._received = PatientReader(self.rfile.detach(), self.connection, self.server.patience)
        self.rfile = io.BufferedReader(self._received)

    def handle_one_request(self) -> None:
        """Wait for a request and answer it."""
        self._received.expect_request()
        super().handle_one_request()

    def handle_expect_100(self) -> bool:
        """Keep the client waiting until its body is wanted: what fails the checks is never sent."""
        self._awaits_continue = True
        return True

    def version_string(self) -> str:
        """Name the server without Python's version."""
        return "BlobsightVision"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Write one line to stderr if wanted, with neither query string nor headers: they carry secrets."""
        if self.server.is_verbose:
            path = getattr(self, "path", "-").partition("?")[0]
            status = args[1] if len(args) > 1 else "-"
            sys.stderr.write(f"{self.command or '-'} {path} {status}\n")

    def do_POST(self) -> None:
        """Answer the request."""
        self._received.expect_body()
        with self.server.in_flight():
            body = BodyReader(self.rfile, self.headers, before_reading=self._continue)
            try:
                delivery = self._answer(body)
                if not self._awaits_continue and not body.drain(MAX_DRAINED_BYTES):
                    self.close_connection = True
                self._deliver(delivery)
            except refusals.ConnectionStruck:
                self._reset()
            except BodyError as error:
                self.close_connection = True
                self._deliver(_unreadable(error))
            except (ConnectionError, TimeoutError):
                self.close_connection = True

    do_GET = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_POST  # noqa: N815

    def _answer(self, body: BodyReader) -> Delivery:
        # A client may name scheme and host before the path, as for a proxy.
        path, _, query = re.sub(r"^https?://[^/?]*", "", self.path).partition("?")
        request = Request(self.command, path, query, self.headers, body)
        if path.startswith(CONTROL_PATH) and ipaddress.ip_address(self.client_address[0]).is_loopback:
            return control(self.server.service, request)
        return self.server.service.answer(request)

    def _continue(self) -> None:
        if self._awaits_continue:
            self._awaits_continue = False
            self.send_response_only(100)
            self.end_headers()

    def _deliver(self, delivery: Delivery) -> None:
        reply, strike = delivery.reply, delivery.strike
        body = reply.body
        if strike.broken_json and reply.is_json:
            body = body[: len(body) // 2]
        if strike.reset_body and not body:
            # An accepted Read has no body to break off in; its answer is lost as a whole.
            self._reset()
            return
        self._send_head(delivery, len(body))
        if self.command == "HEAD":
            return
        if strike.reset_body:
            self.wfile.write(body[: len(body) // 2])
            self._reset()
        elif strike.drip:
            self._drip(body)
        else:
            self.wfile.write(body)

    def _send_head(self, delivery: Delivery, body_bytes: int) -> None:
        if self._awaits_continue or self.server.service.is_stopping:
            self.close_connection = True
        reply = delivery.reply
        self.send_response(reply.status, reply.reason)
        for name, value in {**delivery.headers, **reply.headers}.items():
            self.send_header(name, value)
        if reply.content_type is not None:
            self.send_header("Content-Type", reply.content_type)
        if reply.status != 204:
            self.send_header("Content-Length", str(body_bytes))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self._awaits_continue = False

    def _drip(self, body: bytes) -> None:
        """Send a byte at a time; the rest at once when the service stops."""
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            if self.server.service.admission.stopping.wait(DRIP_SECONDS):
                self.wfile.write(body[position + 1 :])
                return

    def _reset(self) -> None:
        """End the connection with a reset instead of a goodbye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        # The socket closes with the last file made from it.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
        # The base class flushes what it takes for the way to the client.
        self.wfile = io.BytesIO()


def _unreadable(error: BodyError) -> Delivery:
    refusal = refusals.bad_body(str(error))
    return Delivery(
        Reply(error.status, refusal.reply.body), service_headers(request_id="", milliseconds=None, billed=())
    )
