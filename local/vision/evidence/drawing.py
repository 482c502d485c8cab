"""Clip-art, line drawing or photo, told by gradients and palette."""

from dataclasses import dataclass

import cv2
import numpy as np

from local.vision.decoding.pixels import Rgb

SAMPLE_SIDE = 320
FLAT_STEP = 3  # gray levels between neighbours that still count as one surface
HARD_STEP = 48  # gray levels between neighbours that make a drawn edge
PALETTE_SHARE = 0.95
# Of the flat surfaces, the share with steps of 1 to 3 levels: a camera's noise. In pictures of scikit-image, opencv-doc
# and mate-backgrounds, drawn ones had 0.43 and less; photographs on white or with much black had 0.48 and more.
GRAINY = 0.45
# Different colours, against the number of pixels. Drawn pictures of the same packages had 0.03 and less, photographs of
# cars and bottles on white 0.1 and more.
MANY_COLOURS = 0.09


@dataclass(frozen=True)
class DrawingKind:
    """*clip_art* is the contract's 0 (none), 1 (ambiguous), 2 (normal), 3 (good)."""

    clip_art: int
    is_line_drawing: bool


def measure_drawing(pixels: Rgb) -> DrawingKind:
    """
    Tell what kind of picture RGB *pixels* are.

    Drawn pictures are flat or jump, and few colours make up nearly all of them. A photo can be like that too, such as
    one of a thing on a white ground; but its flat surfaces have noise, or the rest has many colours.
    """
    sample = _shrink(pixels)
    gray = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY).astype(np.int16)
    step = np.maximum(np.abs(np.diff(gray, axis=0))[:, :-1], np.abs(np.diff(gray, axis=1))[:-1])
    flat = float(np.mean(step <= FLAT_STEP))
    even = float(np.mean(step == 0))
    hard = float(np.mean(step >= HARD_STEP))
    soft = 1 - flat - hard
    is_line_drawing = _is_line_drawing(sample, gray, flat)
    is_photo = flat - even >= GRAINY * flat or _colours(sample) >= MANY_COLOURS
    clip_art = 0 if is_line_drawing or is_photo else _clip_art(flat, soft, hard, _palette(sample))
    return DrawingKind(clip_art, is_line_drawing)


def _shrink(pixels: Rgb) -> Rgb:
    # Picking pixels instead of averaging them keeps flat surfaces flat and edges hard.
    step = max(1, round(max(pixels.shape[:2]) / SAMPLE_SIDE))
    rows, columns = (max(1, min(step, length // 2)) for length in pixels.shape[:2])
    return pixels[::rows, ::columns]


def _colours(sample: Rgb) -> float:
    """How many colours there are, against the number of pixels."""
    codes = sample.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return float(np.unique(codes).size / codes.size)


def _palette(sample: Rgb) -> int:
    """How many colours, at eight levels a channel, make up nearly all of the picture."""
    codes = (sample >> 5).astype(np.int32) @ np.array([64, 8, 1], np.int32)
    counts = np.sort(np.bincount(codes.ravel(), minlength=512))[::-1]
    return int(np.searchsorted(np.cumsum(counts), PALETTE_SHARE * codes.size)) + 1


def _clip_art(flat: float, soft: float, hard: float, palette: int) -> int:
    # A surface without any edge is a wall or a sky as well as a drawing.
    if hard < 0.002 or palette > 16 or flat < 0.6:
        return 0
    if flat > 0.85 and soft < 0.06:
        return 3
    return 2 if flat > 0.75 and soft < 0.18 else 1


def _is_line_drawing(sample: Rgb, gray: cv2.typing.MatLike, flat: float) -> bool:
    """Thin dark strokes on white paper and nothing else."""
    colourful = float(np.mean(np.ptp(sample.astype(np.int16), axis=2) > 40))
    ink = (gray < 140).astype(np.uint8)
    ink_share = float(ink.mean())
    paper_share = float(np.mean(gray > 215))
    if colourful > 0.01 or paper_share < 0.75 or not 0.004 < ink_share < 0.25 or flat < 0.6:
        return False
    solid = cv2.erode(ink, np.ones((7, 7), np.uint8))
    return float(solid.sum()) < 0.02 * float(ink.sum())
