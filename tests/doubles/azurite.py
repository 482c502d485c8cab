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
from collections.abc import Iterator, Sequence
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
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")


@dataclass(frozen=True)
class Azurite:
    """A running Azurite; every URL names the account and has no trailing slash."""

    connection_string: str
    blob_url: str
    queue_url: str
    table_url: str
    pid: int

    def account(self, name: str) -> "Azurite":
        """The same, as another of its accounts has it."""
        origins = [url.removesuffix(self.name) for url in (self.blob_url, self.queue_url, self.table_url)]
        return _of_account(name, origins, self.pid)

    @property
    def name(self) -> str:
        """The account's name."""
        return self.blob_url.rpartition("/")[2]

    def suspend(self) -> None:
        """Suspend the process, so that requests hang until `resume` is called."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `suspend`."""
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def running_azurite(
    *, accounts: Sequence[str] = (ACCOUNT,), certificate: tuple[Path, Path] | None = None
) -> Iterator[Azurite]:
    """
    Start Azurite, wait until all three services listen, and stop it at the end.

    The one that is given has the first of *accounts*; all have the same key. With a *certificate* (its file and its
    key's, as of `authority.write_certificate`) it speaks TLS, and takes tokens of Entra ID as well as the key.
    """
    with tempfile.TemporaryDirectory(prefix="azurite-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            _command(certificate),
            cwd=folder,
            env={**os.environ, "AZURITE_ACCOUNTS": ";".join(f"{name}:{ACCOUNT_KEY}" for name in accounts)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        output = _Output(process.stdout)
        try:
            addresses = output.wait_for_addresses()
            origins = [f"{addresses[service]}/" for service in ("Blob", "Queue", "Table")]
            yield _of_account(accounts[0], origins, process.pid)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            output.close()


def _command(certificate: tuple[Path, Path] | None) -> list[str]:
    # On a machine without Node the set-up puts one beside Python.
    node = shutil.which("node") or str(PROJECT_ROOT / ".venv/bin/node")
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    services = [f"--{service}{part}" for service in ("blob", "queue", "table") for part in ("Host=127.0.0.1", "Port=0")]
    if certificate:
        flags += ["--oauth", "basic", "--cert", str(certificate[0]), "--key", str(certificate[1])]
    options = [*flags, *[word for service in services for word in service.split("=")]]
    return [node, "--require", str(AS_AZURE), str(AZURITE_SCRIPT), *options]


def _of_account(name: str, origins: Sequence[str], pid: int) -> Azurite:
    blob, queue, table = (f"{origin}{name}" for origin in origins)
    connection_string = (
        f"DefaultEndpointsProtocol={blob.partition(':')[0]};AccountName={name};AccountKey={ACCOUNT_KEY};"
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
