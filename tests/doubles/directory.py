"""
Microsoft Graph on loopback, as far as the page's registration needs it: applications, their principals, who has a role.

It keeps each write, with a journal. A test says which requests it refuses, and how far its copies lag behind.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from doubles.arm import TOKEN, Fault

Reply = tuple[int, Any]
# What Graph knows in the bodies that are sent to it (learn.microsoft.com, resource types of Graph v1.0).
_MEMBERS = {
    "applications": {
        "displayName",
        "signInAudience",
        "tags",
        "web",
        "appRoles",
        "requiredResourceAccess",
    },
    "federatedIdentityCredentials": {"name", "issuer", "subject", "audiences", "description"},
    "servicePrincipals": {"appId", "appRoleAssignmentRequired", "tags"},
    "oauth2PermissionGrants": {"clientId", "consentType", "resourceId", "scope"},
    "appRoleAssignedTo": {"principalId", "resourceId", "appRoleId"},
}
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
_ABSENT = "Resource does not exist or one of its queried reference-property objects are not present."


class FakeDirectory:
    """
    The service with its state, by object id.

    Attributes:
        applications, principals: the objects.
        credentials: the federated credentials of an application, by its object id.
        consents: what people or administrators have consented to.
        given: the role assignments of a principal, by its object id.
        refused: (method, pattern of the path) of requests that end with 403.
        faults: the same -> what goes wrong with the next such requests.
        behind: the same -> how many more times a copy answers that has not been told yet.
        journal: the writes that were carried out.
        requests: each request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self.applications: dict[str, dict[str, Any]] = {}
        self.principals: dict[str, dict[str, Any]] = {}
        self.credentials: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.consents: list[dict[str, Any]] = []
        self.given: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.refused: set[tuple[str, str]] = set()
        self.faults: dict[tuple[str, str], list[Fault]] = {}
        self.behind: dict[tuple[str, str], int] = {}
        self.journal: list[str] = []
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="directory")
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, **members: Any) -> dict[str, Any]:
        """Put an application there, as an administrator makes it."""
        number = self._next()
        made = {"id": f"object-{number}", "appId": _client_id(number), "displayName": "Pictures", **members}
        made.setdefault("createdDateTime", f"2026-01-01T00:00:{number:02d}Z")
        made.setdefault("tags", [])
        self.applications[made["id"]] = made
        return made

    def state(self) -> str:
        """Return all that it keeps, to compare it."""
        kept = [self.applications, self.principals, self.consents, dict(self.credentials), dict(self.given)]
        return json.dumps(kept, sort_keys=True)

    def answer(self, method: str, target: str, token: str, text: bytes) -> tuple[Reply, dict[str, str]]:
        """Carry a request out; return its status and document, and headers."""
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/v1.0")
        with self._lock:
            self.requests.append(f"{method} {path}")
            if not parts.path.startswith("/v1.0/"):
                return _refusal(400, "BadRequest", "Invalid version."), {}
            if token != f"Bearer {TOKEN}":
                return _refusal(401, "InvalidAuthenticationToken", "The token is invalid."), {}
            for (verb, pattern), ones in self.faults.items():
                if verb == method and ones and re.search(pattern, path):
                    fault = ones.pop(0)
                    return (fault.status, json.loads(fault.text)), fault.headers
            if any(verb == method and re.search(pattern, path) for verb, pattern in self.refused):
                return _refusal(403, "Authorization_RequestDenied", "Insufficient privileges."), {}
            for (verb, pattern), times in self.behind.items():
                if verb == method and times and re.search(pattern, path):
                    self.behind[verb, pattern] = times - 1
                    return _behind(path), {}
            return self._handled(method, path, parse_qs(parts.query), json.loads(text) if text else {}), {}

    def _handled(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Reply:
        kind = path.rstrip("/").rpartition("/")[2]
        unknown = sorted(set(body) - _MEMBERS[kind]) if method == "POST" and kind in _MEMBERS else []
        if unknown:
            return _refusal(400, "Request_BadRequest", f"Invalid property {unknown[0]!r}.")
        routes: list[tuple[str, Callable[..., Reply]]] = [
            (r"/applications", self._all_applications),
            (r"/applications\(appId='([^']+)'\)", self._by_client_id),
            (r"/applications/([^/]+)", self._application),
            (r"/applications/([^/]+)/federatedIdentityCredentials", self._credential),
            (r"/servicePrincipals", self._new_principal),
            (r"/servicePrincipals\(appId='([^']+)'\)", self._principal_of),
            (r"/servicePrincipals/([^/]+)", self._principal),
            (r"/oauth2PermissionGrants", self._consent),
            (r"/servicePrincipals/([^/]+)/appRoleAssignedTo", self._assignment),
        ]
        for pattern, handle in routes:
            found = re.fullmatch(pattern, path)
            if found:
                if method != "GET":
                    self.journal.append(f"{method} {path}")
                return handle(method, *found.groups(), body=body, query=query)
        return _refusal(400, "BadRequest", f"No such path: {path}")

    def _all_applications(self, method: str, *, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        if method == "POST":
            return 201, self.add(**body)
        wanted = re.fullmatch(r"tags/any\(t:t eq '([^']+)'\)", query["$filter"][0])
        assert wanted is not None
        found = [each for each in self.applications.values() if wanted[1] in each["tags"]]
        at = int(query.get("$skiptoken", ["0"])[0])
        page: dict[str, Any] = {"value": found[at : at + 1]}
        if at + 1 < len(found):
            filtered = query["$filter"][0].replace(" ", "%20")
            page["@odata.nextLink"] = f"{self.url}/v1.0/applications?$filter={filtered}&$skiptoken={at + 1}"
        return 200, page

    def _by_client_id(self, method: str, client_id: str, **_: Any) -> Reply:
        assert method == "GET"
        found = [each for each in self.applications.values() if each["appId"] == client_id]
        return (200, found[0]) if found else _refusal(404, "Request_ResourceNotFound", _ABSENT)

    def _application(self, method: str, at: str, *, body: dict[str, Any], **_: Any) -> Reply:
        there = self.applications.get(at)
        if there is None:
            return _refusal(404, "Request_ResourceNotFound", _ABSENT)
        if method == "DELETE":
            del self.applications[at]
            for principal in [key for key, each in self.principals.items() if each["appId"] == there["appId"]]:
                del self.principals[principal]
            return 204, None
        assert method == "PATCH"
        kept = {role["id"] for role in there.get("appRoles") or []}
        if "appRoles" in body and not kept <= {role["id"] for role in body["appRoles"]}:
            return _refusal(400, "CannotDeleteEnabledEntitlement", "Permission cannot be deleted unless disabled.")
        # Of an object within, Graph changes the members that are sent.
        web = {**(there.get("web") or {}), **body.get("web", {})}
        there.update({**body, **({"web": web} if "web" in body else {})})
        return 204, None

    def _credential(self, method: str, at: str, *, body: dict[str, Any], **_: Any) -> Reply:
        if method == "GET":
            return 200, {"value": self.credentials[at]}
        self.credentials[at].append(body)
        return 201, body

    def _new_principal(self, method: str, *, body: dict[str, Any], **_: Any) -> Reply:
        assert method == "POST"
        made = {"id": f"principal-{self._next()}", **body}
        self.principals[made["id"]] = made
        return 201, made

    def _principal_of(self, method: str, client_id: str, **_: Any) -> Reply:
        assert method == "GET"
        if client_id == MICROSOFT_GRAPH:
            return 200, {"id": "microsoft-graph", "appId": client_id}
        found = [each for each in self.principals.values() if each["appId"] == client_id]
        return (200, found[0]) if found else _refusal(404, "Request_ResourceNotFound", _ABSENT)

    def _principal(self, method: str, at: str, *, body: dict[str, Any], **_: Any) -> Reply:
        assert method == "PATCH"
        self.principals[at].update(body)
        return 204, None

    def _consent(self, method: str, *, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        if method == "POST":
            self.consents.append(body)
            return 201, body
        wanted = re.fullmatch(r"clientId eq '([^']+)' and consentType eq 'AllPrincipals'", query["$filter"][0])
        assert wanted is not None
        found = [each for each in self.consents if each["clientId"] == wanted[1]]
        return 200, {"value": [each for each in found if each["consentType"] == "AllPrincipals"]}

    def _assignment(self, method: str, at: str, *, body: dict[str, Any], **_: Any) -> Reply:
        if method == "GET":
            return 200, {"value": self.given[at]}
        if body in self.given[at]:
            return _refusal(400, "Request_BadRequest", "Permission being assigned already exists on the object")
        self.given[at].append(body)
        return 201, body

    def _next(self) -> int:
        self._number += 1
        return self._number


def _client_id(number: int) -> str:
    return f"00000000-0000-0000-0000-0000000000{number:02d}"


def _refusal(status: int, code: str, message: str) -> Reply:
    return status, {"error": {"code": code, "message": message, "innerError": {"request-id": "r"}}}


def _behind(path: str) -> Reply:
    """What a copy of the directory says that does not know the new object yet."""
    if path == "/servicePrincipals":
        message = "The appId 'x' of the service principal does not reference a valid application object."
        return _refusal(400, "Request_BadRequest", message)
    if path.endswith("/appRoleAssignedTo"):
        return _refusal(400, "Request_BadRequest", "Not a valid reference update.")
    return _refusal(404, "Request_ResourceNotFound", _ABSENT)


def _handler(directory: FakeDirectory) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            (status, document), headers = directory.answer(self.command, self.path, token, text)
            said = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
