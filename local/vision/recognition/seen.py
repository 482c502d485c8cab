"""
What the models tell, whichever they are: set-up's own or ones that a person brings.

All of them look at the working copy of a picture: upright RGB, height x width x 3, at most 640 pixels a side. Boxes are
in its pixels. Each is safe for many threads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Not at run time: the service listens before numpy is loaded.
    from local.vision.decoding.pixels import Rgb


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the picture it was found in."""

    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """How many pixels are in it."""
        return self.width * self.height


@dataclass(frozen=True)
class Word:
    """
    What the picture shows as a whole.

    Attributes:
        kinds: the wider words above it, nearest first: cat, then animal.
        is_fine: whether it is one class alone among others of its kind, as a cowboy hat is among hats.
    """

    name: str
    confidence: float
    kinds: tuple[str, ...] = ()
    is_fine: bool = False


# The name of what a FaceFinder finds.
HUMAN_FACE = "human face"


@dataclass(frozen=True)
class Thing:
    """An object at a place in the picture."""

    name: str
    confidence: float
    box: Box


def largest_first(things: Iterable[Thing]) -> tuple[Thing, ...]:
    """Return *things* by their size; of equals the left one first, then the upper one."""
    return tuple(sorted(things, key=lambda thing: (-thing.box.area, thing.box.left, thing.box.top)))


class Classifier(Protocol):
    """Names what a picture shows."""

    def classify(self, pixels: "Rgb") -> tuple[Word, ...]:
        """Return every word of its vocabulary from a confidence of 0.1, most certain first, wider words included."""


class Detector(Protocol):
    """Finds things."""

    def detect(self, pixels: "Rgb") -> tuple[Thing, ...]:
        """Return the things it is sure of, most certain first, each once."""


class FaceFinder(Protocol):
    """Finds faces."""

    def find(self, pixels: "Rgb") -> tuple[Thing, ...]:
        """Return the faces of people, each a HUMAN_FACE, largest first."""


class AdultScorer(Protocol):
    """Judges whether a picture is for adults only."""

    def score(self, pixels: "Rgb") -> float:
        """Return 0 for a harmless picture to 1 for a pornographic one."""


class Captioner(Protocol):
    """Writes a sentence."""

    def caption(self, pixels: "Rgb") -> str | None:
        """Return one line of English, None where none could be had; the reason is on stderr then."""


@dataclass(frozen=True)
class Recognizers:
    """The models in use; where one is missing, the service says what it can say without."""

    classifier: Classifier | None = None
    detector: Detector | None = None
    faces: FaceFinder | None = None
    adult: AdultScorer | None = None
    captioner: Captioner | None = None


NO_RECOGNIZERS = Recognizers()
