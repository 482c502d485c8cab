"""Folds in processes of their own that are killed at each of their operations, beside a writer that goes on."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.azurite import Azurite, running_azurite
from doubles.index_lines import Mirror, append, line, merged, shown

from shared.clock import SystemClock
from shared.index import fold
from shared.index.reader import snapshot
from shared.storage.azure import BlobStore

ROOT = Path(__file__).resolve().parents[3]
# For each number that it reads, it forks a process that folds, and that dies before the operation of that number
# reaches storage. It prints how that has ended. Without forks each one would take a second for its imports.
CHILD = """
import os, signal, sys
import azure.storage.blob
from shared.clock import SystemClock
from shared.index import fold
from shared.storage.azure import BlobStore

class Dying:
    def __init__(self, blobs, left):
        self.blobs, self.left = blobs, left
    def __getattr__(self, name):
        found = getattr(self.blobs, name)
        if name not in ("page", "read", "read_from", "write", "delete"):
            return found
        def operation(*args, **options):
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return found(*args, **options)
        return operation

fold.MOST_RECENT = 5
for number in sys.stdin:
    process = os.fork()
    if not process:
        fold.fold(Dying(BlobStore(sys.argv[1]), int(number)), SystemClock())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class Folds:
    """The processes that are killed in a fold."""

    def __init__(self, account: Azurite) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, account.connection_string],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def killed_at(self, operation: int) -> int:
        """The exit status of a fold that dies before that operation."""
        assert self._process.stdin
        assert self._process.stdout
        print(operation, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End what forks them."""
        self._process.communicate(timeout=60)


@pytest.fixture
def account() -> Iterator[Azurite]:
    with running_azurite(accounts=(f"folds{uuid.uuid4().hex[:8]}",)) as running:
        yield running


@pytest.fixture
def folds(account: Azurite) -> Iterator[Folds]:
    made = Folds(account)
    yield made
    made.close()


def test_a_fold_that_is_killed_at_any_operation_loses_no_line(
    account: Azurite, folds: Folds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_RECENT", 5)
    host = BlobStore(account.connection_string)
    # Older lines would come too late.
    now = SystemClock().utc().timestamp()
    lines, mirror, killed = [], Mirror(host), 0
    for at in range(20):
        new = [line(f"{at}/{number}.jpg", now + at, image={"bytes": number}) for number in range(4)]
        gone = line(f"{at - 1}/0.jpg", now + at, gone=True)
        append(host, f"w{at}", [*new, gone])
        lines += [*new, gone]
        status = folds.killed_at(at)
        assert mirror.refresh() == shown(snapshot(host)) == shown(merged(lines))
        if status != -signal.SIGKILL:
            assert status == 0
            break
        killed += 1
    assert killed >= 5
    fold.fold(host, SystemClock())
    assert mirror.refresh() == shown(snapshot(host)) == shown(merged(lines))
