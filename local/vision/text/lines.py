"""Lines and words as Read writes them, with boxes of eight numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from local.vision.text.recognition import Quad, Recognized

# Print or handwriting cannot be told without a model of its own, so the answer is the service's neutral one.
STYLE = {"name": "other", "confidence": 0.3}
LAST_LATIN = 0x24F

Json = dict[str, Any]


@dataclass(frozen=True)
class PlacedWord:
    """A word and its corners, in pixels of the page; confidence from 0 to 1."""

    text: str
    quad: Quad
    confidence: float


@dataclass(frozen=True)
class PlacedLine:
    """A line, its corners in pixels of the page, and its words from its beginning to its end."""

    quad: Quad
    words: tuple[PlacedWord, ...]

    @property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(word.text for word in self.words)


def place(recognized: Recognized, quad: Quad) -> PlacedLine:
    """Return what was recognized in *quad*, each word in its place along it."""
    words = (PlacedWord(text, _slice(quad, *span), confidence) for text, span, confidence in _words(recognized))
    return PlacedLine(quad, tuple(words))


def compose_placed(line: PlacedLine, scale: tuple[float, float]) -> Json:
    """Return a line of the contract; *scale* are the original's pixels for one of the page's, by x and y."""
    words = [
        {"boundingBox": _pixels(word.quad, scale), "text": word.text, "confidence": round(word.confidence, 3)}
        for word in line.words
    ]
    return compose_line(line.text, _pixels(line.quad, scale), words)


def compose_line(text: str, box: Sequence[float], words: list[Json]) -> Json:
    """Return a line of the contract; the service tells the style of Latin lines only."""
    line: Json = {"boundingBox": list(box), "text": text}
    if not any(character.isalpha() and ord(character) > LAST_LATIN for character in text):
        line["appearance"] = {"style": dict(STYLE)}
    return line | {"words": words}


def _words(recognized: Recognized) -> list[tuple[str, tuple[float, float], float]]:
    """Return each word, where it begins and ends along the line (0 to 1), and its confidence."""
    texts = recognized.text.split()
    count = sum(map(len, texts))
    centres, confidences = recognized.centres, recognized.confidences
    if len(centres) != count or len(confidences) != count:
        return _evenly(recognized)
    half = float(np.median(np.diff(centres))) / 2 if count > 1 else 0.5
    words, at = [], 0
    for text in texts:
        end = at + len(text)
        # No further than halfway to the neighbour's nearest character.
        low = max(centres[at] - half, (centres[at] + centres[at - 1]) / 2 if at else 0.0)
        high = min(centres[end - 1] + half, (centres[end - 1] + centres[end]) / 2 if end < count else 1.0)
        words.append((text, (max(0.0, low), min(1.0, high)), float(np.mean(confidences[at:end]))))
        at = end
    return words


def _evenly(recognized: Recognized) -> list[tuple[str, tuple[float, float], float]]:
    words, at = [], 0
    text = " ".join(recognized.text.split())
    for word in text.split():
        words.append((word, (at / len(text), (at + len(word)) / len(text)), recognized.confidence))
        at += len(word) + 1
    return words


def _slice(quad: Quad, low: float, high: float) -> Quad:
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    return np.array(
        [quad[0] + top * low, quad[0] + top * high, quad[3] + bottom * high, quad[3] + bottom * low], np.float64
    )


def _pixels(quad: Quad, scale: tuple[float, float]) -> list[float]:
    return [round(float(value)) for value in (quad * np.array(scale)).ravel()]
