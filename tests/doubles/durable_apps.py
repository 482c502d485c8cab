"""
Small durable apps, and what a test asks of the host that runs one.

    app = DurableApp(tmp_path)
    app.orchestrator("Chain", "...")
    with app.running() as host:
        assert app.finish(host, "Chain", {"n": 1})["output"] == 2
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from doubles.hosting import (
    Host,
    Response,
    http_return,
    http_trigger,
    running_host,
    started_host,
    write_function,
    write_host_json,
)
from doubles.patience import wait_until

API = "/runtime/webhooks/durabletask"
FINAL = ("Completed", "Failed", "Terminated")
PREFACE = """
import json, logging, os, pathlib, time
from datetime import datetime, timedelta
import azure.functions as func
import azure.durable_functions as df
ROOT = pathlib.Path(__file__).parent.parent
"""
RUN = "\nmain = df.Orchestrator.create(run)\n"


class DurableApp:
    """An app in *folder*; what its functions note in files is told by `notes`."""

    def __init__(self, folder: Path, **host_json: Any) -> None:
        self.root = folder / "app"
        self.state = folder / "state"
        write_host_json(self.root, **host_json)
        # Without it the SDK warns that a 2.x might be installed one day.
        (self.root / "requirements.txt").write_text("azure-functions-durable>=1.7,<2\n")

    def orchestrator(self, name: str, code: str) -> None:
        """Write an orchestrator; *code* defines the generator `run(context)`."""
        binding = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
        write_function(self.root, name, [binding], PREFACE + textwrap.dedent(code) + RUN)

    def activity(self, name: str, code: str) -> None:
        """Write an activity; *code* defines `main(payload)`."""
        binding = {"name": "payload", "type": "activityTrigger", "direction": "in"}
        write_function(self.root, name, [binding], PREFACE + textwrap.dedent(code))

    def starter(self, name: str, code: str) -> None:
        """Write an HTTP function with a durable client; *code* defines `main(req, starter)`."""
        client = {"name": "starter", "type": "durableClient", "direction": "in"}
        write_function(self.root, name, [http_trigger(), client, http_return()], PREFACE + textwrap.dedent(code))

    @contextmanager
    def running(self, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Host]:
        """Run a host on the app; its state outlives it."""
        with running_host(self.root, self.state, *options, environment=environment) as host:
            yield host

    @contextmanager
    def starting(self) -> Iterator[Host]:
        """Run a host that may be dead before it is ready."""
        with started_host(self.root, self.state) as host:
            yield host

    def open_gate(self) -> None:
        """Let go on what waits for the file `gate`."""
        (self.root / "gate").touch()

    def notes(self, name: str) -> list[str]:
        """The lines that functions have appended to the file *name*."""
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []


def start(host: Host, name: str, content: Any = None, instance_id: str = "") -> Response:
    """Start an instance over HTTP as the SDK does: its input is JSON inside of a JSON string."""
    body = json.dumps(json.dumps(content)) if content is not None else None
    return host.request("POST", f"{API}/orchestrators/{name}" + (f"/{quote(instance_id)}" if instance_id else ""), body)


def start_id(host: Host, name: str, content: Any = None, instance_id: str = "") -> str:
    """Start an instance and return its id."""
    answer = start(host, name, content, instance_id)
    assert answer.status == 202, answer.text
    return str(answer.json()["id"])


def status(host: Host, instance_id: str, query: str = "") -> dict[str, Any]:
    """Return an instance's status."""
    answer = host.request("GET", f"{API}/instances/{quote(instance_id)}{query}")
    assert answer.status in (200, 202), answer.text
    content: dict[str, Any] = answer.json()
    return content


def wait_finished(host: Host, instance_id: str, expected: str = "Completed") -> dict[str, Any]:
    """Wait until an instance has finished as *expected*, and return its status."""
    wait_until(lambda: status(host, instance_id)["runtimeStatus"] in FINAL)
    found = status(host, instance_id)
    assert found["runtimeStatus"] == expected, (found, "".join(host.log))
    return found


def finish(host: Host, name: str, content: Any = None, expected: str = "Completed") -> dict[str, Any]:
    """Start an instance, wait for its end and return its status."""
    return wait_finished(host, start_id(host, name, content), expected)


def wait_custom_status(host: Host, instance_id: str, value: object) -> None:
    """Wait until an instance has set *value* as its custom status."""
    wait_until(lambda: status(host, instance_id)["customStatus"] == value)


def event_types(found: Mapping[str, Any]) -> list[str]:
    """The types of a status's history events."""
    return [event["EventType"] for event in found["historyEvents"]]
