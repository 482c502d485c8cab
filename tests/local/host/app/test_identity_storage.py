"""With an identity the host asks for a token as a Functions app does, and shows it to storage over TLS and no key."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from doubles.authority import make_certificate
from doubles.identity_endpoint import IdentityEndpoint, running_identity_endpoint

from local.host.app import identity
from local.host.app.connections import connection_of
from local.host.app.metadata import Binding
from local.host.blobs.storage import BlobStorage
from local.host.queues.storage import StorageQueue

OTHER_IDENTITIES = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
NO_MESSAGES = b'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList></QueueMessagesList>'
PUT_MESSAGE = (
    b'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage><MessageId>1</MessageId>'
    b"<InsertionTime>Fri, 09 Oct 2026 21:04:30 GMT</InsertionTime><ExpirationTime>Fri, 16 Oct 2026 21:04:30 GMT"
    b"</ExpirationTime><PopReceipt>r</PopReceipt><TimeNextVisible>Fri, 09 Oct 2026 21:04:30 GMT</TimeNextVisible>"
    b"</QueueMessage></QueueMessagesList>"
)


@dataclass
class Azure:
    """The storage account, with what it was asked, and the endpoint of the managed identity."""

    endpoint: IdentityEndpoint
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    account: str = ""

    def storage(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = urlsplit(request.path).path
        self.requests.append((request.command, path, request.headers["Authorization"]))
        if path.endswith("/messages"):
            put = request.command == "POST"
            _send(
                request, 201 if put else 200, PUT_MESSAGE if put else NO_MESSAGES, {"Content-Type": "application/xml"}
            )
        elif request.command == "PUT":
            _send(request, 201, b"", {"ETag": '"1"', "Last-Modified": "Fri, 09 Oct 2026 21:04:30 GMT"})
        else:
            _send(request, 206, b"data", {"ETag": '"1"', "Content-Range": "bytes 0-3/4", "x-ms-blob-type": "BlockBlob"})


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None], context: ssl.SSLContext) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_PUT = do_POST = do_GET  # noqa: N815 - the names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    context, trusted = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    for name in OTHER_IDENTITIES:
        monkeypatch.delenv(name, raising=False)
    made: dict[identity.Identity, Any] = {}
    monkeypatch.setattr(identity, "_credentials", made)
    with running_identity_endpoint("", "me", lifetime_seconds=86_400) as endpoint:
        azure = Azure(endpoint)
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        with serving(azure.storage, context) as port:
            azure.account = f"https://127.0.0.1:{port}/account"
            yield azure
    for credential in made.values():
        credential.close()


@pytest.mark.parametrize(
    ("members", "client_id"),
    [
        ({"credential": "managedidentity", "clientId": "me"}, "me"),
        ({"credential": "managedidentity"}, ""),
        ({"clientId": "me"}, "me"),
        ({}, ""),
    ],
)
def test_one_token_serves_blobs_and_queues(azure: Azure, members: dict[str, str], client_id: str) -> None:
    members |= {"blobServiceUri": f"{azure.account}/", "queueServiceUri": azure.account}
    environment = {f"ImagesStorage__{name}": value for name, value in members.items()}
    trigger = connection_of(Binding("b", "blobTrigger", "in", None, {"connection": "ImagesStorage"}), environment)
    blobs, work = BlobStorage(), StorageQueue(trigger, "work")
    try:
        read = blobs.read(trigger, "images", "a.jpg")
        blobs.write(trigger, "copies", "a.jpg", b"data", "the invocation")
        blobs.send_to_queue(trigger, "poison", "event")
        assert work.receive(1, 30) == []
    finally:
        work.close()
        blobs.close()
    assert read
    assert (read.content, read.uri) == (b"data", f"{azure.account}/images/a.jpg")
    [given] = azure.endpoint.given
    assert (given.resource, given.client_id) == ("https://storage.azure.com", client_id)
    shown = f"Bearer {given.token}"
    assert azure.requests == [
        ("GET", "/account/images/a.jpg", shown),
        ("PUT", "/account/copies/a.jpg", shown),
        ("POST", "/account/poison/messages", shown),
        ("GET", "/account/work/messages", shown),
    ]
