"""
Azure Resource Manager on loopback, as far as a deployment asks it, and as unreliable as the real one.

It keeps what is written, has a journal of writes, and refuses bodies with members that Azure does not know.
"""

import json
import re
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deployment.site import functions as functions_of_the_project
from doubles.arm_shapes import VERSIONS, unknown_members
from doubles.clock import FakeClock

TOKEN = "t0ken"
Reply = tuple[int, Any]


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong with one request.

    Attributes:
        status: what is answered instead; 0 resets the connection.
        text: the body.
        headers: of the answer.
        done_first: whether the request is carried out before it goes wrong.
    """

    status: int = 0
    text: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    done_first: bool = False


def refusal(status: int, code: str, message: str = "") -> Fault:
    """Return an error as Azure words it."""
    return Fault(status, json.dumps({"error": {"code": code, "message": message}}))


RESET = Fault()
LOST = Fault(done_first=True)
GARBAGE = Fault(200, "<html>gateway</html>")
BUSY = Fault(429, '{"error": {"code": "TooManyRequests"}}', {"Retry-After": "7"})


def _absent(path: str) -> Reply:
    return 404, {"error": {"code": "ResourceNotFound", "message": f"{path} was not found."}}


class FakeArm:
    """
    The service with its state. Paths are kept in lower case, as Azure compares them.

    Args:
        clock: gives roles their `createdOn`.

    Attributes:
        resources: what is there, by its path.
        tenant: the directory that the subscription trusts; empty where Azure does not tell.
        functions: the names of the functions that the app's host has loaded, in lower case.
        groups: names of resource groups by the azd environment of their tag.
        budgets: those of every group.
        roles, subscriptions: the same for role assignments and event subscriptions.
        containers: their names by the path of the list.
        system_keys: what the app's host hands out.
        states: what becomes of event subscriptions, each used for one PUT; then `Succeeded`.
        operation_at: the address of what became of a PUT; `{url}` is the service's own.
        not_shown: a part of event subscriptions that Azure takes and does not show.
        unknown_for: how many more times a principal is not known to the directory.
        faults: (method, pattern of the path) -> what goes wrong with the next such requests.
        always: the same, for each such request.
        journal: the writes that were carried out, and POSTs that change something.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.resources: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.containers: dict[str, list[str]] = defaultdict(list)
        self.tenant = "7e4a47"
        self.budgets: list[dict[str, Any]] = []
        self.groups: dict[str, list[str]] = {}
        self.registrations: dict[str, str] = {}
        self.system_keys: dict[str, str] = {"blobs_extension": "k3y/+=="}
        self.functions: set[str] = {name.lower() for name in functions_of_the_project()}
        self.states: list[str] = []
        self.not_shown = ""
        self.operation_at = "{url}/operations/1"
        self.unknown_for: dict[str, int] = defaultdict(int)
        self.faults: dict[tuple[str, str], list[Fault]] = {}
        self.always: dict[tuple[str, str], Fault] = {}
        self.journal: list[str] = []
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="arm")
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str, token: str, text: bytes) -> tuple[Fault | None, int, Any]:
        """Carry a request out; return what goes wrong with its answer, its status and its document."""
        parts = urlsplit(target)
        path = parts.path.lower()
        with self._lock:
            self.requests.append(f"{method} {path}")
            fault = self._fault(method, path)
            if fault is not None and not fault.done_first:
                return fault, 0, None
            status, document = self._handled(method, path, parse_qs(parts.query), token, text)
            return fault, status, document

    def _fault(self, method: str, path: str) -> Fault | None:
        for (verb, pattern), fault in self.always.items():
            if verb == method and re.search(pattern, path):
                return fault
        for (verb, pattern), ones in self.faults.items():
            if verb == method and ones and re.search(pattern, path):
                return ones.pop(0)
        return None

    def _handled(self, method: str, path: str, query: dict[str, list[str]], token: str, text: bytes) -> Reply:
        if path == "/api/health":
            return 200, {"status": "up"}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}}
        version = query.get("api-version", [""])[0]
        known = next((ones for pattern, ones in VERSIONS if re.search(pattern, path)), ())
        if version not in known:
            return 400, {"error": {"code": "NoRegisteredProviderFound", "message": f"{path} {version}"}}
        body = json.loads(text) if text else {}
        unknown = unknown_members(path, body) if method in ("PUT", "PATCH") else []
        if unknown:
            return 400, {"error": {"code": "InvalidRequestContent", "message": f"unknown: {', '.join(unknown)}"}}
        for pattern, handle in self._routes():
            found = re.search(pattern, path)
            if found:
                return handle(method, path, body, query)
        return self._resource(method, path, body, query)

    def _routes(self) -> list[tuple[str, Callable[..., Reply]]]:
        return [
            (r"/roleassignments(/|$)", self._role),
            (r"/eventsubscriptions/[^/]+(/getfullurl)?$", self._subscription),
            (r"/microsoft\.web/sites/[^/]+/functions/[^/]+$", self._function),
            (r"/operations/\d+$", self._operation),
            (r"/blobservices/default/containers", self._container),
            (r"/host/default/(listkeys|sync)$", self._host),
            (r"/resourcegroups/rg-test/providers/microsoft\.consumption/budgets$", self._budgets),
            (r"^/subscriptions/[^/]+$", lambda *_: (200, {"tenantId": self.tenant})),
            (r"^/subscriptions/[^/]+/resourcegroups$", self._groups),
            (r"^/subscriptions/[^/]+/providers/[^/]+/systemtopics$", self._topics),
            (r"^/subscriptions/[^/]+/providers/[^/]+(/register)?$", self._provider),
        ]

    def _page(self, entries: list[dict[str, Any]], path: str, query: dict[str, list[str]]) -> Reply:
        """Return one entry, and where the next one is: real lists come in pages too."""
        at = int(query.get("$skiptoken", ["0"])[0])
        document: dict[str, Any] = {"value": entries[at : at + 1]}
        if at + 1 < len(entries):
            version, kept = query["api-version"][0], query.get("$filter", [""])[0].replace(" ", "%20")
            more = f"&$filter={kept}" if kept else ""
            document["nextLink"] = f"{self.url}{path}?api-version={version}&$skiptoken={at + 1}{more}"
        return 200, document

    def _role(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        scope, _, name = path.partition("/providers/microsoft.authorization/roleassignments")
        if method == "GET" and not name:
            return self._page(self._roles_seen(scope, query.get("$filter", [""])[0]), path, query)
        if method == "DELETE":
            self.journal.append(f"DELETE {path}")
            return (200, {}) if self.roles.pop(path, None) else (204, {})
        assert method == "PUT"
        given = body["properties"]
        principal = given["principalId"]
        if self.unknown_for[principal] > 0:
            self.unknown_for[principal] -= 1
            return 400, {"error": {"code": "PrincipalNotFound", "message": f"Principal {principal} does not exist."}}
        for other, there in self.roles.items():
            same = all(there["properties"][part] == given[part] for part in ("principalId", "roleDefinitionId"))
            if same and there["properties"]["scope"].lower() == scope and other != path:
                return 409, {"error": {"code": "RoleAssignmentExists", "message": "It exists."}}
        self.journal.append(f"PUT {path}")
        created = self._clock.utc().strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
        self.roles[path] = {"name": name[1:], "properties": {**given, "scope": scope, "createdOn": created}}
        return 201, self.roles[path]

    def _roles_seen(self, scope: str, filtered: str) -> list[dict[str, Any]]:
        principal = re.fullmatch(r"principalId eq '([^']+)'", filtered)
        seen = []
        for role in self.roles.values():
            at = role["properties"]["scope"].lower()
            is_above, is_below = f"{scope}/".startswith(f"{at}/"), at.startswith(f"{scope}/")
            wanted = principal is None or role["properties"]["principalId"] == principal[1]
            if wanted and (is_above or (is_below and filtered != "atScope()")):
                seen.append(role)
        return seen

    def _subscription(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        path = path.removesuffix("/getfullurl")
        there = self.subscriptions.get(path)
        topic = path.partition("/eventsubscriptions")[0]
        if topic not in self.resources:
            return _absent(topic)
        if method == "POST":
            assert there is None or there["endpoint"], "only a webhook has an address"
            return (200, {"endpointUrl": there["endpoint"]}) if there else _absent(path)
        if method == "DELETE":
            self.journal.append(f"DELETE {path}")
            return (202, {}) if self.subscriptions.pop(path, None) else (204, {})
        if method == "PUT":
            destination = body["properties"]["destination"]["properties"]
            endpoint = destination.pop("endpointUrl", "")
            if endpoint:
                destination["endpointBaseUrl"] = endpoint.partition("?")[0]
            elif destination["resourceId"].rpartition("/")[2].lower() not in self.functions:
                # Azure/bicep, issue 11656.
                return 400, {"error": {"code": "Endpoint validation", "message": "Destination endpoint not found."}}
            self.journal.append(f"PUT {path}")
            # One that has failed is never tried again: azure-sdk-for-net, issue 51014.
            failed = there is not None and there["becomes"] == "Failed"
            becomes = "Failed" if failed else (self.states.pop(0) if self.states else "Succeeded")
            self.subscriptions[path] = {"endpoint": endpoint, "becomes": becomes, "is_seen": False, "document": body}
            body["properties"]["provisioningState"] = "Creating"
            body["properties"].pop(self.not_shown, None)
            return 201, body
        if there is None:
            return _absent(path)
        # The first look finds it being made.
        if there["is_seen"]:
            there["document"]["properties"]["provisioningState"] = there["becomes"]
        there["is_seen"] = True
        return 200, there["document"]

    def _operation(self, *_: Any) -> Reply:
        """Say what became of a PUT; the whole address stands in it, as in the real one."""
        endpoint = next(each["endpoint"] for each in self.subscriptions.values() if each["endpoint"])
        detail = {"code": "Url validation", "message": f"Webhook validation handshake failed for {endpoint}."}
        error = {"code": "ResourceOperationFailure", "message": "It ended as Failed.", "details": [detail]}
        return 200, {"status": "Failed", "error": error}

    def _container(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        listed, _, name = path.partition("/containers/")
        if method == "GET":
            return self._page([{"name": one} for one in self.containers[path]], path, query)
        self.journal.append(f"{method} {path}")
        self.containers[f"{listed}/containers"].append(name)
        return 201, {}

    def _host(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        assert method == "POST"
        if path.endswith("/sync"):
            self.journal.append(f"POST {path}")
            return 204, {}
        return 200, {"masterKey": "m4ster", "systemKeys": dict(self.system_keys)}

    def _function(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        assert method == "GET"
        return (200, {}) if path.rpartition("/")[2] in self.functions else _absent(path)

    def _budgets(self, *_: Any) -> Reply:
        return 200, {"value": self.budgets}

    def _groups(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        wanted = re.fullmatch(r"tagName eq 'azd-env-name' and tagValue eq '([^']+)'", query["$filter"][0])
        assert wanted is not None
        return self._page([{"name": name} for name in self.groups.get(wanted[1], [])], path, query)

    def _topics(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        topics = [found for one, found in self.resources.items() if "/systemtopics/" in one]
        return self._page(topics, path, query)

    def _provider(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        name = path.removesuffix("/register")
        if method == "POST":
            self.journal.append(f"POST {path}")
            self.registrations[name] = "Registering"
            return 200, {}
        state = self.registrations.get(name, "NotRegistered")
        if state == "Registering":
            self.registrations[name] = "Registered"
        return 200, {"registrationState": state}

    def _resource(self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]) -> Reply:
        there = self.resources.get(path)
        if there is None:
            return _absent(path)
        if method == "PATCH":
            self.journal.append(f"PATCH {path}")
            there["identity"] = {**body["identity"], "principalId": "the-topic"}
            # The first answer is too early for the id.
            return 200, {**there, "identity": body["identity"]}
        return 200, there


def _handler(arm: FakeArm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            fault, status, document = arm.answer(self.command, self.path, token, text)
            if fault is not None and fault.status == 0:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            headers = fault.headers if fault else {}
            said = fault.text.encode() if fault else json.dumps(document).encode()
            self.send_response(fault.status if fault else status)
            if self.command == "PUT" and "eventsubscriptions" in self.path.lower():
                operation = f"{arm.operation_at.format(url=arm.url)}?api-version=2025-02-15"
                headers = {**headers, "Azure-AsyncOperation": operation}
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
