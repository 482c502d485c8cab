"""
The events that the host is still to be told of, in the file of the journal.

An event is put here in the transaction that notes what it tells of, and goes once the host has accepted it. So a crash
at any moment loses none, and one that was accepted right before it is told again, with the same id.
"""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

SCHEMA = """
CREATE TABLE IF NOT EXISTS due (
    number INTEGER PRIMARY KEY, receiver TEXT NOT NULL, event TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS due_in_order ON due (receiver, not_before, number);
"""
# A transaction of the watcher on a slow disk.
LOCKED_SECONDS = 30.0


class Due(NamedTuple):
    """An event with its number in the outbox, and how often it has been refused."""

    number: int
    event: dict[str, Any]
    tries: int


def put(database: sqlite3.Connection, receiver: str, events: Iterable[dict[str, Any]]) -> None:
    """Put *events* into the outbox, in the transaction that is open on *database*."""
    rows = ([receiver, json.dumps(event)] for event in events)
    database.executemany("INSERT INTO due (receiver, event) VALUES (?, ?)", rows)


class Outbox:
    """The outbox of one *receiver*, for one thread."""

    def __init__(self, path: Path, receiver: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._receiver = receiver
        self._database = sqlite3.connect(path, LOCKED_SECONDS, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def due(self, now: float, limit: int) -> list[Due]:
        """Return the oldest events that are to be sent by *now*, in Unix time, at most *limit*."""
        query = "SELECT number, event, tries FROM due WHERE receiver = ? AND not_before <= ? ORDER BY number LIMIT ?"
        rows = self._database.execute(query, [self._receiver, now, limit]).fetchall()
        return [Due(number, json.loads(event), tries) for number, event, tries in rows]

    def forget(self, numbers: Iterable[int]) -> None:
        """Take events out, all or none: the host has accepted them, or they are given up."""
        wanted = list(numbers)
        marks = ",".join("?" * len(wanted))
        self._database.execute(f"DELETE FROM due WHERE number IN ({marks})", wanted)  # noqa: S608

    def put_off(self, number: int, *, until: float) -> None:
        """Note that an event was refused, and is to be sent again from the time *until* on."""
        self._database.execute("UPDATE due SET tries = tries + 1, not_before = ? WHERE number = ?", [until, number])
