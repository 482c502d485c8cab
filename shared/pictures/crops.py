"""
Where a thumbnail is cut: the part of a picture that has the thumbnail's shape and keeps the most of the subject.

Geometry alone; all places are upright pixels.
"""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle: its left upper corner and its sides."""

    left: float
    top: float
    width: float
    height: float


class Subject(NamedTuple):
    """What a picture is about: the boxes of things, and those of faces, which are kept whole where they fit."""

    things: tuple[Box, ...] = ()
    faces: tuple[Box, ...] = ()


def window(sides: tuple[int, int], shape: tuple[int, int], subject: Subject | None = None) -> Box:
    """
    The largest part of a picture with that shape that keeps the most of the subject; without one, its middle.

    Args:
        sides: width and height of the picture.
        shape: width and height of the thumbnail.
        subject: what is to be kept.
    """
    raise NotImplementedError
