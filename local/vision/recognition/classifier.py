"""
What a picture shows as a whole: EfficientNet-Lite0, trained on the 1,000 classes of ImageNet.

Preprocessing as in https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet (`preprocessing.py` and
`lite/efficientnet_lite_builder.py`): the middle 224 / 256 of the shorter side, (value - 127) / 128, RGB.

The whole picture, padded, is a second view, for a subject that the middle cuts; what one view alone sees is often not
there. On 78 pictures of opencv-doc, mate-backgrounds, scikit-image and scikit-learn the two views were right as often
as the middle alone, and wrong less often. Mirrored and smaller views added nothing to that, and EfficientNet-Lite2 was
no better.
"""

from pathlib import Path

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import letterboxed, middle
from local.vision.recognition.seen import Word
from local.vision.recognition.sessions import Floats, open_model
from local.vision.recognition.vocabulary import load_vocabulary

SIDE = 224
CROP = 224 / 256
MEAN, SCALE = 127.0, 128.0
# Of the middle and the whole. The network was trained on the middle.
WEIGHTS = (2 / 3, 1 / 3)


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
        mean: Floats = np.average(probabilities, axis=0, weights=WEIGHTS).astype(np.float32)
        return mean


def _batch(pixels: Rgb) -> Floats:
    whole = letterboxed(pixels, width=SIDE, height=SIDE, fill=round(MEAN)).pixels
    views = np.stack([middle(pixels, width=SIDE, height=SIDE, share=CROP), whole]).astype(np.float32)
    return np.ascontiguousarray(((views - np.float32(MEAN)) / np.float32(SCALE)).transpose(0, 3, 1, 2))
