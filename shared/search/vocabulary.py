"""
The words that images have, to find those that differ from a word by one letter.

A word that differs by one letter has the other's first half or its second half. So the words lie in two orders, by
their beginnings and by their ends, and a look-up reads a short stretch of each.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from shared.search import document

# Shorter words differ by one letter from too many others.
LEAST_ASKED = 5
_LEAST_KNOWN, _MOST_KNOWN = LEAST_ASKED - 1, 40
_MOST_FOUND = 100
# How English words of that many letters and more end, one and many.
_LEAST_NUMBERED = 3
_ENDINGS = (("", "s"), ("s", "ses"), ("x", "xes"), ("z", "zes"), ("ch", "ches"), ("sh", "shes"), ("y", "ies"))
_LAST = "\U0010ffff"
_TABLES = """
    CREATE TABLE forwards (word TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE backwards (word TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE spellings (spelled TEXT, word TEXT, PRIMARY KEY (spelled, word)) WITHOUT ROWID;
"""


class Vocabulary:
    """Words that were added once stay; of an image that went, they find nothing. For one thread at a time."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known: set[str] = {document.APART}
        database.executescript(_TABLES)

    def add(self, columns: Iterable[str]) -> None:
        """Take the words of these texts, folded and with spaces between them."""
        found = {word for column in columns for word in column.split(" ")} - self._known
        found = {word for word in found if _LEAST_KNOWN <= len(word) <= _MOST_KNOWN}
        if found:
            self._known |= found
            self._database.executemany("INSERT OR IGNORE INTO forwards VALUES (?)", [(word,) for word in found])
            self._database.executemany("INSERT OR IGNORE INTO backwards VALUES (?)", [(word[::-1],) for word in found])

    def add_spellings(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take other spellings of words: each with the word."""
        self._database.executemany("INSERT OR IGNORE INTO spellings VALUES (?, ?)", pairs)

    def spelled(self, word: str) -> list[str]:
        """The words that can be spelled like this one."""
        return [found for (found,) in self._database.execute("SELECT word FROM spellings WHERE spelled = ?", (word,))]

    def near(self, word: str) -> list[str]:
        """The words that differ from this one by one letter, or by the order of two; none if it is short."""
        if len(word) < LEAST_ASKED:
            return []
        return sorted({found for found in self._candidates(word) if differ_by_one(word, found)})[:_MOST_FOUND]

    def _candidates(self, word: str) -> Iterator[str]:
        half = len(word) // 2
        yield from self._beginning("forwards", word[:half], len(word))
        for found in self._beginning("backwards", word[half:][::-1], len(word)):
            yield found[::-1]
        swapped = word[: half - 1] + word[half] + word[half - 1] + word[half + 1 :]
        if swapped in self._known:
            yield swapped

    def _beginning(self, table: str, beginning: str, length: int) -> Iterator[str]:
        statement = f"SELECT word FROM {table} WHERE word >= ? AND word < ? AND length(word) BETWEEN ? AND ?"  # noqa: S608
        given = (beginning, beginning + _LAST, length - 1, length + 1)
        return (word for (word,) in self._database.execute(statement, given))


def other_numbers(word: str) -> list[str]:
    """Of an English word of three letters and more, what can be its plurals and singulars: `dog`, `dogs`."""
    if not (word.isascii() and word.isalpha() and len(word) >= _LEAST_NUMBERED):
        return []
    plurals = [word.removesuffix(one) + many for one, many in _ENDINGS if word.endswith(one)]
    singulars = [word.removesuffix(many) + one for one, many in _ENDINGS if word.endswith(many)]
    return [other for other in (*singulars, *plurals) if len(other) >= _LEAST_NUMBERED]


def differ_by_one(one: str, other: str) -> bool:
    """
    Whether the words differ by one letter: another one, one more, one less, or two beside each other that are swapped.

    A digit for another digit, one more or one less is another number, and no misread letter.
    """
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or one == other:
        return False
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :] and not other[at].isdecimal()
    if one[at + 1 :] == other[at + 1 :]:
        return not (one[at].isdecimal() and other[at].isdecimal())
    swapped = other[at + 1 : at + 2] + other[at]
    return one[at : at + 2] == swapped and one[at + 2 :] == other[at + 2 :] and not swapped.isdecimal()
