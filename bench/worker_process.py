"""The app in Microsoft's runtime, in a process of its own (`memory_worker`), invoked as the platform's host would."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobClient

from bench import cold_start

ROOT = Path(__file__).resolve().parent.parent
_WORKER, _RUNTIME = ROOT / "bench" / "memory_worker.py", ROOT / ".venv" / "runtime-v1"

Json = dict[str, Any]


class WorkerProcess:
    """A running one."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def invoke(self, calls: Sequence[Json]) -> Json:
        """
        Begin so many invocations at once; what `memory_worker` answers when all have ended.

        Raises:
            RuntimeError: one failed, or the process has ended.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps(calls) + "\n")
        self._process.stdin.flush()
        answer = self.answer()
        for outcome in answer["outcomes"]:
            if not outcome["ok"]:
                raise RuntimeError(outcome["traceback"])
        return answer

    def answer(self) -> Json:
        """The process's next answer. Raises RuntimeError if it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker process ended with {self._process.wait()}")
        answer: Json = json.loads(line)
        return answer


@contextmanager
def running_process(*, vision: str, key: str, storage: str, **settings: str) -> Iterator[WorkerProcess]:
    """
    Run it, with the app's settings at their defaults but for those given.

    Args:
        vision, key: where Computer Vision is, and its key.
        storage: connection string of both accounts.
        settings: further ones.
    """
    required = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsScriptRoot": str(ROOT),
        "VISION_ENDPOINT": vision,
        "VISION_KEY": key,
        "ImagesStorage": storage,
        "AzureWebJobsStorage": storage,
        "WEBSITE_HOSTNAME": "localhost",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, str(_WORKER), str(_RUNTIME), str(ROOT), str(cold_start.installed())],
            env={**os.environ, **required, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            worker = WorkerProcess(process)
            worker.answer()
            yield worker
            assert process.stdin
            process.stdin.close()


def store(storage: str, file: Path) -> None:
    """Put a file into the container `images`, under its name."""
    with BlobClient.from_connection_string(storage, "images", file.name) as blob, file.open("rb") as content:
        blob.upload_blob(content, length=file.stat().st_size)


def event(file: Path, starter: Json) -> Json:
    """The invocation for an image that has landed under the name of the file, with a durable client's binding."""
    path = f"images/{file.name}"
    metadata = {
        "BlobTrigger": {"type": "string", "value": path},
        "Uri": {"type": "json", "value": json.dumps(f"http://storage.invalid/{path}")},
        "Properties": {"type": "json", "value": json.dumps({"ContentLength": file.stat().st_size})},
        "Metadata": {"type": "json", "value": "{}"},
    }
    inputs = {"image": {"type": "file", "value": str(file)}, "starter": starter}
    return {"function": "AnalyzeOnUpload", "inputs": inputs, "metadata": metadata}


def client_binding(durable_client: str) -> Json:
    """A durable client's binding, as an input."""
    return {"type": "string", "value": durable_client}
