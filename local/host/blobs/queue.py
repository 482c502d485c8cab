"""
The queue of blob events, in SQLite: an event taken in is not lost, whatever happens to this process.

It stands for the storage queue `azure-webjobs-blobtrigger-<host id>`. A message is taken, which counts in the file
before its function starts, and then deleted or released. Messages that were taken when the process died are free again
as soon as the file is opened: only one host at a time may open it.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    function TEXT NOT NULL,
    body TEXT NOT NULL,
    dequeue_count INTEGER NOT NULL DEFAULT 0,
    visible_at REAL NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS message_free ON message (taken, visible_at, id);
"""
FUNCTION_ID_PREFIX = "Host.Functions."
# Line breaks of Unicode, which Newtonsoft.Json escapes and Python leaves.
ESCAPED = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


@dataclass(frozen=True)
class BlobMessage:
    """What happened to which blob, for which function; *etag* with its quotes."""

    function: str
    container: str
    blob: str
    etag: str
    blob_type: str = "BlockBlob"

    def to_json(self) -> str:
        """Return the message as the platform writes it, to the letter."""
        text = json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": FUNCTION_ID_PREFIX + self.function,
                "BlobType": self.blob_type,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": self.etag,
            },
            ensure_ascii=False,
            indent=2,
        )
        return text.translate(ESCAPED)

    @classmethod
    def from_json(cls, text: str) -> "BlobMessage":
        """Read what `to_json` wrote."""
        members = json.loads(text)
        function = members["FunctionId"].removeprefix(FUNCTION_ID_PREFIX)
        return cls(function, members["ContainerName"], members["BlobName"], members["ETag"], members["BlobType"])


@dataclass(frozen=True)
class TakenMessage:
    """A message whose function is about to run for the *dequeue_count*-th time."""

    id: int
    message: BlobMessage
    dequeue_count: int


class BlobQueue:
    """
    The messages in one SQLite file.

    Methods block on the disk. They may be called from any thread, but from one at a time.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # The sender is told 202 only after this: it must survive a power cut too.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA)
        self._connection.execute("UPDATE message SET taken = 0, visible_at = min(visible_at, ?)", [now()])

    def put(self, messages: Iterable[BlobMessage]) -> None:
        """Add *messages*, all or none."""
        now = self._now()
        with _transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO message (function, body, visible_at) VALUES (?, ?, ?)",
                [(message.function, message.to_json(), now) for message in messages],
            )

    def take(self, functions: Collection[str]) -> TakenMessage | None:
        """Take the oldest free message for one of *functions*, counting it; None if there is none."""
        row = self._connection.execute(
            f"""
            UPDATE message SET taken = 1, dequeue_count = dequeue_count + 1
            WHERE id = (
                SELECT id FROM message
                WHERE taken = 0 AND visible_at <= ? AND function IN ({_marks(functions)})
                ORDER BY visible_at, id LIMIT 1
            )
            RETURNING id, body, dequeue_count
            """,  # noqa: S608
            [self._now(), *functions],
        ).fetchall()
        return TakenMessage(row[0][0], BlobMessage.from_json(row[0][1]), row[0][2]) if row else None

    def seconds_until_next(self, functions: Collection[str]) -> float | None:
        """Return how long until a free message for one of *functions* can be taken; None if there is none."""
        row = self._connection.execute(
            f"SELECT min(visible_at) FROM message WHERE taken = 0 AND function IN ({_marks(functions)})",  # noqa: S608
            list(functions),
        ).fetchone()
        return None if row[0] is None else max(0.0, float(row[0]) - self._now())

    def delete(self, taken: TakenMessage) -> None:
        """Remove a message for good."""
        self._connection.execute("DELETE FROM message WHERE id = ?", [taken.id])

    def release(self, taken: TakenMessage, delay_seconds: float = 0) -> None:
        """Put a message back; it can be taken again after *delay_seconds*."""
        visible_at = self._now() + delay_seconds
        self._connection.execute("UPDATE message SET taken = 0, visible_at = ? WHERE id = ?", [visible_at, taken.id])

    def delete_all_except(self, functions: Collection[str]) -> dict[str, int]:
        """Remove the messages for all but *functions*; returns how many there were for each."""
        rows = self._connection.execute(
            f"DELETE FROM message WHERE function NOT IN ({_marks(functions)}) RETURNING function",  # noqa: S608
            list(functions),
        ).fetchall()
        names = [row[0] for row in rows]
        return {name: names.count(name) for name in names}

    def count(self) -> int:
        """Return how many messages there are, taken ones included."""
        return int(self._connection.execute("SELECT count(*) FROM message").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class _transaction:  # noqa: N801
    """`BEGIN IMMEDIATE` ... `COMMIT`, or `ROLLBACK` if the block raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))
