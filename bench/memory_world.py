"""What the app finds around it while its memory is measured: storage, a Computer Vision that reads, a task hub."""

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.addresses import LOOPBACK

Json = dict[str, Any]
_PIECE_BYTES = 64 * 1024
_PAGE = {"page": 1, "angle": 0, "width": 100, "height": 100, "unit": "pixel", "lines": []}
_RESULT = {
    "status": "succeeded",
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastUpdatedDateTime": "2026-01-01T00:00:01Z",
    "analyzeResult": {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [_PAGE]},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        if "/orchestrators/" in self.path:
            # The durable client sends the input as JSON in JSON.
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.jobs.append(json.loads(job) if isinstance(job, str) else job)
            self._answer(202, {"id": self.path.rpartition("/")[2].partition("?")[0]})
            return
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            piece = self.rfile.read(min(left, _PIECE_BYTES))
            digest.update(piece)
            left -= len(piece)
        self.server.received.append(digest.hexdigest())
        self._answer(202, {}, f"{self.server.address}/vision/v3.2/read/analyzeResults/{uuid.uuid4()}")

    def do_GET(self) -> None:
        self._answer(200 if "/analyzeResults/" in self.path else 404, _RESULT)

    def _answer(self, status: int, body: Json, operation: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if operation:
            self.send_header("Operation-Location", operation)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.address = f"http://{LOOPBACK}:{self.server_port}"
        self.jobs: list[Any] = []
        self.received: list[str] = []


class Around:
    """The service and the task hub, at one address."""

    def __init__(self, server: _Server) -> None:
        self.address = server.address
        self._server = server

    @property
    def received(self) -> list[str]:
        """The SHA-256 of each document that the service was sent, in hex."""
        return self._server.received

    def taken(self) -> list[Any]:
        """The jobs that the app has handed over since they were last asked for."""
        jobs, self._server.jobs = self._server.jobs, []
        return jobs

    @property
    def durable_client(self) -> str:
        """A durableClient's binding, as the platform makes it."""
        address = f"{self.address}/durable"
        urls = dict.fromkeys(("statusQueryGetUri", "terminatePostUri"), f"{address}/instances/INSTANCEID")
        return json.dumps(
            {
                "taskHubName": "Blobsight",
                "creationUrls": {},
                "managementUrls": {"id": "INSTANCEID", **urls},
                "baseUrl": address,
                "requiredQueryStringParameters": "",
                "rpcBaseUrl": f"{address}/",
            }
        )


@contextmanager
def around() -> Iterator[Around]:
    """Run both on a free port of loopback."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Around(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
