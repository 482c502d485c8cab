"""
Run a real Azurite for tests, in memory and on ports the system chooses.

Use it as a session-scoped fixture, since a start takes a second or two:

    @pytest.fixture(scope="session")
    def azurite() -> Iterator[Azurite]:
        with running_azurite() as running:
            yield running
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROJECT_ROOT = Path(__file__).resolve().parents[2]
AZURITE_SCRIPT = PROJECT_ROOT / "local/azurite/node_modules/azurite/dist/src/azurite.js"
AS_AZURE = PROJECT_ROOT / "local/azurite/as_azure.js"
START_SECONDS = 110.0
STOP_SECONDS = 110.0
ACCOUNT = "devstoreaccount1"
# Azurite's well-known key: the same on every machine, and documented by Microsoft.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")


@dataclass(frozen=True)
class Azurite:
    """A running Azurite; every URL names the account and has no trailing slash."""

    connection_string: str
    blob_url: str
    queue_url: str
    table_url: str
    pid: int

    def suspend(self) -> None:
        """Suspend the process, so that requests hang until `resume` is called."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `suspend`."""
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def running_azurite() -> Iterator[Azurite]:
    """Start Azurite, wait until all three services listen, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="azurite-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            _command(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        output = _Output(process.stdout)
        try:
            yield _azurite(output.wait_for_addresses(), process.pid)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            output.close()


def _command() -> list[str]:
    # On a machine without Node the set-up puts one beside Python.
    node = shutil.which("node") or str(PROJECT_ROOT / ".venv/bin/node")
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    services = [f"--{service}{part}" for service in ("blob", "queue", "table") for part in ("Host=127.0.0.1", "Port=0")]
    options = [*flags, *[word for service in services for word in service.split("=")]]
    return [node, "--require", str(AS_AZURE), str(AZURITE_SCRIPT), *options]


def _azurite(addresses: dict[str, str], pid: int) -> Azurite:
    blob, queue, table = (f"{addresses[service]}/{ACCOUNT}" for service in ("Blob", "Queue", "Table"))
    connection_string = (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
    )
    return Azurite(connection_string, blob, queue, table, pid)


class _Output:
    """Reads what Azurite prints, so that its pipe never fills, and keeps the addresses found in it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._addresses: dict[str, str] = {}
        self._seen: list[str] = []
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            found = LISTENING.search(line)
            if found:
                self._addresses[found[1]] = found[2]
            if not self._settled.is_set():
                self._seen.append(line)
                if len(self._addresses) == 3:
                    self._settled.set()
        self._settled.set()

    def wait_for_addresses(self) -> dict[str, str]:
        self._settled.wait(START_SECONDS)
        if len(self._addresses) != 3:
            raise RuntimeError(f"Azurite did not start (is it installed? `make setup-dev`):\n{''.join(self._seen)}")
        return self._addresses

    def close(self) -> None:
        self._thread.join()
        self._stream.close()
