"""A host's Event Grid webhooks, as far as a publisher of events sees them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from doubles.patience import PATIENCE_SECONDS


@dataclass
class Delivery:
    """One POST as it came in."""

    path: str
    query: dict[str, str]
    kind: str
    events: list[dict[str, Any]]


@dataclass
class FakeWebhooks:
    """What came in, and how to answer the next deliveries."""

    port: int = 0
    notification_status: int = 202
    echoes_validation: bool = True
    missing: set[str] = field(default_factory=set)
    """Names of functions, as in `functionName`, that the host does not run."""
    failing: set[str] = field(default_factory=set)
    """Names of blobs at whose events a function fails."""
    holding: threading.Event | None = None
    """While it is not set, no notification is answered."""
    deliveries: list[Delivery] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """Every event of every notification, whatever it was answered."""
        return [event for one in self.deliveries if one.kind == "Notification" for event in one.events]

    def subjects(self, function: str | None = None) -> list[str]:
        """The blob names in the order of the events, of all or of those for one function."""
        return [
            _blob(event)
            for one in self.deliveries
            if one.kind == "Notification" and function in (None, one.query["functionName"])
            for event in one.events
        ]

    def wait_for(self, count: int) -> None:
        """Return once *count* events have come in; fail the test when they do not."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.accepted) >= count, PATIENCE_SECONDS), self.deliveries

    def answer(self, delivery: Delivery) -> tuple[int, dict[str, str]]:
        with self.changed:
            self.deliveries.append(delivery)
            self.changed.notify_all()
        if delivery.query["functionName"] in self.missing:
            return 404, {}
        if delivery.kind != "SubscriptionValidation":
            if self.holding is not None:
                self.holding.wait(PATIENCE_SECONDS)
            has_failed = any(_blob(event) in self.failing for event in delivery.events)
            return 500 if has_failed else self.notification_status, {}
        if not self.echoes_validation:
            return 401, {}
        return 200, {"validationResponse": delivery.events[0]["data"]["validationCode"]}


def _blob(event: dict[str, Any]) -> str:
    return str(event["subject"]).partition("/blobs/")[2]


@contextmanager
def running_webhooks(port: int = 0) -> Iterator[FakeWebhooks]:
    """Serve on *port*, or on one the system chooses."""
    fake = FakeWebhooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind = self.headers["aeg-event-type"]
            status, document = fake.answer(Delivery(parts.path, dict(parse_qsl(parts.query)), kind, body))
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        fake.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
