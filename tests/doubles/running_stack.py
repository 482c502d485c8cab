"""The real stack in processes of its own, on free ports, started by its command line and watched from outside."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, LinearRetry
from doubles.patience import wait_until

from local.addresses import Addresses
from local.app import AppClient, ImageState
from local.waiting import wait_for_images

PROJECT = Path(__file__).resolve().parents[2]
READY_SECONDS = 200.0
STOP_SECONDS = 110.0
# A part is started again after longer and longer delays, and a claim of a killed host lapses after 15 seconds.
SETTLE_SECONDS = 180.0
# What tells each part from the others in a list of processes.
PARTS = {"azurite": "azurite.js", "vision": " local vision ", "host": " local host ", "events": " local events "}


@dataclass
class RunningStack:
    """One `python -m local start`; *state* names it among all processes of the machine."""

    addresses: Addresses
    state: Path
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        """Start it and return once it has said the last word of its start (or has ended)."""
        command = [
            sys.executable,
            "-m",
            "local",
            "start",
            "--port",
            str(self.addresses.port),
            "--state",
            str(self.state),
        ]
        self.lines.clear()
        self.process = subprocess.Popen(
            [*command, *options], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, args=[self.process], daemon=True).start()
        try:
            wait_until(lambda: self.has_said("Ctrl-C stops everything") or self._has_ended(), READY_SECONDS)
        except AssertionError:
            # No fixture has it to stop, so it would outlive the tests.
            self.stop()
            raise
        assert not self._has_ended(), self.output

    def start_with_photographs(self) -> None:
        """Start it with those of the samples that are no documents: to read the others takes longer than the start."""
        self.start("--no-samples")
        photographs = sorted((PROJECT / "samples").glob("*.jpg"))
        for path in photographs:
            self.upload(path.name, path.read_bytes())
        assert {each.state for each in self.wait_for(*(path.name for path in photographs)).values()} == {"complete"}

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send it *number* and return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(STOP_SECONDS)
        wait_until(lambda: self.process is None or self.process.stdout is None or self.process.stdout.closed)
        return status

    @property
    def output(self) -> str:
        """Everything it has printed since its start."""
        return "".join(self.lines)

    def has_said(self, words: str) -> bool:
        """Whether it has printed *words* since its start."""
        return words in self.output

    def pids(self) -> dict[str, int]:
        """Return the process id of each part that runs now."""
        return {name: pid for pid, command in self._processes() for name, mark in PARTS.items() if mark in command}

    def has_processes(self) -> bool:
        """Whether any process of it is left, known by name or not."""
        return bool(self._processes())

    def run(self, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the local stack against this one."""
        options = ["--port", str(self.addresses.port), "--state", str(self.state)]
        line = [sys.executable, "-m", "local", command, *words, *options]
        return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=100)

    def upload(self, name: str, data: bytes) -> None:
        """Upload an image as any client of the storage account would."""
        with self.storage() as storage:
            storage.get_blob_client("images", name).upload_blob(data, overwrite=True)

    def wait_for(self, *names: str) -> dict[str, ImageState]:
        """Wait until each image is complete or failed."""
        app = AppClient(self.addresses.port)
        states = wait_for_images(app, names, timeout_seconds=SETTLE_SECONDS, stop=threading.Event())
        assert set(states) == set(names), f"the app does not know {set(names) - set(states)}"
        return states

    def storage(self) -> BlobServiceClient:
        """Return a client of the stack's storage account."""
        # Until a part that was killed is there again. Each kind of failure has a limit of its own, by default 3.
        most: dict[str, Any] = dict.fromkeys(("retry_total", "retry_connect", "retry_read", "retry_status"), 100)
        retries = LinearRetry(backoff=1, random_jitter_range=0, **most)
        return BlobServiceClient.from_connection_string(self.addresses.connection_string, retry_policy=retries)

    def paid_calls(self) -> dict[str, list[str]]:
        """Return what the vision service was paid for: the bytes' SHA-256 of each call, by operation."""
        with urllib.request.urlopen(f"{self.addresses.vision_url}/_control/stats", timeout=20) as answer:
            operations: dict[str, dict[str, Any]] = json.load(answer)["operations"]
        return {name: sorted(counted["bodies"]) for name, counted in operations.items() if counted["paid"]}

    def _processes(self) -> list[tuple[int, str]]:
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True
        )
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        return [
            (int(row[0]), row[2])
            for row in rows
            if len(row) == 3 and str(self.state) in row[2] and "Z" not in row[1] and int(row[0]) != os.getpid()
        ]

    def _has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            self.lines.extend(process.stdout)
