"""
Places in the image that Azure AI Search has cracked out of a document, from its normalized image.

An indexer turns images upright and makes large ones smaller before a skill sees them. Each normalized image says how:
https://learn.microsoft.com/azure/search/cognitive-search-concept-image-scenarios ("About normalized images"). The
page's `GetOriginalCoordinates` says which way a quarter turn goes, though its text says the other way. Here each side
has a scale of its own, and none is cut to a whole number.
"""

from typing import Any, NamedTuple

from shared.json_types import Json
from shared.vision.mapping import Frame

_SIDES = ("width", "height", "originalWidth", "originalHeight")
_ROTATION = "rotationFromOriginal"
MEMBERS = (*_SIDES, _ROTATION)
# What turns the normalized image back, as Exif counts it.
_TURNS = {0: 1, 90: 8, 180: 3, 270: 6}
# An image has far fewer pixels a side; AI Search makes none of more than 10,000.
_LONGEST_SIDE = 1_000_000


class Placement(NamedTuple):
    """How places become those of the original: by the frame, unless it is None; the warning says why it is."""

    frame: Frame | None = None
    warning: str | None = None


def of(image: Json) -> Placement:
    """The placement that the members of a normalized image tell; without them, or with wrong ones, no frame."""
    if all(image.get(name) is None for name in MEMBERS):
        return Placement()
    sides: list[Any] = [image.get(name) for name in _SIDES]
    if not all(map(_is_side, sides)):
        return _unknown(f"{', '.join(_SIDES)} are not four whole numbers from 1 on")
    turned = image.get(_ROTATION)
    angle = 0 if turned is None else turned
    if isinstance(angle, bool) or not isinstance(angle, int | float) or angle % 360 not in _TURNS:
        return _unknown(f"{_ROTATION} is no multiple of 90")
    width, height, original_width, original_height = sides
    return Placement(Frame((width, height), (original_width, original_height), _TURNS[int(angle % 360)]))


def _is_side(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _LONGEST_SIDE


def checked(placement: Placement, width: int, height: int) -> Placement:
    """The placement of an image that has these sides: none, if the normalized image tells of others."""
    if placement.frame is None or placement.frame.sent == (width, height):
        return placement
    told_width, told_height = placement.frame.sent
    return _unknown(f"the image has {width}x{height} pixels, and its members say {told_width}x{told_height}")


def _unknown(reason: str) -> Placement:
    return Placement(warning=f"Places are in pixels of the normalized image, not of the original: {reason}.")
