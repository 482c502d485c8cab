"""
Which of the words that are seen on a page its own text tells already: none is to be told twice, and none left out.

Text that is seen is not in the picture of its page. So a word is told already where it says the same at the same place,
beneath a scan, or where it stands for invisible text, which a program once recognized in that scan.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from local.vision.text.lines import Json, compose_line

ALIKE = 0.6  # of a word's characters; what two programs recognize in one picture differs in some
SAME_PLACE = 0.1  # share of a seen word that another must cover to be looked at
COVERED = 0.5  # share of a seen word that invisible text must cover to stand for it
SAME_HEIGHT = 2.0  # a stamp is higher or lower by more than that

Bounds = NDArray[np.float64]


@dataclass(frozen=True)
class OwnWord:
    """A word of a page's own text; *reach* as in `pdfium.look`, in inches."""

    text: str
    reach: tuple[float, ...]
    is_invisible: bool


def without_told(lines: Sequence[Json], own: Sequence[OwnWord]) -> list[Json]:
    """Return what *lines* of the contract, seen on a page, tell beyond the *own* text of that page, in inches."""
    words = [word for line in lines for word in line["words"]]
    layer = _Layer(own)
    told = {id(word) for word in words if layer.tells_in_place(word)}
    # Some programs lay invisible text anywhere on the page.
    told |= {id(word) for word in words if id(word) not in told and layer.tells_elsewhere(word)}
    rest = [(line, [word for word in line["words"] if id(word) not in told]) for line in lines]
    return [line if kept == line["words"] else _line_of(kept) for line, kept in rest if kept]


class _Layer:
    def __init__(self, words: Sequence[OwnWord]) -> None:
        self._keys = [_key(word.text) for word in words]
        self._reaches = np.array([word.reach for word in words], np.float64).reshape(-1, 4)
        self._is_invisible = np.array([word.is_invisible for word in words], np.bool_)
        self._unseen = Counter(_key(word.text) for word in words if word.is_invisible)

    def tells_in_place(self, word: Json) -> bool:
        bounds = np.array(_bounds(word["boundingBox"]))
        shares = _covered(bounds, self._reaches)
        near = [self._keys[at] for at in np.flatnonzero(shares > SAME_PLACE)]
        key = _key(word["text"])
        ratio = _height(self._reaches) / _height(bounds)
        stands_for = self._is_invisible & (ratio < SAME_HEIGHT) & (ratio > 1 / SAME_HEIGHT)
        if float(shares[stands_for].sum()) < COVERED and not any(_is_alike(key, other) for other in _read_as(near)):
            return False
        self._unseen[key] -= 1
        return True

    def tells_elsewhere(self, word: Json) -> bool:
        key = _key(word["text"])
        self._unseen[key] -= 1
        return self._unseen[key] >= 0


def _read_as(keys: list[str]) -> list[str]:
    # Where one program sees a space, the other may see none.
    return [*keys, "".join(keys)] if keys else []


def _is_alike(one: str, other: str) -> bool:
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum()) or text


def _bounds(box: Sequence[float]) -> tuple[float, float, float, float]:
    return min(box[::2]), min(box[1::2]), max(box[::2]), max(box[1::2])


def _height(bounds: Bounds) -> Bounds:
    sides = bounds[..., 2:] - bounds[..., :2]
    # Of a word that runs upwards, its height is its shorter side.
    return np.asarray(np.maximum(sides.min(axis=-1), 1e-6), np.float64)


def _covered(bounds: Bounds, others: Bounds) -> Bounds:
    """Return the share of *bounds* that each of *others* covers."""
    low, high = np.maximum(bounds[:2], others[:, :2]), np.minimum(bounds[2:], others[:, 2:])
    area = float(np.prod(np.maximum(bounds[2:] - bounds[:2], 1e-6)))
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=1) / area, np.float64)


def _line_of(words: list[Json]) -> Json:
    """Return a line of some of its words, in the box around them."""
    left, top, right, bottom = _bounds([value for word in words for value in word["boundingBox"]])
    corners = [left, top, right, top, right, bottom, left, bottom]
    return compose_line(" ".join(word["text"] for word in words), corners, words)
