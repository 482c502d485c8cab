"""
The database behind the search: the entries as they are, and the words of their images in a full-text table.

It is private, temporary and without a journal: the index in storage is the truth, and another engine reads it anew.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

from shared.index.entry import Entry
from shared.search import document

# Kibibytes of the temporary file that stay in memory.
_CACHE_KIB = 64 * 1024
_NO_WORDS = [""] * len(document.FIELDS)
_TABLES = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -{_CACHE_KIB};
    CREATE TABLE entries (stem TEXT PRIMARY KEY, image INTEGER, digest BLOB, content BLOB);
    CREATE TABLE columns (image INTEGER PRIMARY KEY, content TEXT);
    CREATE TABLE texts (stem TEXT PRIMARY KEY, e TEXT, words TEXT) WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5({", ".join(document.FIELDS)}, content = '', tokenize = 'ascii');
    CREATE VIRTUAL TABLE terms USING fts5vocab('words', 'row');
"""
_BEGINS_WITH_ALL = "\U0010ffff"


class Stored(NamedTuple):
    """
    An entry that is kept.

    Attributes:
        image: its number; None where the image is gone.
        digest: of the content, so that the same entry is known without looking at all of it.
        content: what `unpacked` takes.
    """

    image: int | None
    digest: bytes
    content: bytes


class Kept(NamedTuple):
    """What of `Stored` is needed to tell whether an entry has changed."""

    image: int | None
    digest: bytes


class Store:
    """For one thread at a time. `database` is there for tables of others."""

    def __init__(self) -> None:
        # An empty name is a file that nothing else can open, and that goes with the connection.
        self.database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.database.executescript(_TABLES)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make all changes in here one, which is much cheaper than each alone."""
        self.database.execute("BEGIN")
        try:
            yield
        finally:
            self.database.execute("COMMIT")

    def close(self) -> None:
        """Give back the file."""
        self.database.close()

    def entry(self, stem: str) -> Stored | None:
        """The row of an entry."""
        row = self.database.execute("SELECT image, digest, content FROM entries WHERE stem = ?", (stem,)).fetchone()
        return Stored(*row) if row else None

    def between(self, first: str, last: str | None) -> dict[str, Kept]:
        """The entries from *first* on, and before *last* if that is given, by their stems."""
        rows = self.database.execute(
            "SELECT stem, image, digest FROM entries WHERE stem >= ? AND stem < ?",
            (first, _BEGINS_WITH_ALL if last is None else last),
        )
        return {stem: Kept(image, digest) for stem, image, digest in rows}

    def put(self, stem: str, kept: Stored) -> None:
        """Keep an entry."""
        self.database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (stem, *kept))

    def drop(self, stem: str) -> None:
        """Keep an entry no longer."""
        self.database.execute("DELETE FROM entries WHERE stem = ?", (stem,))

    def words_of(self, image: int) -> list[str]:
        """The folded words of each field of an image."""
        row = self.database.execute("SELECT content FROM columns WHERE image = ?", (image,)).fetchone()
        return row[0].split("\n") if row else _NO_WORDS

    def set_words(self, image: int, columns: list[str] | None) -> bool:
        """Replace the words of an image; None takes them away. False where they are as they were."""
        row = self.database.execute("SELECT content FROM columns WHERE image = ?", (image,)).fetchone()
        content = None if columns is None else "\n".join(columns)
        if row and row[0] == content:
            return False
        fields = ", ".join(document.FIELDS)
        if row:
            self.database.execute(
                f"INSERT INTO words (words, rowid, {fields}) VALUES ('delete', ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (image, *row[0].split("\n")),
            )
            self.database.execute("DELETE FROM columns WHERE image = ?", (image,))
        if columns is not None:
            self.database.execute(
                f"INSERT INTO words (rowid, {fields}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                (image, *columns),
            )
            self.database.execute("INSERT INTO columns VALUES (?, ?)", (image, content))
        return True

    def text(self, stem: str, e: str) -> str | None:
        """The words of the whole text, if it was added in this version."""
        row = self.database.execute("SELECT words FROM texts WHERE stem = ? AND e = ?", (stem, e)).fetchone()
        return row[0] if row else None

    def set_text(self, stem: str, e: str, words: str | None) -> None:
        """Keep the words of a whole text; None keeps none."""
        self.database.execute("DELETE FROM texts WHERE stem = ?", (stem,))
        if words is not None:
            self.database.execute("INSERT INTO texts VALUES (?, ?, ?)", (stem, e, words))

    def matching(self, phrases: list[str], fields: tuple[str, ...] = ()) -> Iterator[int]:
        """The images that have one of these phrases, each of folded words, in one of the *fields* or in any."""
        asked = " OR ".join(f'"{phrase}"' for phrase in phrases)
        found = self.database.execute(
            "SELECT rowid FROM words WHERE words MATCH ?", (f"{{{' '.join(fields)}}} : ({asked})" if fields else asked,)
        )
        return chain.from_iterable(found)

    def words_from(self, beginning: str) -> Iterator[tuple[str, int]]:
        """The words that begin so, each with how many images have it."""
        given = (beginning, beginning + _BEGINS_WITH_ALL)
        return iter(self.database.execute("SELECT term, doc FROM terms WHERE term >= ? AND term < ?", given))


def packed(entry: Entry) -> bytes:
    """The entry as bytes; the same entry gives the same."""
    content = [entry.parts, entry.at, entry.gone_at]
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def stored(image: int | None, content: bytes) -> Stored:
    """An entry that was packed, to be kept."""
    return Stored(image, digest(content), zlib.compress(content, 1))


def digest(content: bytes) -> bytes:
    """What tells one content from another."""
    return hashlib.blake2b(content, digest_size=12).digest()


def unpacked(stem: str, kept: Stored) -> Entry:
    """The entry that is kept."""
    parts, at, gone_at = json.loads(zlib.decompress(kept.content))
    return Entry(stem, parts, at, gone_at)
