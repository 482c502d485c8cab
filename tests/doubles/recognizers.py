"""Recognizers that see what a test says, and write down that they were asked; plain pictures for real ones."""

from dataclasses import dataclass, field

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.seen import HUMAN_FACE, Box, Recognizers, Thing, Word


@dataclass(frozen=True)
class FakeRecognizer:
    """Each of the five, for pictures of one size; *asked* has a name for each question, in their order."""

    words: tuple[Word, ...] = ()
    things: tuple[Thing, ...] = ()
    faces: tuple[Thing, ...] = ()
    adult_score: float = 0.0
    sentence: str | None = None
    asked: list[str] = field(default_factory=list)

    def classify(self, pixels: Rgb) -> tuple[Word, ...]:
        """See Classifier."""
        self.asked.append("classifier")
        return self.words

    def detect(self, pixels: Rgb) -> tuple[Thing, ...]:
        """See Detector."""
        self.asked.append("detector")
        return self.things

    def find(self, pixels: Rgb) -> tuple[Thing, ...]:
        """See FaceFinder."""
        self.asked.append("faces")
        return self.faces

    def score(self, pixels: Rgb) -> float:
        """See AdultScorer."""
        self.asked.append("adult")
        return self.adult_score

    def caption(self, pixels: Rgb) -> str | None:
        """See Captioner."""
        self.asked.append("captioner")
        return self.sentence

    @property
    def all_five(self) -> Recognizers:
        """This one for each."""
        return Recognizers(classifier=self, detector=self, faces=self, adult=self, captioner=self)


def plain(*colour: float, height: int = 48, width: int = 64) -> Rgb:
    """Return a picture of one colour, from 0 to 1."""
    return np.full((height, width, 3), [round(255 * level) for level in colour], np.uint8)


# Words as the classifier has them, with the wider ones above each.
KINDS = {
    "cat": ("mammal", "animal"),
    "lion": ("wild cat", "mammal", "animal"),
    "squirrel": ("rodent", "mammal", "animal"),
    "dog": ("mammal", "animal"),
    "monkey": ("primate", "mammal", "animal"),
    "poodle": ("dog", "mammal", "animal"),
    "mammal": ("animal",),
    "espresso": ("coffee", "drink"),
    "coffee": ("drink",),
    "mug": ("cup",),
    "pizza": ("food",),
    "daisy": ("flower", "plant"),
    "church": ("building",),
    "cowboy hat": ("hat", "clothing"),
    "hat": ("clothing",),
    "sea slug": ("animal",),
}
FINE = ("cowboy hat", "sea slug")


def words(**confidences: float) -> tuple[Word, ...]:
    """Return these words, each with its kinds; underscores are spaces."""
    names = {name.replace("_", " "): confidence for name, confidence in confidences.items()}
    return tuple(Word(name, confidence, KINDS.get(name, ()), name in FINE) for name, confidence in names.items())


def things(*seen: tuple[str, float], side: int = 30) -> tuple[Thing, ...]:
    """Return these things beside each other, in squares of *side* pixels."""
    return tuple(
        Thing(name, confidence, Box(place * side, 10, side, side)) for place, (name, confidence) in enumerate(seen)
    )


def faces(*confidences: float, width: int = 10, height: int = 12) -> tuple[Thing, ...]:
    """Return faces beside each other, of so many pixels."""
    return tuple(
        Thing(HUMAN_FACE, confidence, Box(place * width, 0, width, height))
        for place, confidence in enumerate(confidences)
    )
