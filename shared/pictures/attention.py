"""
What stands out in a picture, where nothing else tells: whatever is unlike its surroundings, and skin.

An area of interest is the largest square of its picture, so it says nothing of a window that slides inside of it.
The measure is rough and cheap: some milliseconds, on a copy of 160 pixels. Its weights were chosen on the pictures of
`bench.crops` and sixty parts of the samples.
"""

import math
from array import array
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 160
# What a plain ground has, in shares of all pixels, counts for nothing; the strongest few are as strong as the next.
_GROUND, _STRONGEST = 0.7, 0.99
# Of skin of any tone: the middle and the breadth of Cb and Cr, and the least Y, of 0 to 255.
_SKIN, _LIGHT = ((110, 14), (150, 12)), 50


class Attention(NamedTuple):
    """How much stands out in each of some strips of equal breadth, from left to right and from top to bottom."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]


def measure(image: "Image.Image") -> Attention:
    """
    What stands out in a picture.

    Args:
        image: upright, of the mode RGB, of any size.
    """
    from PIL import Image, ImageChops, ImageFilter

    mean = Image.Resampling.BOX
    scale = min(1.0, _SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    bands = image.resize(size, mean, reducing_gap=2.0).convert("YCbCr").split()
    # Pillow blurs no YCbCr.
    small = Image.merge("RGB", bands)
    breadth = max(1.0, max(size) / 24)
    fine, coarse = (small.filter(ImageFilter.GaussianBlur(radius)) for radius in (breadth / 3, 2 * breadth))
    unlike = _levelled(ImageChops.difference(fine, coarse).convert("L", (1 / 3, 1 / 3, 1 / 3, 0)))
    skin = ImageChops.multiply(*(band.point(_bell(*tone)) for band, tone in zip(bands[1:], _SKIN, strict=True)))
    skin = ImageChops.multiply(skin, bands[0].point([255 * (value >= _LIGHT) for value in range(256)]))
    # Half and one and a half, so that no sum is over 255.
    found = ImageChops.add(unlike, skin.point([value // 2 for value in range(256)]), scale=1.5).convert("F")
    return Attention(_values(found.resize((size[0], 1), mean)), _values(found.resize((1, size[1]), mean)))


def _levelled(part: "Image.Image") -> "Image.Image":
    """The part with its ground at 0 and its strongest at 255."""
    reached = list(accumulate(part.histogram()))
    low, high = (bisect_left(reached, share * reached[-1]) for share in (_GROUND, _STRONGEST))
    span = max(1, high - low)
    return part.point([max(0, min(255, round((value - low) * 255 / span))) for value in range(256)])


def _bell(middle: int, breadth: int) -> list[int]:
    """255 where a value is the middle, and less the farther from it."""
    return [round(255 * math.exp(-(((value - middle) / breadth) ** 2))) for value in range(256)]


def _values(strip: "Image.Image") -> tuple[float, ...]:
    return tuple(array("f", strip.tobytes()))
