"""
The words that the classifier's 1,000 classes come to, from `vocabulary.tsv`.

A class is said by its own noun if the table marks it so, and counts once for each of its kinds. So "cat" is the sum of
tabby, Siamese cat and all other cats, certain where none of them is.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from local.vision.recognition.seen import Word

TABLE = Path(__file__).with_name("vocabulary.tsv")
LEAST = 0.1


@dataclass(frozen=True)
class Class:
    """
    One row of the table: what the network tells apart.

    *synset* is WordNet 3.0's, as ImageNet names it; *kinds* are the wider words, nearest first.
    """

    synset: str
    noun: str
    is_said: bool
    kinds: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What it counts for, nearest first, each once."""
        return tuple(dict.fromkeys((self.noun, *self.kinds) if self.is_said else self.kinds))


@dataclass(frozen=True)
class Vocabulary:
    """*classes* are in the network's order. A word has the same kinds in every row."""

    classes: tuple[Class, ...]

    @cached_property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Each word with the wider ones above it, nearest first."""
        return {word: row.words[place + 1 :] for row in self.classes for place, word in enumerate(row.words)}

    @cached_property
    def fine(self) -> frozenset[str]:
        """The nouns of one class alone, below a kind."""
        nouns = Counter(row.noun for row in self.classes if row.is_said)
        kinds = {kind for row in self.classes for kind in row.kinds}
        return frozenset(noun for noun, rows in nouns.items() if rows == 1 and self.kinds[noun] and noun not in kinds)

    def words(self, probabilities: npt.NDArray[np.float32]) -> tuple[Word, ...]:
        """Return the words from LEAST by the *probabilities* of all classes, most certain first."""
        classes, words = self._pairs
        sums = np.bincount(words, weights=probabilities[classes], minlength=len(self.kinds))
        found = [
            # Rounding makes a sum of float32 a little more than 1.
            Word(name, min(1.0, float(confidence)), kinds, name in self.fine)
            for (name, kinds), confidence in zip(self.kinds.items(), sums, strict=True)
            if confidence >= LEAST
        ]
        # Of equals the narrower word first: it says more.
        return tuple(sorted(found, key=lambda word: (-word.confidence, -len(word.kinds), word.name)))

    @cached_property
    def _pairs(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        places = {word: place for place, word in enumerate(self.kinds)}
        pairs = [(number, places[word]) for number, row in enumerate(self.classes) for word in row.words]
        return np.array([number for number, _ in pairs]), np.array([place for _, place in pairs])


def load_vocabulary() -> Vocabulary:
    """Read the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return Vocabulary(tuple(_class(row) for row in rows))


def _class(row: dict[str, str]) -> Class:
    kinds = tuple(row["kinds"].split(", ")) if row["kinds"] else ()
    return Class(row["synset"], row["noun"], row["said"] == "yes", kinds)
