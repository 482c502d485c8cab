"""The app's HTTP API as far as the local commands read it: images with states that a test sets."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class FakeApp:
    """
    *images* holds the JSON of each image; the keys, when set, must come with every request to the app or the admin API.

    *asked* are the images that were asked for, *again* those to be processed again, which makes them complete.
    *unfinished* is listed a page of one at a time, and images in one state, with an empty page first; *retries* are the
    bodies that asked for something to be tried again. *before_retry* is called with their number before each answer,
    which tells of *retry_page* steps at most.
    *misdeployed* is the problem with which it answers everything, *broken* what the host says of functions that do not
    load; one that does not *know images* has no function for them.
    *health* is the status and the report of its health, which only *health_key* opens.
    *comparisons* are the statuses of its comparison, the last again and again; None: it has none.
    *rebuilds* are the states of its index, the last again and again; None: it has none.
    The next *busy* requests are answered 503, to come back at once; *foreign* is the body of all answers, if set. The
    next *silent* requests get no answer, as of a host that is killed.
    """

    port: int = 0
    key: str | None = None
    master_key: str | None = None
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    admin_status: int = 202
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    retries: list[dict[str, Any]] = field(default_factory=list)
    retry_page: int = 200
    before_retry: Callable[[int], None] = lambda number: None
    health: tuple[int, dict[str, Any]] = (200, {"status": "up", "problems": [], "warnings": []})
    health_key: str | None = None
    misdeployed: dict[str, Any] | None = None
    broken: list[str] = field(default_factory=list)
    knows_images: bool = True
    comparisons: list[dict[str, Any]] | None = None
    rebuilds: list[dict[str, Any]] | None = None
    durable_key: str | None = None
    begun: int = 0
    before_status: Callable[[], None] = lambda: None
    busy: int = 0
    foreign: bytes | None = None
    silent: int = 0

    def answer(self, target: str, key: str | None) -> tuple[int, dict[str, Any]]:
        path = urlsplit(target).path
        if path == "/admin/host/ping":
            return 200, {}
        if path == "/admin/host/status":
            return (200, {"errors": self.broken}) if self.master_key in (None, key) else (401, {})
        if path == "/api/health":
            status, report = self.health
            return status, report if self.health_key and key == self.health_key else {"status": report["status"]}
        if path == "/runtime/webhooks/durabletask/instances/reconcile":
            if self.durable_key not in (None, key):
                return 401, {}
            self.before_status()
            told = self.comparisons or [{}]
            return 202, told.pop(0) if len(told) > 1 else told[0]
        if self.key is not None and key != self.key:
            return 401, {}
        if self.misdeployed:
            return 500, self.misdeployed
        if path == "/api/search/rebuild" and self.rebuilds:
            self.before_status()
            return 200, self.rebuilds.pop(0) if len(self.rebuilds) > 1 else self.rebuilds[0]
        query = {name: value for name, (value,) in parse_qs(urlsplit(target).query).items()}
        if path == "/api/unfinished":
            wanted = {name: query[name] for name in ("step", "state", "code") if name in query}
            chosen = [each for each in self.unfinished if wanted.items() <= each.items()]
            return 200, self._page("unfinished", chosen, query)
        if path == "/api/images" and "name" not in query:
            chosen = [image for image in self.images.values() if image["state"] == query.get("state", image["state"])]
            return 200, self._page("images", chosen, query, start=-1)
        if path.startswith("/api/images//"):
            return 404, {}
        name = query.get("name", unquote(path.removeprefix("/api/images/")))
        self.asked.append(name)
        image = self.images.get(name)
        return (200, image) if image else (404, {"code": "image_not_found"} if self.knows_images else {})

    def _page(
        self, member: str, entries: list[dict[str, Any]], query: dict[str, str], start: int = 0
    ) -> dict[str, Any]:
        start = int(query.get("continuation", start))
        further = str(start + 1) if start + 1 < len(entries) else None
        return {member: entries[max(start, 0) : start + 1], "continuation": further}

    def retry(self, key: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.key is not None and key != self.key:
            return 401, {"code": "unauthorized", "detail": "A key is needed.", "action": "Send one."}
        start = int(body.pop("continuation", 0))
        self.retries.append(body)
        self.before_retry(len(self.retries))
        chosen = [each for each in self.unfinished if body.get("all") or body.items() <= each.items()]
        if body.get("pending"):
            pending = [image["name"] for image in self.images.values() if image["state"] == "pending"]
            chosen = [{"name": name, "step": "analysis"} for name in pending]
        if "name" in body and not chosen:
            detail = f"Nothing is unfinished of {body['name']}."
            return 404, {"code": "nothing_unfinished", "detail": detail, "action": "List what is."}
        retried = [
            {"name": each["name"], "step": each["step"], "inSeconds": 0.2 + 30 * number}
            for number, each in enumerate(chosen)
        ]
        end = start + self.retry_page
        return 202, {"retried": retried[start:end], "continuation": str(end) if end < len(retried) else None}

    def run(self, target: str, key: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        if target == "/api/unfinished/reconcile":
            if self.comparisons is None:
                return 404, {}
            if self.key is not None and key != self.key:
                return 401, {"code": "unauthorized", "detail": "A key is needed.", "action": "Send one."}
            assert body == b""
            self.begun += 1
            return 202, {"reconciliation": "started", "mode": "repair", "action": "Wait."}
        if target == "/api/search/rebuild":
            if self.rebuilds is None:
                return 404, {}
            if self.key is not None and key != self.key:
                return 401, {"code": "unauthorized", "detail": "A key is needed.", "action": "Send one."}
            assert body == b""
            self.begun += 1
            return 202, {"rebuild": "started" if self.begun == 1 else "running", "action": "Wait."}
        if target == "/api/unfinished/retry":
            return self.retry(key, json.loads(body))
        if self.master_key is not None and key != self.master_key:
            return 401, {}
        container, _, name = json.loads(body)["input"].partition("/")
        assert (target, container) == ("/admin/functions/AnalyzeOnUpload", "images")
        self.again.append(name)
        if self.admin_status == 202:
            self.images[name] = image_json(name)
        return self.admin_status, {}


def image_json(name: str, state: str = "complete", **changes: Any) -> dict[str, Any]:
    """Return the JSON of an image with an analysis and two thumbnails, all in the same state, and without text."""
    step = "done" if state == "complete" else state
    thumbnails = [
        {"size": size, "state": step, "record": f"thumbnails/{name}/{size}-smart.jpg"}
        for size in ("200x150", "1024x768")
    ]
    analysis = {
        "state": step,
        "caption": "a cup of coffee",
        "captionConfidence": 0.42,
        "tags": ["cup", "coffee"],
        "record": f"analysis/{name}.json",
    }
    return {
        "name": name,
        "state": state,
        "analysis": analysis,
        "thumbnails": thumbnails,
        "text": {"state": "none"},
        **changes,
    }


def text_json(name: str, excerpt: str = "RIVER PARK OPEN 8 - 20") -> dict[str, Any]:
    """Return the JSON of a text that was read."""
    return {"state": "done", "excerpt": excerpt, "record": f"text/{name}.json", "plain": f"text/{name}.txt"}


def document_json(name: str) -> dict[str, Any]:
    """Return the JSON of a document, which has nothing but its text."""
    nothing = {"state": "none", "caption": None, "captionConfidence": None, "tags": []}
    return image_json(name, analysis=nothing, thumbnails=[], text=text_json(name, "Minutes of the summer party"))


@contextmanager
def running_app(port: int = 0) -> Iterator[FakeApp]:
    """Serve on *port*, or on one the system chooses."""
    app = FakeApp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(*app.answer(self.path, self.headers["x-functions-key"]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(*app.run(self.path, self.headers["x-functions-key"], body))

        def finish(self) -> None:
            # A caller who was interrupted is gone before it is answered; no other test is to read about it.
            with suppress(ConnectionError):
                super().finish()

        def reply(self, status: int, document: dict[str, Any]) -> None:
            if app.silent:
                app.silent -= 1
                return
            body = json.dumps(document).encode() if app.foreign is None else app.foreign
            if app.busy:
                app.busy -= 1
                status, body = 503, b'{"code": "storage_unavailable", "detail": "Storage is busy.", "action": "Wait."}'
            self.send_response(status)
            if status == 503:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        app.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield app
        finally:
            server.shutdown()
            thread.join()
