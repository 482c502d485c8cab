"""
What `smoke` asks, on one port of loopback: Azure Resource Manager, the logs, the app and its images account.

Each part is as after a good deployment; a test changes it. A test that has a real app or account sets their variables.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from deployment import event_subscriptions, log_lines
from deployment.site import functions as functions_of_the_project
from doubles.clock import EPOCH

GROUP = "/subscriptions/5ab5/resourceGroups/rg-test"
APP = f"{GROUP}/providers/Microsoft.Web/sites/func-test"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/evgt-test"
KEY = "the-function-key"
RECORD_CONTAINERS = ("analysis", "text", "thumbnails", "unfinished")
METRICS = "/providers/Microsoft.Authorization/roleDefinitions/3913510d-42f4-4e42-8a64-420c390055eb"
DONE = {
    "state": "complete",
    "analysis": {"state": "done", "caption": "a cup", "captionConfidence": 0.875, "tags": ["cup", "table"]},
    "thumbnails": [{"size": "200x150", "state": "done"}, {"size": "1024x768", "state": "done"}],
    "text": {"state": "none"},
}
RECORD = {"source": {"width": 600, "height": 400, "bytes": 64474}}
Answer = tuple[int, dict[str, str], Any]


def problem(status: int, code: str, detail: str = "it says why", action: str = "Do this.") -> Answer:
    """Return the app's own refusal."""
    body = {"code": code, "detail": detail, "action": action}
    return status, {"Content-Type": "application/problem+json; charset=utf-8"}, body


def state(state: str, **problem: str) -> Answer:
    """Return the app's answer about the sample, with the analysis in that state."""
    step = {"state": state, **({"problem": {"message": "it says why", "action": "Do this.", **problem}})}
    return 200, {}, {"state": state, "analysis": step, "thumbnails": [], "text": {"state": "none"}}


def refused(status: int, code: str) -> Answer:
    """Return a refusal of blob storage."""
    return status, {"x-ms-error-code": code}, None


@dataclass
class DeployedApp:
    """
    The running double.

    Attributes:
        asked: each request, as method and path.
        site: the app as Azure Resource Manager shows it.
        refused: the status with which it refuses what lies below the app, by the rest of the path.
        keys: the answers to `listkeys`, in order; the last one stays. So it is with all lists of answers here.
        functions: the names that it knows.
        subscriptions: the properties of the topic's event subscriptions.
        listings: the names in a container of records, by its name, at each look; none where there is nothing.
        settings, roles: the app settings; the role definitions of the app's identity.
        rows: how many lines of the log a query counts.
        logs: the status of a query.
        queries: the queries so far.
        uploads, deletions: the answers to an upload, to a deletion.
        images, analyses: the answers to `/api/images/...`, to `/api/analyze`.
        pages, sessions, logins, strangers: those of the page: its shell, its session, the platform's sign-in, its data.
        forged: the answer to one who writes a principal by hand, by the path; others get those of a stranger.
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)
    site: dict[str, Any] = field(
        default_factory=lambda: {"state": "Running", "functionAppConfig": {"runtime": {"version": "3.12"}}}
    )
    refused: dict[str, int] = field(default_factory=dict)
    keys: list[Answer] = field(default_factory=lambda: [(200, {}, {"functionKeys": {"default": KEY}})])
    functions: list[str] = field(default_factory=functions_of_the_project)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    listings: dict[str, list[list[str]]] = field(default_factory=dict)
    settings: dict[str, str] = field(
        default_factory=lambda: {log_lines.CONNECTION: "I", log_lines.SIGN_IN: "ClientId=c;Authorization=AAD"}
    )
    roles: list[str] = field(default_factory=lambda: [METRICS])
    rows: int = 3
    logs: int = 200
    queries: list[str] = field(default_factory=list)
    uploads: list[Answer] = field(default_factory=lambda: [(201, {"Date": format_datetime(EPOCH, usegmt=True)}, None)])
    deletions: list[Answer] = field(default_factory=lambda: [(202, {}, None)])
    images: list[Answer] = field(default_factory=lambda: [(200, {}, DONE)])
    analyses: list[Answer] = field(default_factory=lambda: [(200, {}, {})])
    pages: list[Answer] = field(
        default_factory=lambda: [(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")]
    )
    sessions: list[Answer] = field(default_factory=lambda: [(200, {}, {"signIn": False})])
    logins: list[Answer] = field(default_factory=lambda: [(404, {}, None)])
    strangers: list[Answer] = field(default_factory=lambda: [problem(401, "gallery_sign_in")])
    forged: dict[str, Answer] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return what azd hands to a hook after this deployment."""
        return {
            "ARM_ENDPOINT": self.url,
            "LOGS_ENDPOINT": self.url,
            "AZURE_SUBSCRIPTION_ID": "5ab5",
            "AZURE_RESOURCE_GROUP": "rg-test",
            "AZURE_FUNCTION_APP_NAME": "func-test",
            "BLOBSIGHT_APP_URL": self.url,
            "BLOBSIGHT_IDENTITY_PRINCIPAL_ID": "1d",
            "BLOBSIGHT_IMAGES_ACCOUNT_ID": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stimages",
            "BLOBSIGHT_IMAGES_BLOB_URL": f"{self.url}/",
            "BLOBSIGHT_HOST_ACCOUNT_ID": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sthost",
            "BLOBSIGHT_VISION_ACCOUNT_ID": f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/cog-test",
            "BLOBSIGHT_TOPIC_ID": TOPIC,
            "BLOBSIGHT_WORKSPACE_ID": "w0",
            "BLOBSIGHT_RUNTIME_PYTHON": "3.12",
        }

    def subscribe(self, app_url: str, **changes: Any) -> None:
        """Have uploads lead to an app, by the subscription that `subscribe` makes, but for *changes*."""
        where = event_subscriptions.to_webhook(event_subscriptions.endpoint(app_url, "a-system-key"))
        # Azure does not show the query, which has the key.
        where["properties"] = {"endpointBaseUrl": event_subscriptions.webhook(app_url)}
        self._subscribe(event_subscriptions.UPLOADS, where, changes)

    def subscribe_function(self, kind: event_subscriptions.Kind, app: str = APP, **changes: Any) -> None:
        """Have other events lead to `StorageEvents` of an app, in the same way."""
        # Azure writes ids in cases of its own.
        address = {"resourceId": f"{app}/functions/{kind.function}".upper()}
        self._subscribe(kind, {"endpointType": "AzureFunction", "properties": address}, changes)

    def _subscribe(self, kind: event_subscriptions.Kind, where: dict[str, Any], changes: dict[str, Any]) -> None:
        made = event_subscriptions.body(kind, where, "h057")["properties"]
        made["filter"] |= changes.pop("filter", {})
        self.subscriptions.append({"provisioningState": "Succeeded", **made, **changes})

    def _listed(self, container: str, _: bytes) -> Answer:
        names = self.listings.get(container) or [[]]
        found = "".join(f"<Blob><Name>{name}</Name></Blob>" for name in (names.pop(0) if len(names) > 1 else names[0]))
        return 200, {}, f"<EnumerationResults><Blobs>{found}</Blobs></EnumerationResults>".encode()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request."""
        self.asked.append(f"{method} {unquote(path)}")
        if self._is_of_the_page(path):
            return self._page(path, headers)
        if path.startswith("/api/"):
            assert headers.get("x-functions-key") == KEY
        else:
            assert headers.get("authorization", "").startswith("Bearer ")
        if path.startswith(APP) and path.removeprefix(APP) in self.refused:
            return self.refused[path.removeprefix(APP)], {}, {"error": {"code": "AuthorizationFailed"}}
        for pattern, answer in self._routes():
            found = re.fullmatch(pattern, f"{method} {unquote(path)}")
            if found:
                return answer(body)
        return 404, {}, {"error": {"code": "ResourceNotFound", "message": path}}

    def _is_of_the_page(self, path: str) -> bool:
        return "gallery" in path or path.startswith("/.auth/")

    def _page(self, path: str, headers: dict[str, str]) -> Answer:
        assert "x-functions-key" not in headers, "a page is never given a function key"
        assert "authorization" not in headers
        if "x-ms-client-principal" in headers:
            return self.forged.get(path) or self.strangers[-1]
        answers = {
            "/api/gallery": self.pages,
            "/api/gallery/data/session": self.sessions,
            "/.auth/login/aad": self.logins,
        }
        return _next(answers.get(path, self.strangers))

    def _routes(self) -> list[tuple[str, Callable[[bytes], Answer]]]:
        def listed(values: list[dict[str, Any]]) -> Answer:
            return 200, {}, {"value": values}

        return [
            (f"GET {APP}", lambda _: (200, {}, {"properties": self.site})),
            (f"POST {APP}/host/default/listkeys", lambda _: _next(self.keys)),
            (f"GET {APP}/functions", lambda _: listed([{"name": f"func-test/{name}"} for name in self.functions])),
            (f"POST {APP}/config/appsettings/list", lambda _: (200, {}, {"properties": self.settings})),
            (
                f"GET {TOPIC}/eventSubscriptions",
                lambda _: listed([{"properties": each} for each in self.subscriptions]),
            ),
            (
                f"GET {GROUP}/providers/Microsoft.Authorization/roleAssignments",
                lambda _: listed([{"properties": {"roleDefinitionId": each}} for each in self.roles]),
            ),
            ("POST /v1/workspaces/w0/query", self._query),
            ("GET /api/images/blobsight-smoke/coffee.jpg", lambda _: _next(self.images)),
            ("POST /api/unfinished/retry", lambda _: (202, {}, {})),
            ("POST /api/analyze", lambda _: _next(self.analyses)),
            ("PUT /images/blobsight-smoke/coffee.jpg", lambda _: _next(self.uploads)),
            ("GET /analysis/blobsight-smoke/coffee.jpg.json", lambda _: (200, {}, RECORD)),
            *((f"GET /{name}", partial(self._listed, name)) for name in RECORD_CONTAINERS),
            ("DELETE /.*", lambda _: _next(self.deletions)),
        ]

    def _query(self, body: bytes) -> Answer:
        self.queries.append(json.loads(body)["query"])
        if self.logs != 200:
            return self.logs, {}, {"error": {"message": "no"}}
        return 200, {}, {"tables": [{"name": "PrimaryResult", "rows": [[self.rows]]}]}


def _next(answers: list[Answer]) -> Answer:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def running_deployed_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedApp]:
    """Serve it, and set the variables that azd hands to a hook."""
    app = DeployedApp()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known = {name.lower(): value for name, value in self.headers.items()}
            status, headers, content = app.answer(self.command, urlsplit(self.path).path, known, body)
            data = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = _do  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        app.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            for name, value in app.environment().items():
                monkeypatch.setenv(name, value)
            yield app
        finally:
            server.shutdown()
            thread.join()
