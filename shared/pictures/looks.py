"""
How a picture looks, in short: a perceptual hash, by which copies of it are found, and the colour it has most of.

The hash has a bit for each of the 64 slowest waves across the picture (a discrete cosine transform): whether it is
above the middle of all. A copy that is compressed, scaled or brightened changes few bits, another picture about half.
"""

import math
from collections import Counter
from functools import cache
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from shared.pictures import kinds
from shared.pictures.window import HeaderError, Window

if TYPE_CHECKING:
    from PIL import Image

# The blob metadata of a thumbnail that tell its look.
LOOK, COLOUR = "look", "colour"
_GREYS, _BRIGHT = ("black", "white", "gray"), ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
COLOURS = (*_GREYS, *_BRIGHT, "brown")
# The look of a picture of one colour, or nearly so: it is like no other, as all of them would be like each other.
FLAT = "0" * 16
BITS = 64
# Copies of one picture are seldom farther apart, and other pictures seldom nearer (tests/unit/pictures/test_looks.py).
SAME_BITS = 6
_SIDE, _COLOUR_SIDE = 32, 16
# Greys of 0 to 255 that lie closer together, by their standard deviation, are one.
_FLAT_GREYS = 2.0
# A JPEG is decoded smaller, a WebP is not: so many pixels of one are enough.
_DECODED_SIDE, _MOST_PIXELS = 128, 4096 * 4096
# Below this chroma (0 to 255), and this share of its brightness, a colour is a grey; black and white are its ends.
_GREY_CHROMA, _GREY_SHARE, _BLACK, _WHITE = 18, 0.13, 56, 205
# Where each hue ends, in degrees.
_HUES = ((12, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (295, "purple"))
_LAST_HUE, _RED_AGAIN = "pink", 345
# Orange and red that are dark are brown; red that is pale is pink.
_BROWN_BELOW, _BROWN_HUES, _PALE_SHARE = 150, (8, 50), 0.5


class Look(NamedTuple):
    """
    What a picture looks like.

    Attributes:
        look: the hash, 16 hex digits; `FLAT` of a picture without anything to see.
        colour: one of `COLOURS`.
    """

    look: str
    colour: str

    def metadata(self) -> dict[str, str]:
        """As the metadata of a thumbnail tell it."""
        return {LOOK: self.look, COLOUR: self.colour}


def of_picture(image: "Image.Image") -> Look:
    """The look of a picture of any size, in the mode RGB."""
    from PIL import Image

    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return Look(_hash(small.convert("L")), _colour(small.resize((_COLOUR_SIDE, _COLOUR_SIDE), Image.Resampling.BOX)))


def of_bytes(data: bytes) -> Look | None:
    """The look of a thumbnail, a JPEG or a WebP; None of anything else, and of one that cannot be decoded."""
    from shared.pictures import decoding

    kind = kinds.kind_of(Window(data))
    if kind not in (kinds.JPEG, kinds.WEBP):
        return None
    try:
        found = decoding.opened(data, kind.name, (_DECODED_SIDE, _DECODED_SIDE))
        if math.prod(found.size) > _MOST_PIXELS:
            return None
        with decoding.typed_errors("it cannot be decoded"):
            from shared.pictures import scaling

            pixels = found.decode()
            return of_picture(scaling.scaled(pixels, pixels.size))
    except HeaderError:
        return None


def distance(one: str, other: str) -> int:
    """How many bits of two looks differ, of 64; that of a flat picture and any other is 64."""
    if FLAT in (one, other):
        return BITS
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _hash(grey: "Image.Image") -> str:
    from PIL import ImageStat

    if ImageStat.Stat(grey).stddev[0] < _FLAT_GREYS:
        return FLAT
    data = grey.tobytes()
    rows = [data[at : at + _SIDE] for at in range(0, len(data), _SIDE)]
    waves = _waves()
    across = [[sum(map(mul, row, wave)) for row in rows] for wave in waves]
    found = [sum(map(mul, across[one], waves[other])) for one, other in _places()]
    middle = sum(sorted(found)[BITS // 2 - 1 : BITS // 2 + 1]) / 2
    bits = 0
    for value in found:
        bits = bits << 1 | (value > middle)
    return f"{bits:016x}"


@cache
def _waves() -> list[list[float]]:
    """A cosine of each frequency, at each pixel of a line."""
    most = max(max(place) for place in _places())
    return [
        [math.cos(math.pi * (2 * at + 1) * frequency / (2 * _SIDE)) for at in range(_SIDE)]
        for frequency in range(most + 1)
    ]


@cache
def _places() -> list[tuple[int, int]]:
    """The frequencies across and down of each bit, the slowest first; that of the mere brightness is left out."""
    pairs = ((one, other) for one in range(BITS) for other in range(BITS))
    return sorted(pairs, key=lambda pair: (sum(pair), abs(pair[0] - pair[1]), pair))[1 : BITS + 1]


def _colour(image: "Image.Image") -> str:
    data = image.tobytes()
    counts = Counter(_named(*data[at : at + 3]) for at in range(0, len(data), 3))
    return max(COLOURS, key=lambda name: counts[name])


def _named(red: int, green: int, blue: int) -> str:
    high, low = max(red, green, blue), min(red, green, blue)
    chroma = high - low
    if chroma < max(_GREY_CHROMA, _GREY_SHARE * high):
        return "black" if high < _BLACK else "white" if low >= _WHITE else "gray"
    if high < _BLACK * 0.75:
        return "black"
    if high == red:
        hue = 60 * ((green - blue) / chroma % 6)
    elif high == green:
        hue = 60 * ((blue - red) / chroma + 2)
    else:
        hue = 60 * ((red - green) / chroma + 4)
    if _BROWN_HUES[0] <= hue < _BROWN_HUES[1] and high < _BROWN_BELOW:
        return "brown"
    name = "red" if hue >= _RED_AGAIN else next((name for end, name in _HUES if hue < end), _LAST_HUE)
    return "pink" if name == "red" and chroma < _PALE_SHARE * high and low > _BLACK else name
