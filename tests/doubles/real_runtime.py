"""
Microsoft's own runtime for function folders, azure-functions-runtime-v1, in a process of its own.

It is what Azure itself runs on Python 3.13 and newer, and it runs on 3.11 and 3.12 too:

    with running_runtime(root) as runtime:
        outcome = runtime.invoke("Hello", {"req": http_request("GET", "http://127.0.0.1/api/hello")})
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

from doubles.real_runtime_data import Wire, bytes_value, text_value
from doubles.runtime_environments import OWN, RuntimeEnvironment

PROJECT_ROOT = Path(__file__).resolve().parents[2]
RUNTIME = PROJECT_ROOT / ".venv/runtime-v1"
DRIVER = Path(__file__).with_name("real_runtime_driver.py")
STOP_SECONDS = 110.0


@dataclass(frozen=True)
class Outcome:
    """What one invocation gave; *error* is the exception's repr, and values are as they travelled."""

    ok: bool
    returned: Wire
    outputs: Mapping[str, Wire]
    error: str | None
    traceback: str | None


@dataclass(frozen=True)
class Runtime:
    """
    A running one; *loaded* names the functions it took, *refused* has its message for each of the others.

    *invoked* names the functions that have run without an error.
    *versions* are those of `python` and `azure-functions` that it runs with, *path* the folders it imports from.
    """

    process: subprocess.Popen[str]
    log: IO[str]
    loaded: tuple[str, ...]
    refused: Mapping[str, str]
    versions: Mapping[str, str]
    path: tuple[str, ...]
    invoked: set[str] = field(default_factory=set)

    def invoke(self, function: str, inputs: Mapping[str, Wire], metadata: Mapping[str, Wire] | None = None) -> Outcome:
        """Invoke *function* with the values of its `in` bindings and its trigger's *metadata*."""
        assert self.process.stdin is not None
        call = {"function": function, "inputs": inputs, "metadata": metadata or {}}
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        outcome = Outcome(**_answer(self.process, self.log))
        if outcome.ok:
            self.invoked.add(function)
        return outcome


@contextmanager
def running_runtime(
    root: Path, environment: Mapping[str, str] | None = None, on: RuntimeEnvironment = OWN
) -> Iterator[Runtime]:
    """Run Microsoft's runtime on the app in *root*; returns once every folder is loaded or refused."""
    assert RUNTIME.is_dir(), f"{RUNTIME} is missing: `make setup-dev` installs Microsoft's runtime there"
    assert on.is_there, f"the environment for {on} is missing or out of date: `make setup-dev` makes it"
    told = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsScriptRoot": str(root.resolve())}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*on.command, *map(str, (DRIVER, RUNTIME, root, on.packages, *([on.front] if on.front else [])))],
            env={**os.environ, **told, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            first = _answer(process, log)
            yield Runtime(
                process, log, tuple(first["loaded"]), first["refused"], first["versions"], tuple(first["path"])
            )
        finally:
            _stop(process)


def http_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    route: Mapping[str, str] | None = None,
) -> Wire:
    """
    Return an httpTrigger's value as the platform's host makes it; *route* has the route's values.

    Of a query, as in Azure, empty values are dropped and repeated ones joined by commas.
    """
    query: dict[str, str] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        query[name] = f"{query[name]},{value}" if name in query else value
    texts = {name.lower(): value for name, value in (headers or {}).items()}
    return {
        "type": "http",
        "value": {
            "method": text_value(method),
            "url": text_value(url),
            "headers": {name: text_value(value) for name, value in texts.items()},
            "query": {name: text_value(value) for name, value in query.items()},
            "params": {name: text_value(value) for name, value in (route or {}).items()},
            "body": bytes_value(body),
        },
    }


def blob_metadata(path: str, uri: str, properties: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Wire]:
    """Return a blobTrigger's metadata as the platform's host makes it; *path* is `container/name`."""
    return {
        "BlobTrigger": text_value(path),
        "Uri": text_value(json.dumps(uri), "json"),
        "Properties": text_value(json.dumps(properties), "json"),
        "Metadata": text_value(json.dumps(metadata), "json"),
        "name": text_value(path.partition("/")[2]),
    }


def queue_metadata(text: str) -> dict[str, Wire]:
    """Return a queueTrigger's metadata as the platform's host makes it, of a message that was taken once."""
    never = text_value(json.dumps("9999-12-31T23:59:59.9999999+00:00"), "json")
    return {
        "QueueTrigger": text_value(text),
        "DequeueCount": text_value("1", "json"),
        "Id": text_value("00000000-0000-0000-0000-000000000000"),
        "PopReceipt": text_value("receipt"),
        "ExpirationTime": never,
        "InsertionTime": text_value(json.dumps("2026-01-01T00:00:00+00:00"), "json"),
        "NextVisibleTime": never,
    }


def _answer(process: subprocess.Popen[str], log: IO[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(STOP_SECONDS)
        log.seek(0)
        raise AssertionError(f"Microsoft's runtime ended with {process.returncode}:\n{log.read()}")
    return json.loads(line)


def _stop(process: subprocess.Popen[str]) -> None:
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
