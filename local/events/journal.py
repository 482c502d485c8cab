"""What the host has been told so far: each blob's name with the version it was told of, in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

SCHEMA = """
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, etag TEXT NOT NULL, created INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS baseline (container TEXT PRIMARY KEY);
CREATE TEMP TABLE listed (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Told(NamedTuple):
    """
    The version of a blob that the host was told of.

    `created` is the second of its creation in Unix time, once no other version can have the same; None before that,
    and for a blob without one.
    """

    name: str
    etag: str
    created: int | None = None


class Journal:
    """The journal of one container. Nothing of a listing is kept in memory, however many blobs there are."""

    def __init__(self, path: Path, container: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = container
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)
        # A journal of the version before knows no times of creation: they are noted as its blobs are listed.
        if "created" not in [column[1] for column in self._database.execute("PRAGMA table_info(told)")]:
            self._database.execute("ALTER TABLE told ADD COLUMN created INTEGER")

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
            self._database.executemany("INSERT INTO told VALUES (?, ?, ?)", blobs)
            self._database.execute("INSERT OR REPLACE INTO baseline VALUES (?)", [self._container])

    def begin_listing(self) -> None:
        """Forget the last listing; `note_listed` collects the new one, `missing` compares."""
        self._database.execute("DELETE FROM listed")

    def note_listed(self, names: Iterable[str]) -> None:
        """Note that these names are in the container."""
        with self._transaction():
            self._database.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ([name] for name in names))

    def missing(self) -> Iterator[tuple[str, str]]:
        """Yield (name, ETag) of every blob told of that the listing did not contain."""
        query = "SELECT name, etag FROM told WHERE name NOT IN (SELECT name FROM listed) ORDER BY name"
        yield from self._database.execute(query).fetchall()

    def told(self, name: str) -> Told | None:
        """Return the version that the host was told of; None for a new blob."""
        row = self._database.execute("SELECT name, etag, created FROM told WHERE name = ?", [name]).fetchone()
        return Told(*row) if row else None

    def record_told(self, told: Iterable[Told]) -> None:
        """Record that the host has taken note of these, or need not be told of them."""
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", told)

    def record_gone(self, names: Iterable[str]) -> None:
        """Forget blobs that are gone and whose end has been told, or that nobody wants to be told of."""
        with self._transaction():
            self._database.executemany("DELETE FROM told WHERE name = ?", ([name] for name in names))

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
