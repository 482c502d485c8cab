"""
Colours of a picture: the twelve names of the contract, the accent colour, black and white or not.

Names are decided by hue, saturation and brightness. They are plausible, not equal to Azure's, whose rule is not known.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from local.vision.decoding.pixels import Rgb, shrunk

NAMES = (
    "Black",
    "Blue",
    "Brown",
    "Gray",
    "Green",
    "Orange",
    "Pink",
    "Purple",
    "Red",
    "Teal",
    "White",
    "Yellow",
)
SAMPLE_SIDE = 128
BORDER_SHARE = 0.12
MIN_DOMINANT_SHARE = 0.12
MAX_DOMINANT = 3
# Largest difference between two channels that still counts as gray: JPEG leaves traces of colour in a gray picture.
GRAY_CHROMA = 20
# Upper ends of the hues, in degrees.
_HUES = ((15, "Red"), (45, "Orange"), (68, "Yellow"), (160, "Green"), (195, "Teal"), (260, "Blue"), (300, "Purple"))


@dataclass(frozen=True)
class Colours:
    """*shares* is each name's share of the pixels, from 0 to 1; *accent* is six hexadecimal digits."""

    foreground: str
    background: str
    dominant: tuple[str, ...]
    shares: dict[str, float]
    accent: str
    is_black_and_white: bool


def measure_colours(pixels: Rgb) -> Colours:
    """Measure the colours of RGB *pixels*."""
    sample = shrunk(pixels, SAMPLE_SIDE)
    chroma = np.ptp(sample.astype(np.int16), axis=2)
    is_gray = bool(np.mean(chroma > GRAY_CHROMA) < 0.005)
    hsv = np.asarray(cv2.cvtColor(sample.astype(np.float32) / 255, cv2.COLOR_RGB2HSV), np.float32)
    names = _names(hsv, gray_only=is_gray)
    shares = _shares(names.ravel())
    border = _border(names.shape)
    dominant = [name for name, share in shares.items() if share >= MIN_DOMINANT_SHARE][:MAX_DOMINANT]
    return Colours(
        foreground=next(iter(_shares(names[~border]))),
        background=next(iter(_shares(names[border]))),
        dominant=tuple(dominant or list(shares)[:1]),
        shares=shares,
        accent=_accent(sample, hsv, is_gray=is_gray),
        is_black_and_white=is_gray,
    )


def _names(hsv: NDArray[np.float32], *, gray_only: bool) -> NDArray[np.uint8]:
    """Return for each pixel the index of its name; hue is in degrees, saturation and brightness from 0 to 1."""
    hue, saturation, brightness = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    named = np.full(hue.shape, NAMES.index("Red"), np.uint8)
    named[(hue >= 300) & (hue < 340)] = NAMES.index("Pink")
    for end, name in reversed(_HUES):
        named[hue < end] = NAMES.index(name)
    named[(named == NAMES.index("Red")) & (saturation < 0.5) & (brightness > 0.75)] = NAMES.index("Pink")
    warm = (hue < 45) & (hue >= 8)
    named[warm & (brightness < 0.6)] = NAMES.index("Brown")
    colourless = np.full_like(saturation, True, bool) if gray_only else saturation < 0.16
    named[colourless] = NAMES.index("Gray")
    named[colourless & (brightness > 0.85)] = NAMES.index("White")
    named[(brightness < 0.2) | (colourless & (brightness < 0.25))] = NAMES.index("Black")
    return named


def _shares(names: NDArray[np.uint8]) -> dict[str, float]:
    """Share of each name that occurs, largest first, equals by name."""
    counts = np.bincount(names, minlength=len(NAMES)) / max(1, names.size)
    order = sorted(range(len(NAMES)), key=lambda index: (-counts[index], NAMES[index]))
    return {NAMES[index]: float(counts[index]) for index in order if counts[index]} or {"Gray": 1.0}


def _border(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape[0], shape[1]
    ring_y, ring_x = max(1, round(height * BORDER_SHARE)), max(1, round(width * BORDER_SHARE))
    border = np.ones((height, width), bool)
    border[ring_y : height - ring_y, ring_x : width - ring_x] = False
    # A strip has no inside: half of it stands for the foreground.
    if border.all():
        border[:, width // 2 :] = False
    return border


def _accent(sample: Rgb, hsv: NDArray[np.float32], *, is_gray: bool) -> str:
    """Mean colour of the hue that is most vivid over the whole picture; of a gray picture its middle gray."""
    vividness = (hsv[..., 1] * hsv[..., 2]) ** 2
    if is_gray or not vividness.any():
        level = int(np.median(sample))
        return f"{level:02X}" * 3
    bins = (hsv[..., 0] / 15).astype(int) % 24
    strongest = int(np.argmax(np.bincount(bins.ravel(), weights=vividness.ravel(), minlength=24)))
    weights = np.where(bins == strongest, vividness, 0)[..., None]
    red, green, blue = np.rint((sample * weights).sum(axis=(0, 1)) / weights.sum()).astype(int)
    return f"{red:02X}{green:02X}{blue:02X}"
