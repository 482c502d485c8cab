"""What a test does to a running stack from outside: hold calls, ask for faults, deliver an event once more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from doubles.calls import call
from doubles.patience import wait_until
from doubles.running_stack import RunningStack

INSTANCES = "/runtime/webhooks/durabletask/instances"


class Held:
    """The vision service with calls of one operation held in it."""

    def __init__(self, stack: RunningStack, operation: str = "analyze") -> None:
        self._port = _vision_port(stack)
        self._operation = operation

    def __enter__(self) -> "Held":
        self._control("PUT", {"operations": [self._operation]})
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let them go on."""
        self._control("DELETE")

    def wait_for(self, count: int) -> None:
        """Wait until that many calls are held."""
        wait_until(lambda: self._waiting() == count)

    def wait_for_any(self) -> None:
        """Wait until some are held: on a busy machine the first would be given up before the last one comes."""
        wait_until(lambda: self._waiting() > 0)

    def _waiting(self) -> int:
        return int(self._control("GET")["waiting"].get(self._operation, 0))

    def _control(self, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return _controlled(self._port, method, "hold", body)


@contextmanager
def faults(stack: RunningStack, **asked: Any) -> Iterator[None]:
    """Inside, the vision service has these faults, named as in `PUT /_control/faults`."""
    _controlled(_vision_port(stack), "PUT", "faults", asked)
    try:
        yield
    finally:
        _controlled(_vision_port(stack), "DELETE", "faults")


@contextmanager
def valid_keys(stack: RunningStack, *keys: str) -> Iterator[None]:
    """Inside, the vision service takes these keys and no others."""
    _controlled(_vision_port(stack), "PUT", "keys", {"keys": list(keys)})
    try:
        yield
    finally:
        _controlled(_vision_port(stack), "DELETE", "keys")


def vision_stats(stack: RunningStack) -> dict[str, Any]:
    """Return what `GET /_control/stats` answers."""
    return _controlled(_vision_port(stack), "GET", "stats")


def unended(stack: RunningStack) -> list[str]:
    """The orchestrations that have not come to an end."""
    path = f"{INSTANCES}?runtimeStatus=Running,Pending&top=100"
    return [instance["instanceId"] for instance in call(stack.addresses.port, "GET", path).json()]


def terminate(stack: RunningStack, instance: str) -> None:
    """End an orchestration that has not come to its end."""
    assert call(stack.addresses.port, "POST", f"{INSTANCES}/{instance}/terminate?reason=test").status == 202


def deliver(stack: RunningStack, name: str) -> int:
    """Post one BlobCreated event as Event Grid does; the answer's status."""
    event = {
        "id": "1",
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {
            "api": "PutBlob",
            "eTag": "0x8D",
            "contentType": "image/png",
            "contentLength": 1,
            "blobType": "BlockBlob",
            "url": f"{stack.addresses.blob_url}/images/{name}",
            "sequencer": "1",
        },
    }
    return call(
        stack.addresses.port,
        "POST",
        "/runtime/webhooks/blobs?functionName=Host.Functions.AnalyzeOnUpload",
        json.dumps([event]).encode(),
        {"Content-Type": "application/json", "aeg-event-type": "Notification"},
    ).status


def _vision_port(stack: RunningStack) -> int:
    return stack.addresses.ports["vision"]


def _controlled(port: int, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    answer = call(port, method, f"/_control/{what}", data, {"Content-Type": "application/json"})
    assert answer.status < 300, answer.text
    found: dict[str, Any] = answer.json() if answer.body else {}
    return found
