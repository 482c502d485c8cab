"""Pictures that are open, what decoding them will cost, and their pixels once they are decoded."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from shared.pictures.colours import Srgb
from shared.pictures.tiff import Sides

# Pillow holds colours in 4 bytes.
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_PILLOW_BYTES = 4


class Pixels(NamedTuple):
    """
    Decoded pixels, as they are stored.

    Attributes:
        size: width and height.
        colours: what turns them into sRGB.
        strip: the rows from one number up to another, as a picture of Pillow's.
        whole: all of them as one, where they are in one.
    """

    size: Sides
    colours: Srgb
    strip: Callable[[int, int], Any]
    whole: Any = None


class Opened(NamedTuple):
    """
    A picture that is not decoded yet.

    Attributes:
        full: width and height of the whole picture, as its decoder gives it.
        size: of what `decode` gives, which may be smaller.
        cost: the bytes that decoding holds at its peak.
        effort: how many pixels the decoder walks through.
        decode: decodes it.
        is_upright: whether the decoder turns it.
    """

    full: Sides
    size: Sides
    cost: int
    effort: int
    decode: Callable[[], Pixels]
    is_upright: bool = False


def opened_of(size: Sides, pixel_bytes: int, decode: Callable[[], Pixels]) -> Opened:
    """A picture that costs so many bytes for each of its pixels and cannot be decoded smaller."""
    pixels = math.prod(size)
    return Opened(size, size, pixels * pixel_bytes, pixels, decode)


def of_image(image: Any, full: Sides, profile: bytes | None = None) -> Opened:
    """An image of Pillow's, which it has opened and not loaded."""

    def decode() -> Pixels:
        image.load()
        greys = image.getextrema() if image.mode in ("I", "F") else None
        colours = Srgb(profile or image.info.get("icc_profile"), greys)
        width = image.size[0]
        return Pixels(image.size, colours, lambda top, bottom: image.crop((0, top, width, bottom)), image)

    return Opened(full, image.size, math.prod(image.size) * mode_bytes(image.mode), math.prod(full), decode)


def mode_bytes(mode: str) -> int:
    """The bytes of one pixel in a mode of Pillow's."""
    return _MODE_BYTES.get(mode, _PILLOW_BYTES)


def of_bytes(
    content: Callable[[], Any], size: Sides, mode: str, raw: str, stride: int, profile: bytes | None
) -> Pixels:
    """Pixels that lie in memory as a library gives them: a second copy of all of them is not made."""
    from PIL import Image

    def strip(top: int, bottom: int) -> Any:
        rows = memoryview(content())[top * stride : bottom * stride]
        return Image.frombytes(mode, (size[0], bottom - top), rows, "raw", raw, stride)

    return Pixels(size, Srgb(profile), strip)


def divided(size: Sides, by: int, *, down: bool = False) -> Sides:
    """The sides of a picture that is decoded that much smaller; decoders count parts of a pixel."""
    above = 0 if down else by - 1
    return max(1, (size[0] + above) // by), max(1, (size[1] + above) // by)


def serves(size: Sides, least: Sides) -> bool:
    """Whether neither side is shorter."""
    return size[0] >= least[0] and size[1] >= least[1]
