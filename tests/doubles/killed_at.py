"""Processes that are killed before an operation reaches storage, each the fork of one, as imports take a second."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# It forks a process for each number that it reads, which does the work, and dies before the operation of that number.
# Then it prints how that process has ended.
_CHILD = """
import os, signal, sys
import azure.storage.blob
from shared.storage.azure import BlobStore

{prepare}

def dying(operation):
    def counted(*args, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return operation(*args, **options)
    return counted

for number in sys.stdin:
    process = os.fork()
    if not process:
        left = int(number)
        for name in ("head", "page", "read", "read_from", "begin_appends", "append", "write", "delete"):
            setattr(BlobStore, name, dying(getattr(BlobStore, name)))
        work(sys.argv[1])
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class KilledAt:
    """The processes that do one work, each killed before an operation of storage."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, operation: int) -> int:
        """The exit status of a process that dies before its operation of that number; 0 if it makes fewer."""
        assert self._process.stdin
        assert self._process.stdout
        print(operation, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextmanager
def killed_at(connection_string: str, prepare: str) -> Iterator[KilledAt]:
    """
    Inside, processes do a work and are killed.

    Args:
        connection_string: of the account, which the work is given.
        prepare: the source of what defines `work(connection_string)`.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD.replace("{prepare}", prepare), connection_string],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield KilledAt(process)
    finally:
        process.communicate(timeout=60)
