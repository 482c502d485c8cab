"""
A person's own detector: an ONNX file in one of the two layouts that exporters of the YOLO family write.

"Raw" is that of YOLOv8 and YOLO11 (https://github.com/ultralytics/ultralytics/issues/751): 1 x (4 + classes) x
candidates. Each candidate has the middle, width and height of its box in pixels of the input, then its score for each
class, from 0 to 1. "End to end" is that of YOLOv10 and YOLO26, and of exports with `nms=True`
(https://docs.ultralytics.com/guides/end2end-detection): 1 x boxes x 6. Each box is there once, with
x1, y1, x2, y2, score and class. Both layouts take RGB from 0 to 1, letterboxed on gray.
"""

import numpy as np
from numpy.typing import NDArray

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import each_once, letterboxed
from local.vision.recognition.own_network import Network
from local.vision.recognition.own_settings import NetworkFile
from local.vision.recognition.seen import Thing
from local.vision.recognition.sessions import Floats

USUAL_SIDE = 640
GRAY = 114  # of the margins that these networks are trained with
LEAST_CONFIDENCE = 0.5
MOST_OVERLAP = 0.5
END_TO_END = 6

Classes = NDArray[np.intp]


class OwnDetector:
    """Finds the things that a person's own network knows."""

    def __init__(self, file: NetworkFile) -> None:
        """Load it. Raises LocalError for a file that cannot be used, and for labels that do not fit."""
        self._network = Network(file, side=USUAL_SIDE)
        answer = self._network.try_out()
        # There are always more than six candidates.
        self._is_raw = answer.shape[-1:] != (END_TO_END,)
        if answer.ndim != 3 or answer.shape[0] != 1 or (self._is_raw and not _is_raw(answer, len(file.labels))):
            shape = " x ".join(map(str, answer.shape)) or "one number"
            raise file.wrong(
                f"which answers {shape}: use a detector that answers 1 x (4 + classes) x candidates, as YOLOv8 and "
                "YOLO11 do, or 1 x boxes x 6, as an export with nms=True does"
            )
        told = self._network.classes
        self._names = file.named(answer.shape[1] - 4 if self._is_raw else told or len(file.labels))

    def detect(self, pixels: Rgb) -> tuple[Thing, ...]:
        """Return the things from a confidence of 0.5, most certain first, each once."""
        canvas = letterboxed(pixels, height=self._network.height, width=self._network.width, fill=GRAY)
        answer = self._network.run((canvas.pixels / 255).astype(np.float32))[0]
        corners, scores, classes = _sure(
            *(_of_raw(answer) if self._is_raw else _of_end_to_end(answer)), most=len(self._names)
        )
        things = []
        for row in each_once(corners, scores, most_overlap=MOST_OVERLAP, classes=classes):
            name = self._names[classes[row]]
            box = canvas.box(*corners[row].tolist())
            if name is not None and box is not None:
                things.append(Thing(name, min(1.0, float(scores[row])), box))
        return tuple(things)


def _is_raw(answer: Floats, labels: int) -> bool:
    rows, candidates = answer.shape[1:]
    # With more classes than candidates it is the other way round, unless the labels say the same.
    return bool(rows > 4 and (rows <= candidates or rows == 4 + labels))


def _sure(corners: Floats, scores: Floats, classes: Classes, *, most: int) -> tuple[Floats, Floats, Classes]:
    """Return what has a confidence, a box, and one of the *most* classes that have names."""
    rows = (scores >= LEAST_CONFIDENCE) & np.isfinite(corners).all(axis=1) & (classes >= 0) & (classes < most)
    return corners[rows], scores[rows], classes[rows]


def _of_raw(answer: Floats) -> tuple[Floats, Floats, Classes]:
    middle, size, scores = answer[:2].T, answer[2:4].T, answer[4:]
    return np.concatenate([middle - size / 2, middle + size / 2], axis=1), scores.max(axis=0), scores.argmax(axis=0)


def _of_end_to_end(answer: Floats) -> tuple[Floats, Floats, Classes]:
    finite = answer[np.isfinite(answer).all(axis=1)]
    return finite[:, :4], finite[:, 4], finite[:, 5].astype(np.intp)
