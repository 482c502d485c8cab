"""
The operations of Read, in SQLite: what was accepted, and what came of it.

A row is committed before the operation's address is given out, and the document lies in it until it has been read. So
whatever was accepted is still there after `kill -9`, and what was not read to its end is read again.
"""

import json
import sqlite3
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STORE_NAME = "reads.sqlite3"
LIFE_SECONDS = 48 * 3600  # the service forgets an operation after 48 hours

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reads (
    id TEXT PRIMARY KEY,
    created REAL NOT NULL,
    due REAL NOT NULL,
    fails INTEGER NOT NULL,
    task TEXT NOT NULL,
    document BLOB,
    attempts INTEGER NOT NULL DEFAULT 0,
    finished REAL,
    result TEXT
) STRICT
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is to be read: the kind of document, its pages (from 1), and how."""

    kind: str
    pages: tuple[int, ...]
    language: str
    reading_order: str
    model_version: str


@dataclass(frozen=True)
class Work:
    """A task with its document, and how many times it was begun, this one included."""

    task: Task
    document: bytes
    attempt: int


@dataclass(frozen=True)
class ReadOperation:
    """
    One Read. Times are Unix seconds.

    Attributes:
        due: not answered with an end before this time.
        fails: whether it is to fail, as a fault that was asked for.
        finished: when its end was known; None while it is worked on.
        result: the contract's analyzeResult; None while there is none, and when it failed.
    """

    id: str
    created: float
    due: float
    fails: bool
    finished: float | None = None
    result: Json | None = None


class OperationStore:
    """Keeps operations; *directory* None keeps them in memory. Safe for threads."""

    def __init__(self, directory: Path | None) -> None:
        self._lock = threading.Lock()
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if directory is None else str(directory / STORE_NAME)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # Safe from a killed process; only a power cut may cost the last operations.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_SCHEMA)

    def add(self, operation: ReadOperation, task: Task, document: bytes | None) -> None:
        """Keep a new operation; *document* is None for one that is finished already."""
        result = None if operation.result is None else json.dumps(operation.result)
        with self._lock:
            self._database.execute(
                "INSERT INTO reads (id, created, due, fails, task, document, finished, result)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    operation.id,
                    operation.created,
                    operation.due,
                    operation.fails,
                    json.dumps(asdict(task)),
                    document,
                    operation.finished,
                    result,
                ),
            )

    def find(self, operation_id: str) -> ReadOperation | None:
        """Return the operation, if it is known."""
        with self._lock:
            row = self._database.execute(
                "SELECT id, created, due, fails, finished, result FROM reads WHERE id = ?", (operation_id,)
            ).fetchone()
        if row is None:
            return None
        name, created, due, fails, finished, result = row
        return ReadOperation(name, created, due, bool(fails), finished, json.loads(result) if result else None)

    def work(self, operation_id: str) -> Work | None:
        """Count an attempt and return what is to be read; None when the operation is finished or forgotten."""
        with self._lock:
            row = self._database.execute(
                "UPDATE reads SET attempts = attempts + 1 WHERE id = ? AND finished IS NULL"
                " RETURNING task, document, attempts",
                (operation_id,),
            ).fetchone()
        if row is None:
            return None
        task = json.loads(row[0])
        return Work(Task(**task | {"pages": tuple(task["pages"])}), row[1], row[2])

    def put_back(self, operation_id: str) -> None:
        """Take back the attempt at an operation that was left in good order."""
        with self._lock:
            self._database.execute("UPDATE reads SET attempts = attempts - 1 WHERE id = ?", (operation_id,))

    def finish(self, operation_id: str, *, at: float, result: Json | None, fails: bool = False) -> None:
        """Keep what came of an operation, and let its document go."""
        with self._lock:
            self._database.execute(
                "UPDATE reads SET finished = ?, result = ?, fails = fails OR ?, document = NULL WHERE id = ?",
                (at, None if result is None else json.dumps(result), fails, operation_id),
            )

    def unfinished(self) -> list[str]:
        """Return the ids of the operations that are still to be read, oldest first."""
        with self._lock:
            rows = self._database.execute("SELECT id FROM reads WHERE finished IS NULL ORDER BY created, rowid")
            return [row[0] for row in rows]

    def forget(self, *, before: float) -> None:
        """Forget every operation created before that time."""
        with self._lock:
            self._database.execute("DELETE FROM reads WHERE created < ?", (before,))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()
