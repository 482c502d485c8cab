"""
The ledger of calls: what was answered, and what was paid for.

An entry is written before the first byte of the answer is sent, so that whoever saw an answer finds it counted, even
when the process is killed right after. With a directory, entries outlive the process.
"""

import fcntl
import json
import os
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEDGER_NAME = "calls.jsonl"
MOST_CALLS = 100_000


@dataclass(frozen=True)
class Poll:
    """A look at one Read; *late_seconds* is the time since its end, None while it has none."""

    read_id: str
    late_seconds: float | None


class CallLogInUseError(Exception):
    """Another process writes the same ledger."""


class CallLog:
    """Counts calls by operation; *directory* None keeps them in memory only."""

    def __init__(self, directory: Path | None) -> None:
        self._lock = threading.Lock()
        self._operations: dict[str, dict[str, Any]] = {}
        self._readings: dict[str, dict[str, Any]] = {}
        # The latest, so that a service that runs for months does not grow.
        self._calls: deque[dict[str, Any]] = deque(maxlen=MOST_CALLS)
        self._file: int | None = None
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = _open_alone(directory / LEDGER_NAME)
            self._load(self._file)

    def record(
        self,
        operation: str,
        status: int,
        *,
        transactions: int,
        paid_sha256: str | None,
        poll: Poll | None = None,
        call_id: str | None = None,
    ) -> None:
        """
        Count one answer.

        *transactions* is how many would be billed for it. Each of the others is None where there is
        none: *paid_sha256* is the hash of the image of a call that is paid for, *poll* the state that was told of a
        Read. *call_id* is the client's own id of the call.
        """
        entry: dict[str, Any] = {"operation": operation, "status": status, "transactions": transactions}
        if paid_sha256 is not None:
            entry["paid"] = paid_sha256
        if poll is not None:
            entry |= {"read": poll.read_id, "late": poll.late_seconds}
        if call_id is not None:
            entry["id"] = call_id
        with self._lock:
            if self._file is not None:
                os.write(self._file, json.dumps(entry).encode() + b"\n")
            self._add(entry)

    def snapshot(self) -> dict[str, Any]:
        """
        Return what was counted.

        It is `{"operations": {name: {"status": {"200": n}, "paid": n, "transactions": n, "bodies": [sha256, ...]}},
        "readings": {id: {"polls": n, "secondsLate": seconds or null}}}`.
        """
        with self._lock:
            return {
                "operations": {
                    name: {**counts, "status": dict(counts["status"]), "bodies": list(counts["bodies"])}
                    for name, counts in sorted(self._operations.items())
                },
                "readings": {read_id: dict(reading) for read_id, reading in self._readings.items()},
            }

    def calls(self) -> list[dict[str, Any]]:
        """
        Return each answer to a call that had an id of the client's own, in their order.

        It is `{"id", "operation", "status", "transactions"}`; of one that is paid with the image's SHA-256 as `paid`,
        and of a look at a Read with its id as `read`.
        """
        with self._lock:
            return [dict(each) for each in self._calls]

    def clear(self) -> None:
        """Start anew."""
        with self._lock:
            self._calls.clear()
            self._operations.clear()
            self._readings.clear()
            if self._file is not None:
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _load(self, file: int) -> None:
        content = _read_all(file)
        whole = content[: content.rfind(b"\n") + 1]
        # A process killed in the middle of a write leaves half a line, to which nothing may be appended.
        os.ftruncate(file, len(whole))
        for line in whole.splitlines():
            self._add(json.loads(line))

    def _add(self, entry: dict[str, Any]) -> None:
        counts = self._operations.setdefault(
            entry["operation"], {"status": {}, "paid": 0, "transactions": 0, "bodies": []}
        )
        status = str(entry["status"])
        counts["status"][status] = counts["status"].get(status, 0) + 1
        # An earlier version did not write them down; each paid call was one at least.
        counts["transactions"] += entry.get("transactions", int("paid" in entry))
        if "paid" in entry:
            counts["paid"] += 1
            counts["bodies"].append(entry["paid"])
        if "id" in entry:
            self._calls.append({name: value for name, value in entry.items() if name != "late"})
        if "read" in entry:
            self._add_poll(entry["read"], entry["late"])

    def _add_poll(self, read_id: str, late_seconds: float | None) -> None:
        reading = self._readings.setdefault(read_id, {"polls": 0, "secondsLate": None})
        # Whoever asks once more for an end that was told already waits for nothing.
        if reading["secondsLate"] is None:
            reading["polls"] += 1
            reading["secondsLate"] = late_seconds


def _open_alone(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise CallLogInUseError(
            f"{path} is in use by another vision service: stop it or give another --state"
        ) from None
    return file


def _read_all(file: int) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0) if size else b""
