"""Two ways to run functions, asked alike: in the local host over the wire, and in Microsoft's runtime."""

import base64
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from azure.storage.queue import QueueClient
from doubles.durable_apps import API
from doubles.function_folders import with_binding
from doubles.hosting import Host
from doubles.patience import PATIENCE_SECONDS
from doubles.real_runtime import Outcome, Runtime, blob_metadata, http_request, queue_metadata
from doubles.real_runtime_data import Wire, bytes_value, text_value, unpacked
from doubles.real_runtime_world import World

from shared.durable.read_job import Job

UPLOADS = "AnalyzeOnUpload"
RESCUES = "RescueUpload"
EVENTS = "StorageEvents"
POISON = "webjobs-blobtrigger-poison"
JSON = "application/json"
# The functions with a durable client, whose binding is named `starter`.
DURABLE_CLIENTS = with_binding("durableClient")
TIMER = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
# What a host adds of its own; Azure adds others.
HOST_HEADERS = frozenset({"date", "server", "content-length"})
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Request:
    """One HTTP request; *route* has the values that the function's route finds in *target*, *function* its folder."""

    function: str
    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    route: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Side(Protocol):
    """One way to run the app; *base* is the address that it thinks it is asked at."""

    @property
    def base(self) -> str:
        """Without a slash at its end."""

    def ask(self, request: Request) -> Answer:
        """Answer one HTTP request."""

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Run AnalyzeOnUpload for a blob; returns what it raised, as its type and text."""

    def rescue(self, message: str, *, queued: bool = False) -> str | None:
        """
        Run RescueUpload for a message of the poison queue; returns what it raised, as its type and text.

        *queued* has it come as out of the queue, base64 there and bytes for the function; else it comes as text.
        """

    def notify(self, event: Mapping[str, Any]) -> str | None:
        """Run StorageEvents for an event, in whatever schema; returns what it raised, as its type and text."""

    def tick(self, function: str) -> str | None:
        """Run a function that waits for a time, once; returns what it raised, as its type and text."""


@dataclass
class LocalSide:
    """The app in the local host."""

    world: World
    host: Host
    delivered: int = 0
    failed: int = 0
    rescued: int = 0
    notified: int = 0

    @property
    def base(self) -> str:
        """The local host's own."""
        return self.host.url

    def ask(self, request: Request) -> Answer:
        """Send it over the wire."""
        answer = local_answer(self.host, request)
        headers = dict(answer.headers)
        assert headers.pop("x-content-type-options") == "nosniff"  # customHeaders of host.json
        return Answer(answer.status, headers, answer.body)

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Post the event and wait for the invocation's end in the log."""
        post_event(self.host, UPLOADS, f"{self.world.azurite.blob_url}/{container}/{quote(name)}")
        self.delivered += 1
        error = logged_error(self.host, UPLOADS, self.delivered)
        self.failed += error is not None
        self.host.wait_for_log("webjobs-blobtrigger-poison", self.failed)
        return error

    def rescue(self, message: str, *, queued: bool = False) -> str | None:
        """Put it into the queue, or have the host run it as its administrators can; wait for its end in the log."""
        if queued:
            with QueueClient.from_connection_string(self.world.azurite.connection_string, POISON) as queue:
                queue.send_message(base64.b64encode(message.encode()).decode())
        else:
            self._run_now(RESCUES, message)
        self.rescued += 1
        return logged_error(self.host, RESCUES, self.rescued)

    def notify(self, event: Mapping[str, Any]) -> str | None:
        """Post it as Event Grid does, and wait for its end in the log."""
        target = f"/runtime/webhooks/EventGrid?functionName={EVENTS}"
        headers = {"aeg-event-type": "Notification", "Content-Type": JSON}
        answer = self.host.request("POST", target, json.dumps([event]), headers)
        self.notified += 1
        error = logged_error(self.host, EVENTS, self.notified)
        assert answer.status == (500 if error else 202), answer.text
        return error

    def tick(self, function: str) -> str | None:
        """Have the host run it as its administrators can, and wait for its end in the log."""
        self._run_now(function, "")
        return logged_error(self.host, function, 1)

    def _run_now(self, function: str, given: str) -> None:
        body = json.dumps({"input": given})
        answer = self.host.request("POST", f"/admin/functions/{function}", body, {"Content-Type": JSON})
        assert answer.status == 202, answer.text


@dataclass(frozen=True)
class RealSide:
    """
    The app in Microsoft's runtime, with the part of the platform's host played here.

    Of durable functions that part is a task hub: *hub* is a local host that runs the orchestrations.
    """

    world: World
    runtime: Runtime
    hub: Host
    base: str = "http://127.0.0.1"

    def ask(self, request: Request) -> Answer:
        """Invoke the function with the request."""
        inputs = {"req": request_value(request, self.base), **self._starter(request.function)}
        outcome = self.runtime.invoke(request.function, inputs)
        assert outcome.ok, outcome.traceback
        return http_answer(outcome.returned, request.method)

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Invoke the function with the blob's content."""
        path, uri = f"{container}/{name}", f"{self.world.azurite.blob_url}/{container}/{quote(name)}"
        metadata = blob_metadata(path, uri, {"ContentLength": len(content), "ETag": {}}, {})
        inputs = {"image": bytes_value(content), **self._starter(UPLOADS)}
        outcome = self.runtime.invoke(UPLOADS, inputs, metadata)
        return None if outcome.ok else raised(outcome)

    def rescue(self, message: str, *, queued: bool = False) -> str | None:
        """Invoke the function with the message as the host has decoded it: its bytes, or its text."""
        given = bytes_value(message.encode()) if queued else text_value(message)
        inputs = {"message": given, **self._starter(RESCUES)}
        outcome = self.runtime.invoke(RESCUES, inputs, queue_metadata(message))
        return None if outcome.ok else raised(outcome)

    def notify(self, event: Mapping[str, Any]) -> str | None:
        """Invoke the function with the event as the host hands one over."""
        inputs = {"event": text_value(json.dumps(event), "json"), **self._starter(EVENTS)}
        outcome = self.runtime.invoke(EVENTS, inputs)
        return None if outcome.ok else raised(outcome)

    def tick(self, function: str) -> str | None:
        """Invoke it as if its time had come."""
        inputs = {"timer": text_value(json.dumps(TIMER), "json"), **self._starter(function)}
        outcome = self.runtime.invoke(function, inputs)
        return None if outcome.ok else raised(outcome)

    def _starter(self, function: str) -> dict[str, Wire]:
        return starter(function, self.hub)


def starter(function: str, hub: Host) -> dict[str, Wire]:
    """Return the input of a function's durable client, if it has one."""
    return {"starter": durable_client_value(hub)} if function in DURABLE_CLIENTS else {}


def durable_client_value(hub: Host) -> Wire:
    """Return a durableClient's value as the platform's host makes it, with *hub* as the durable API."""
    address = f"{hub.url}{API}"
    urls = dict.fromkeys(("statusQueryGetUri", "terminatePostUri"), f"{address}/instances/INSTANCEID")
    return text_value(
        json.dumps(
            {
                "taskHubName": "TestHubName",
                "creationUrls": {
                    "createNewInstancePostUri": f"{address}/orchestrators/{{functionName}}[/{{instanceId}}]"
                },
                "managementUrls": {"id": "INSTANCEID", **urls},
                "baseUrl": address,
                "requiredQueryStringParameters": "",
                "rpcBaseUrl": f"{address}/",
            }
        )
    )


def request_value(request: Request, base: str) -> Wire:
    """Return *request* as the host at *base* would hand it to a function."""
    own = {"Host": urlsplit(base).netloc, "Accept-Encoding": "identity"}
    length = {"Content-Length": str(len(request.body))} if request.body else {}
    return http_request(
        request.method,
        base + request.target,
        headers={**own, **length, **request.headers},
        # Azure's host hands a body on only if its length is told.
        body=b"" if "Transfer-Encoding" in request.headers else request.body,
        route=request.route,
    )


def http_answer(returned: Wire, method: str) -> Answer:
    """Return the answer that a function's HTTP output stands for."""
    parts = unpacked(returned, lambda value, _: value)
    headers = {name.lower(): value for name, value in parts["headers"].items()}
    return Answer(int(parts["status_code"]), headers, b"" if method == "HEAD" else parts["body"])


def read_work(job: Job, **more: Any) -> dict[str, Any]:
    """Return what OcrOrchestrator gives an activity to do for *job*; *more* is of later steps."""
    return {"job": job.to_json(), "ticket": None, "wait": 0.0, "failures": 0, "crash": None, **more}


def work_value(work: Mapping[str, Any]) -> Wire:
    """Return the value of an activity's trigger as the platform's host makes it."""
    return text_value(json.dumps(work))


def returned(outcome: Outcome) -> dict[str, Any]:
    """Return the JSON that a durable function has returned."""
    assert outcome.ok, outcome.traceback
    assert outcome.returned["type"] == "json"
    found: dict[str, Any] = json.loads(outcome.returned["value"])
    return found


def raised(outcome: Outcome) -> str:
    """Return what a failed invocation raised, as its type and text."""
    return [line.strip() for line in str(outcome.traceback).splitlines() if line.strip()][-1]


def local_answer(host: Host, request: Request) -> Answer:
    """Send *request* to the local host; what every host adds of its own is left out of the answer."""
    response = host.request(request.method, request.target, request.body or None, request.headers)
    headers = {name.lower(): value for name, value in response.headers if name.lower() not in HOST_HEADERS}
    return Answer(response.status, headers, response.body)


def post_event(host: Host, function: str, url: str) -> None:
    """Tell the local host, as Event Grid would, that the blob at *url* was created."""
    data = {"api": "PutBlob", "eTag": "0x8D", "blobType": "BlockBlob", "url": url}
    event = {"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": url, "data": data}
    headers = {"aeg-event-type": "Notification", "Content-Type": JSON}
    target = f"/runtime/webhooks/blobs?functionName=Host.Functions.{function}"
    assert host.request("POST", target, json.dumps([event]), headers).status == 202


def count_ended(host: Host, function: str) -> int:
    """Return how many invocations of *function* the host has seen the end of."""
    with host.logged:
        return len(_ends(host, function))


def _ends(host: Host, function: str) -> list[int]:
    found = re.compile(rf" {function} [0-9a-f]{{8}} \w+ +(Succeeded|Failed) in ")
    return [number for number, line in enumerate(host.log) if found.search(line)]


def logged_error(host: Host, function: str, count: int) -> str | None:
    """Wait for the end of the invocation number *count* of *function*; returns what it raised, as its type and text."""
    ends = partial(_ends, host, function)
    with host.logged:
        assert host.logged.wait_for(lambda: len(ends()) >= count, PATIENCE_SECONDS), "".join(host.log)
        if " Succeeded in " in host.log[ends()[count - 1]]:
            return None
        # The traceback comes after it; whatever is logged next ends it, this request at the latest.
        host.request("GET", "/api/health")
        told = host.logged.wait_for(lambda: _traceback(host, ends()[count - 1]) is not None, PATIENCE_SECONDS)
        assert told, "".join(host.log)
    lines = _traceback(host, ends()[count - 1]) or []
    return [line.strip() for line in lines if line.strip()][-1]


def _traceback(host: Host, end: int) -> list[str] | None:
    following = host.log[end + 1 :]
    lines = list(itertools.takewhile(lambda line: not LOG_LINE.match(line), following))
    return lines if lines and len(lines) < len(following) else None
