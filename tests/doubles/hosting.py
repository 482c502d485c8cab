"""
Write small apps and run the local Functions host on them, in a process of its own and on a free port.

    with running_host(root, tmp_path) as host:
        assert host.request("GET", "/api/hello").status == 200
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from doubles.patience import PATIENCE_SECONDS

PROJECT_ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"host ready (http://127\.0\.0\.1:(\d+))")
START_SECONDS = 110.0
STOP_SECONDS = 110.0


def http_trigger(**properties: Any) -> dict[str, Any]:
    """Return an httpTrigger binding named `req`."""
    return {"type": "httpTrigger", "direction": "in", "name": "req", **properties}


def http_return() -> dict[str, Any]:
    """Return an http output binding named `$return`."""
    return {"type": "http", "direction": "out", "name": "$return"}


def blob_trigger(path: str = "images/{name}", **properties: Any) -> dict[str, Any]:
    """Return an Event Grid blob trigger binding named `blob` on the connection ImagesStorage."""
    own = {"type": "blobTrigger", "direction": "in", "name": "blob", "path": path, "source": "EventGrid"}
    return {**own, "connection": "ImagesStorage", **properties}


def event_grid_trigger(**properties: Any) -> dict[str, Any]:
    """Return an eventGridTrigger binding named `event`."""
    return {"type": "eventGridTrigger", "direction": "in", "name": "event", **properties}


def queue_trigger(queue: str, **properties: Any) -> dict[str, Any]:
    """Return a queueTrigger binding named `item` on the connection ImagesStorage."""
    own = {"type": "queueTrigger", "direction": "in", "name": "item", "queueName": queue}
    return {**own, "connection": "ImagesStorage", **properties}


def write_host_json(root: Path, **members: Any) -> None:
    """Make *root* an app: write its host.json, with *members* beside the version."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "host.json").write_text(json.dumps({"version": "2.0", **members}))


def write_function(root: Path, name: str, bindings: Sequence[Mapping[str, Any]], code: str, **config: Any) -> None:
    """Write the folder of one function."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function.json").write_text(json.dumps({"bindings": list(bindings), **config}))
    (folder / "__init__.py").write_text(code)


@dataclass(frozen=True)
class Response:
    """What came back; *headers* in the order sent."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header *name*."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Host:
    """A host in a process of its own."""

    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    port: int = 0
    settled: threading.Event = field(default_factory=threading.Event)
    logged: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, method: str, target: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request; *target* goes on the wire as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def wait_for_log(self, text: str, count: int = 1) -> None:
        """Wait until *count* lines of the log hold *text*."""
        with self.logged:
            found = self.logged.wait_for(lambda: sum(text in line for line in self.log) >= count, PATIENCE_SECONDS)
        assert found, f"{text!r} not found {count} times in:\n{''.join(self.log)}"

    def kill(self) -> None:
        """End the process as a crash would."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Send SIGTERM, wait, return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)


@contextmanager
def running_host(
    root: Path,
    state: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Host]:
    """Run a host on the app in *root* and wait until it is ready; end it however the test left it."""
    with started_host(root, state, *options, environment=environment) as host:
        assert host.settled.wait(START_SECONDS), f"the host did not start:\n{''.join(host.log)}"
        assert host.port, f"the host did not start:\n{''.join(host.log)}"
        yield host


@contextmanager
def started_host(
    root: Path, state: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Host]:
    """Start a host without waiting for it."""
    command = [sys.executable, "-m", "local", "host", "--root", str(root), "--state", str(state)]
    if "--port" not in options:
        command += ["--port", "0"]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [*command, *options],
        cwd=PROJECT_ROOT,
        env={**inherited, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    host = Host(process)
    threads = [threading.Thread(target=reader, args=[host], daemon=True) for reader in (_read_output, _read_log)]
    for thread in threads:
        thread.start()
    try:
        yield host
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for thread in threads:
            thread.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            _stream(stream).close()


def _read_output(host: Host) -> None:
    for line in _stream(host.process.stdout):
        host.output.append(line)
        if found := READY.match(line):
            host.port = int(found[2])
            host.settled.set()
    host.settled.set()


def _read_log(host: Host) -> None:
    for line in _stream(host.process.stderr):
        with host.logged:
            host.log.append(line)
            host.logged.notify_all()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
