"""
The whole app twice over the same kind of world: once in the local host, once in Microsoft's runtime.

Each side has an Azurite and a vision service of its own, so that what it writes and pays can be compared.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from azure.storage.blob import BlobServiceClient
from doubles.azurite import Azurite, running_azurite
from doubles.hosting import Host
from doubles.real_runtime import Outcome, Runtime, blob_metadata, http_request
from doubles.real_runtime_data import bytes_value, unpacked
from doubles.vision_calls import Caller

from local.stack.containers import CONTAINERS, make_containers
from local.vision.server import RunningVision, running_vision

UPLOADS = "AnalyzeOnUpload"
# What a host adds of its own; Azure adds others.
HOST_HEADERS = frozenset({"date", "server", "content-length"})
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ETAG = re.compile(r"0x[0-9A-F]{13,16}")


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


@dataclass(frozen=True)
class World:
    """The storage and the vision service of one side."""

    azurite: Azurite
    vision: RunningVision
    storage: BlobServiceClient

    def environment(self) -> dict[str, str]:
        """Return the settings of an app in this world; it gives up soon, on uploads after one attempt."""
        return {
            "VISION_ENDPOINT": self.vision.url,
            "VISION_KEY": self.vision.key,
            "VISION_RATE": "100/1",
            "VISION_TIMEOUT_SECONDS": "1",
            "MAX_WAIT_SECONDS": "1",
            "THUMBNAIL_SIZES": "200x150",
            "ImagesStorage": self.azurite.connection_string,
            "AzureWebJobsStorage": self.azurite.connection_string,
            "AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "1",
        }

    def upload(self, container: str, name: str, content: bytes) -> None:
        """Write a blob as any client would."""
        self.storage.get_blob_client(container, name).upload_blob(content, overwrite=True)

    def fail(self, faults: Mapping[str, object]) -> None:
        """Set the vision service's faults."""
        with Caller(self.vision.url) as caller:
            assert caller.control("PUT", "faults", faults).ok

    def paid(self) -> dict[str, Any]:
        """Return what was asked of the vision service, by operation; the order of the bodies does not count."""
        with Caller(self.vision.url) as caller:
            operations: dict[str, Any] = caller.control("GET", "stats").json()["operations"]
        return {name: {**counted, "bodies": sorted(counted["bodies"])} for name, counted in operations.items()}

    def records(self) -> dict[str, Any]:
        """Return every blob but the images: its content and what it is stored with."""
        found = {}
        for container in CONTAINERS:
            if container != "images":
                client = self.storage.get_container_client(container)
                for name in client.list_blob_names():
                    found[f"{container}/{name}"] = self._record(container, name)
        return found

    def plain(self, text: str) -> str:
        """Return *text* without what differs from run to run: addresses, ids, times, and ETags by their images."""
        for image in self.storage.get_container_client("images").list_blobs():
            text = text.replace(str(image.etag).strip('"'), f"<etag of {image.name}>")
        text = text.replace(self.azurite.blob_url, "<storage>").replace(self.vision.url, "<vision>")
        for pattern, name in ((UUID, "<id>"), (TIME, "<time>"), (ETAG, "<etag>")):
            text = pattern.sub(name, text)
        return text

    def _record(self, container: str, name: str) -> dict[str, Any]:
        download = self.storage.get_blob_client(container, name).download_blob()
        content, properties = download.readall(), download.properties
        settings = properties.content_settings
        return {
            "content": self.plain(content.decode()) if settings.content_type == "application/json" else content,
            "type": settings.content_type,
            "cache": settings.cache_control,
            "metadata": self.plain(json.dumps(properties.metadata, sort_keys=True)),
        }


class Side(Protocol):
    """One way to run the app."""

    def ask(self, request: Request) -> Answer:
        """Answer one HTTP request."""

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Run AnalyzeOnUpload for a blob; returns what it raised, as its type and text."""


@dataclass
class LocalSide:
    """The app in the local host."""

    world: World
    host: Host
    delivered: int = 0
    failed: int = 0

    def ask(self, request: Request) -> Answer:
        """Send it over the wire."""
        response = self.host.request(request.method, request.target, request.body or None, request.headers)
        headers = {name.lower(): value for name, value in response.headers}
        own = {name: value for name, value in headers.items() if name not in HOST_HEADERS}
        assert own.pop("x-content-type-options") == "nosniff"  # customHeaders of host.json
        return Answer(response.status, own, response.body)

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Post the event and wait for the invocation's end in the log."""
        url = f"{self.world.azurite.blob_url}/{container}/{quote(name)}"
        data = {"api": "PutBlob", "eTag": "0x8D", "blobType": "BlockBlob", "url": url}
        event = {"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": name, "data": data}
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        target = f"/runtime/webhooks/blobs?functionName=Host.Functions.{UPLOADS}"
        assert self.host.request("POST", target, json.dumps([event]), headers).status == 202
        self.delivered += 1
        return self._outcome()

    def _outcome(self) -> str | None:
        def ends() -> list[int]:
            marks = ("Succeeded in ", "Failed in ")
            return [
                number
                for number, line in enumerate(self.host.log)
                if f" {UPLOADS} " in line and any(mark in line for mark in marks)
            ]

        with self.host.logged:
            assert self.host.logged.wait_for(lambda: len(ends()) == self.delivered, 30), "".join(self.host.log)
            if "Succeeded in " in self.host.log[ends()[-1]]:
                return None
        self.failed += 1
        self.host.wait_for_log("webjobs-blobtrigger-poison", self.failed)
        traceback = itertools.takewhile(lambda line: not LOG_LINE.match(line), self.host.log[ends()[-1] + 1 :])
        return [line.strip() for line in traceback if line.strip()][-1]


@dataclass(frozen=True)
class RealSide:
    """The app in Microsoft's runtime, with the part of the platform's host played here."""

    world: World
    runtime: Runtime

    def ask(self, request: Request) -> Answer:
        """Invoke the function with the request."""
        own = {"Host": "127.0.0.1", "Accept-Encoding": "identity"}
        length = {"Content-Length": str(len(request.body))} if request.body else {}
        value = http_request(
            request.method,
            f"http://127.0.0.1{request.target}",
            headers={**own, **length, **request.headers},
            # Azure's host hands a body on only if its length is told.
            body=b"" if "Transfer-Encoding" in request.headers else request.body,
            route=request.route,
        )
        outcome = self.runtime.invoke(request.function, {"req": value})
        assert outcome.ok, outcome.traceback
        return _http_answer(outcome, request.method)

    def deliver(self, container: str, name: str, content: bytes) -> str | None:
        """Invoke the function with the blob's content."""
        path, uri = f"{container}/{name}", f"{self.world.azurite.blob_url}/{container}/{quote(name)}"
        metadata = blob_metadata(path, uri, {"ContentLength": len(content), "ETag": {}}, {})
        outcome = self.runtime.invoke(UPLOADS, {"image": bytes_value(content)}, metadata)
        if outcome.ok:
            return None
        return [line.strip() for line in str(outcome.traceback).splitlines() if line.strip()][-1]


def _http_answer(outcome: Outcome, method: str) -> Answer:
    parts = unpacked(outcome.returned, lambda value, _: value)
    headers = {name.lower(): value for name, value in parts["headers"].items()}
    return Answer(int(parts["status_code"]), headers, b"" if method == "HEAD" else parts["body"])


@contextmanager
def world() -> Iterator[World]:
    """Start storage and vision, with every container there."""
    with running_azurite() as azurite, running_vision() as vision:
        make_containers(azurite.connection_string)
        with BlobServiceClient.from_connection_string(azurite.connection_string) as storage:
            yield World(azurite, vision, storage)
