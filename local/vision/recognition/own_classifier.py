"""A person's own classifier: an ONNX file and the names of its classes."""

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import middle
from local.vision.recognition.own_network import Network
from local.vision.recognition.own_settings import NetworkFile, Triple
from local.vision.recognition.seen import Word
from local.vision.recognition.sessions import Floats

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
        part = middle(pixels, width=self._network.width, height=self._network.height)
        answer = self._network.run(((part / 255).astype(np.float32) - self._mean) / self._std).ravel()
        confidences = answer if self._is_probable else _softmax(answer)
        sums: dict[str, float] = {}
        for name, confidence in zip(self._names, confidences, strict=True):
            if name is not None:
                sums[name] = sums.get(name, 0.0) + float(confidence)
        words = [Word(name, min(1.0, total)) for name, total in sums.items() if total >= LEAST_CONFIDENCE]
        return tuple(sorted(words, key=lambda word: (-word.confidence, word.name)))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)
