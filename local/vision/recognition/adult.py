"""
Whether a picture is for adults only: Yahoo's open_nsfw, 2016.

Preprocessing as in https://github.com/yahoo/open_nsfw (`classify_nsfw.py`): the whole picture as 256 x 256, the middle
224 x 224 of it, BGR minus the mean of its training pictures.
"""

from pathlib import Path

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import middle, resized
from local.vision.recognition.sessions import Floats, open_model

WHOLE, SIDE = 256, 224
MEAN_BGR = (104.0, 117.0, 123.0)


class OpenNsfw:
    """Reads its model from *path*. Raises DamagedModelError."""

    def __init__(self, path: Path) -> None:
        self._run = open_model(path, outputs=(2,))

    def score(self, pixels: Rgb) -> float:
        """Return 0 for a harmless picture to 1 for a pornographic one."""
        # The other of the two is that of a harmless one.
        return float(self._run(_batch(pixels))[0][0, 1])


def _batch(pixels: Rgb) -> Floats:
    whole = resized(pixels, width=WHOLE, height=WHOLE)
    inner = middle(whole, width=SIDE, height=SIDE, share=SIDE / WHOLE)
    return np.ascontiguousarray(inner[None, ..., ::-1].astype(np.float32) - np.array(MEAN_BGR, np.float32))
