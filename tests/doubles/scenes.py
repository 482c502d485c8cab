"""
A scene with a thing and a face at known places, upright, and what finds them in any pixels by their colours alone.

The thing is red and the face blue on a light ground; in gray they are dark and middling, and in black and white there
is a black thing and no face. Places are shares of the upright sides, so they do not change with the size.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]
_MOST_PIXELS = 2_500_000


class Place(NamedTuple):
    """A rectangle: its left upper corner and its sides, in pixels or as shares of the picture's sides."""

    left: float
    top: float
    width: float
    height: float

    def of(self, sides: tuple[int, int]) -> "Place":
        """The place in pixels of a picture with these sides, of shares."""
        return Place(self.left * sides[0], self.top * sides[1], self.width * sides[0], self.height * sides[1])

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.left + self.width, self.top + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return self.left + self.width / 2, self.top + self.height / 2


# No turn and no mirror image of the scene looks like another.
THING = Place(0.1, 0.15, 0.3, 0.25)
FACE = Place(0.55, 0.5, 0.2, 0.35)
PLACES = {"thing": THING, "face": FACE}


class Paint(NamedTuple):
    """What the scene is painted with."""

    mode: str
    ground: int | tuple[int, int, int]
    thing: int | tuple[int, int, int]
    face: int | tuple[int, int, int]

    def rgb(self, what: str) -> tuple[int, int, int]:
        """The colour of a part as anybody sees it."""
        colour = getattr(self, what)
        return colour if isinstance(colour, tuple) else (colour, colour, colour)


COLOURS = Paint("RGB", (235, 225, 190), (200, 30, 40), (30, 60, 200))
GRAYS = Paint("L", 235, 20, 115)
# Where the ground is transparent.
CUT_OUT, GRAY_CUT_OUT = (paint._replace(ground=light) for paint, light in ((COLOURS, (255, 255, 255)), (GRAYS, 255)))
BLACK = Paint("1", 255, 0, 255)


def scene(width: int = 320, height: int = 240, paint: Paint = COLOURS) -> Image.Image:
    """The upright scene."""
    mode = "L" if paint.mode == "1" else paint.mode
    image = Image.new(mode, (width, height), paint.ground)
    for what, place in PLACES.items():
        left, top, right, bottom = (round(edge) for edge in place.of((width, height)).edges)
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), getattr(paint, what))
    return image.convert(paint.mode, dither=Image.Dither.NONE)


# What row 0 and column 0 of the stored picture are on the upright one, as the definition of the tag has it (TIFF 6.0,
# "Orientation"; Exif 3.0, 4.6.5.1).
_ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
ORIENTATIONS = tuple(_ROW_AND_COLUMN)


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it that writes this orientation beside it."""
    row, column = _ROW_AND_COLUMN[orientation]
    pixels = np.asarray(upright)
    if row in ("left", "right"):
        pixels = pixels.swapaxes(0, 1)
    if row in ("bottom", "right"):
        pixels = pixels[::-1]
    if column in ("bottom", "right"):
        pixels = pixels[:, ::-1]
    turned = Image.fromarray(np.ascontiguousarray(pixels))
    if upright.mode == "P":
        turned.putpalette(upright.getpalette() or [])
    return turned


def opened(image: Image.Image) -> Pixels:
    """Its pixels as a viewer without colour management shows them: RGB, 8 bits, on white."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        image = Image.fromarray((values >> 8 if values.max() > 255 else values).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        laid = Image.new("RGB", layer.size, "white")
        laid.paste(layer, mask=layer.getchannel("A"))
        return np.asarray(laid)
    return np.asarray(image.convert("RGB"))


def find(pixels: Pixels) -> dict[str, Place]:
    """Where the thing and the face are, as far as they are there; of a large picture only some pixels are looked at."""
    step = max(1, math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / _MOST_PIXELS)))
    pixels = pixels[::step, ::step]
    red, green, blue = (pixels[..., channel].astype(np.int16) for channel in range(3))
    light = (red + green + blue) // 3
    masks = {
        "thing": (red - blue > 80) | ((light < 60) & (abs(red - blue) < 40)),
        "face": (blue - red > 70) | ((light > 75) & (light < 165) & (abs(red - blue) < 25) & (abs(red - green) < 25)),
    }
    return {
        what: Place(*(step * number for number in place)) for what, mask in masks.items() if (place := _extent(mask))
    }


def _extent(mask: NDArray[np.bool_]) -> Place | None:
    """The rectangle around what is left when the rim is taken off, with it: soft edges are of no colour."""
    inner = mask
    for axis in (0, 1):
        inner = np.logical_and.reduce([np.roll(inner, shift, axis) for shift in (-2, -1, 0, 1, 2)])
    rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
    if not len(rows):
        return None
    left, top, right, bottom = columns[0] - 2, rows[0] - 2, columns[-1] + 3, rows[-1] + 3
    return Place(int(left), int(top), int(right - left), int(bottom - top))


def colour_inside(pixels: Pixels, place: Place) -> tuple[float, float, float]:
    """The mean colour of the inner half of a place."""
    left, top, right, bottom = place.edges
    width, height = (right - left) / 4, (bottom - top) / 4
    inner = pixels[round(top + height) : round(bottom - height) + 1, round(left + width) : round(right - width) + 1]
    red, green, blue = inner.reshape(-1, 3).mean(axis=0)
    return float(red), float(green), float(blue)
