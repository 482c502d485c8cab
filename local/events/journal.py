"""What the host has been told so far: each blob's name with the ETag it was told of, in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

SCHEMA = """
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, etag TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS baseline (container TEXT PRIMARY KEY);
CREATE TEMP TABLE listed (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Journal:
    """The journal of one container. Nothing of a listing is kept in memory, however many blobs there are."""

    def __init__(self, path: Path, container: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = container
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)

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

    def record_baseline(self, blobs: Iterable[tuple[str, str]]) -> None:
        """Record every (name, ETag) of *blobs* as already known, all or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.execute("DELETE FROM told")
            self._database.executemany("INSERT INTO told VALUES (?, ?)", blobs)
            self._database.execute("INSERT OR REPLACE INTO baseline VALUES (?)", [self._container])
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def begin_listing(self) -> None:
        """Forget the last listing; `note_listed` collects the new one, `missing` compares."""
        self._database.execute("DELETE FROM listed")

    def note_listed(self, names: Iterable[str]) -> None:
        """Note that these names are in the container."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ([name] for name in names))
        self._database.execute("COMMIT")

    def missing(self) -> Iterator[tuple[str, str]]:
        """Yield (name, ETag) of every blob told of that the listing did not contain."""
        query = "SELECT name, etag FROM told WHERE name NOT IN (SELECT name FROM listed) ORDER BY name"
        yield from self._database.execute(query).fetchall()

    def told_etag(self, name: str) -> str | None:
        """Return the ETag that the host was told of; None for a new blob."""
        row = self._database.execute("SELECT etag FROM told WHERE name = ?", [name]).fetchone()
        return str(row[0]) if row else None

    def record_told(self, told: Iterable[tuple[str, str]]) -> None:
        """Record that the host has taken note of these (name, ETag)."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT OR REPLACE INTO told VALUES (?, ?)", told)
        self._database.execute("COMMIT")

    def record_gone(self, names: Iterable[str]) -> None:
        """Forget blobs that are gone and whose end has been told, or that nobody wants to be told of."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("DELETE FROM told WHERE name = ?", ([name] for name in names))
        self._database.execute("COMMIT")
