"""A person's own classifier: an ONNX file and the names of its classes."""

import cv2
import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.own_network import Network, Numbers
from local.vision.recognition.own_settings import NetworkFile, Triple
from local.vision.recognition.seen import Word

USUAL_SIDE = 224
LEAST_CONFIDENCE = 0.1
ROUNDING = 1e-3


class OwnClassifier:
    """Tells the classes of a person's own network by their names; it knows of no wider words."""

    def __init__(self, file: NetworkFile, mean: Triple, std: Triple) -> None:
        """Load it. Raises LocalError for a file that cannot be used, and for labels that do not fit."""
        self._network = Network(file, side=USUAL_SIDE)
        self._mean, self._std = np.array(mean, np.float32), np.array(std, np.float32)
        answer = self._network.try_out()
        if answer.size != max(answer.shape, default=0) or answer.ndim < 1:
            shape = " x ".join(map(str, answer.shape)) or "one number"
            raise file.wrong(f"which answers {shape}: use a classifier that answers 1 x number of classes")
        self._names = file.named(answer.size)
        # Once, for all pictures: a network ends in a softmax or it does not.
        self._is_probable = bool(answer.min() >= -ROUNDING and abs(float(answer.sum()) - 1) <= ROUNDING)

    def classify(self, pixels: Rgb) -> tuple[Word, ...]:
        """Return the names of its classes from a confidence of 0.1, most certain first."""
        middle = _middle(pixels, self._network.height, self._network.width)
        answer = self._network.run(((middle / 255).astype(np.float32) - self._mean) / self._std).ravel()
        confidences = answer if self._is_probable else _softmax(answer)
        sums: dict[str, float] = {}
        for name, confidence in zip(self._names, confidences, strict=True):
            if name is not None:
                sums[name] = sums.get(name, 0.0) + float(confidence)
        words = [Word(name, min(1.0, total)) for name, total in sums.items() if total >= LEAST_CONFIDENCE]
        return tuple(sorted(words, key=lambda word: (-word.confidence, word.name)))


def _middle(pixels: Rgb, height: int, width: int) -> Rgb:
    """Return the largest part in the middle that has the shape of the input, scaled to it."""
    scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (pixels.shape[0] - rows) // 2, (pixels.shape[1] - columns) // 2
    part = pixels[top : top + rows, left : left + columns]
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)


def _softmax(logits: Numbers) -> Numbers:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)
