"""
What a picture shows as a whole: EfficientNet-Lite0, trained on the 1,000 classes of ImageNet.

Preprocessing as in https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet (`preprocessing.py` and
`lite/efficientnet_lite_builder.py`): the middle 224 / 256 of the shorter side, (value - 127) / 128, RGB.
"""

from pathlib import Path

import cv2
import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.seen import Word
from local.vision.recognition.sessions import Floats, open_model
from local.vision.recognition.vocabulary import load_vocabulary

SIDE = 224
CROP = 224 / 256
MEAN, SCALE = 127.0, 128.0


class LiteClassifier:
    """Reads its model from *path*. Raises DamagedModelError."""

    def __init__(self, path: Path) -> None:
        # Probabilities, and the features below them.
        self._run = open_model(path, outputs=(2, 2))
        self._vocabulary = load_vocabulary()

    def classify(self, pixels: Rgb) -> tuple[Word, ...]:
        """Return the words of the vocabulary, most certain first."""
        return self._vocabulary.words(self.probabilities(pixels))

    def probabilities(self, pixels: Rgb) -> Floats:
        """Return the probability of each class, which add up to 1."""
        probabilities, _ = self._run(_batch(pixels))
        row: Floats = probabilities[0]
        return row


def _batch(pixels: Rgb) -> Floats:
    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * CROP))
    top, left = (height - side) // 2, (width - side) // 2
    middle = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    # Averages where it makes the picture smaller; like any cubic filter it would skip pixels there.
    way = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    square = cv2.resize(middle, (SIDE, SIDE), interpolation=way)
    scaled = (square.astype(np.float32) - np.float32(MEAN)) / np.float32(SCALE)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
