"""What was found so far: each blob's name with the version that an event was made for, in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from local.events import outbox

SCHEMA = """
CREATE TABLE IF NOT EXISTS told (
    name TEXT PRIMARY KEY, etag TEXT NOT NULL, created INTEGER, tier TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS baseline (container TEXT PRIMARY KEY);
CREATE TEMP TABLE listed (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# The receivers of the outbox.
UPLOADS, EVENTS = "uploads", "events"


class Told(NamedTuple):
    """
    The version of a blob that an event was made for.

    `created` is the second of its creation in Unix time, once no other version can have the same; None before that,
    and for a blob without one. `tier` is the access tier; None where it is not known, as in older journals.
    """

    name: str
    etag: str
    created: int | None = None
    tier: str | None = None


@dataclass
class Changes:
    """
    What a look has found, which is noted in one transaction.

    Attributes:
        told: versions that are new, or better known than before.
        gone: names of blobs that are gone.
        uploads, events: the events for the receiver of uploads, and for that of everything else.
    """

    told: list[Told] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


class Journal:
    """The journal of one container. Nothing of a listing is kept in memory, however many blobs there are."""

    def __init__(self, path: Path, container: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = container
        self._database = sqlite3.connect(path, outbox.LOCKED_SECONDS, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA + outbox.SCHEMA)
        # Journals of versions before lack times of creation and tiers: they are noted as the blobs are listed.
        columns = [column[1] for column in self._database.execute("PRAGMA table_info(told)")]
        for column, kind in (("created", "INTEGER"), ("tier", "TEXT")):
            if column not in columns:
                self._database.execute(f"ALTER TABLE told ADD COLUMN {column} {kind}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def has_baseline(self) -> bool:
        """Whether the blobs that were there at the very first start have been recorded, all of them."""
        query = "SELECT 1 FROM baseline WHERE container = ?"
        return self._database.execute(query, [self._container]).fetchone() is not None

    def record_baseline(self, blobs: Iterable[Told]) -> None:
        """Record all *blobs* as already known, all or nothing."""
        with self._transaction():
            self._database.execute("DELETE FROM told")
            self._database.executemany("INSERT INTO told VALUES (?, ?, ?, ?)", blobs)
            self._database.execute("INSERT OR REPLACE INTO baseline VALUES (?)", [self._container])

    def begin_listing(self) -> None:
        """Forget the last listing; `note_listed` collects the new one, `missing` compares."""
        self._database.execute("DELETE FROM listed")

    def note_listed(self, names: Iterable[str]) -> None:
        """Note that these names are in the container."""
        with self._transaction():
            self._database.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ([name] for name in names))

    def missing(self) -> Iterator[tuple[str, str]]:
        """Yield (name, ETag) of every known blob that the listing did not contain."""
        query = "SELECT name, etag FROM told WHERE name NOT IN (SELECT name FROM listed) ORDER BY name"
        yield from self._database.execute(query).fetchall()

    def told(self, name: str) -> Told | None:
        """Return the known version of a blob; None for a new blob."""
        row = self._database.execute("SELECT name, etag, created, tier FROM told WHERE name = ?", [name]).fetchone()
        return Told(*row) if row else None

    def record(self, changes: Changes) -> None:
        """Note what has changed, and put its events into the outbox, all or nothing."""
        if changes == Changes():
            return
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", changes.told)
            self._database.executemany("DELETE FROM told WHERE name = ?", ([name] for name in changes.gone))
            outbox.put(self._database, UPLOADS, changes.uploads)
            outbox.put(self._database, EVENTS, changes.events)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        finally:
            # On a full disk SQLite may have rolled back by itself.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
