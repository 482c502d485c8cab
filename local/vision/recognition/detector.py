"""
Things at their places: CenterNet on MobileNetV3, trained on the 80 classes of COCO.

Objects as Points, https://arxiv.org/abs/1904.07850: an object is a maximum of its class's heat map. How a box comes of
it is read from the nodes of `tower_0/detections` in `models/centernet.json` of npm's @vladmandic/human. The heat map is
128 x 128; at its row y and column x, the four sizes are the distances from (4x, 4y) to left, top, right and bottom.

The picture keeps its shape and is padded to the square (letterboxed): stretched to it, a cat is taken for a dog.
"""

from pathlib import Path

import numpy as np

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.letterbox import each_once, letterboxed
from local.vision.recognition.seen import Thing
from local.vision.recognition.sessions import Floats, open_model

SIDE = 512
# Pixels of the square a cell of the heat map.
STRIDE = 4
# Of 36 boxes from here on, in 51 photographs out of packages, 2 were wrong: clocks on a circuit board.
THRESHOLD = 0.45
MOST_OVERLAP = 0.5
# COCO's classes in their order, with COCO's words.
# fmt: off
LABELS = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on


class CenterNet:
    """Reads its model from *path*. Raises DamagedModelError."""

    def __init__(self, path: Path) -> None:
        # The heat map, and the sizes.
        self._run = open_model(path, outputs=(4, 4))

    def detect(self, pixels: Rgb) -> tuple[Thing, ...]:
        """Return the things from THRESHOLD, most certain first, each once."""
        square = letterboxed(pixels, width=SIDE, height=SIDE)
        heat, sizes = self._run(square.pixels[None].astype(np.float32))
        corners, scores, classes = decode(heat[0], sizes[0])
        # Another class at the same place is the same object too.
        rows = each_once(corners, scores, most_overlap=MOST_OVERLAP)
        boxes = [(row, square.box(*corners[row].tolist())) for row in rows]
        return tuple(Thing(LABELS[classes[row]], float(scores[row]), box) for row, box in boxes if box)


def decode(heat: Floats, sizes: Floats) -> tuple[Floats, Floats, list[int]]:
    """
    Return corners in the square (n x 4: left, top, right, bottom), scores and classes of the maxima from THRESHOLD.

    *heat* is rows x columns x classes, *sizes* rows x columns x 4. A maximum is at least as high as its 8 neighbours.
    """
    candidates = np.argwhere(heat >= THRESHOLD)
    peaks = [place for place in candidates if heat[tuple(place)] == _around(heat, *place).max()]
    rows, columns, classes = np.array(peaks, np.intp).reshape(-1, 3).T
    points = np.stack([columns, rows], axis=1).astype(np.float32) * np.float32(STRIDE)
    reach = sizes[rows, columns]
    corners = np.concatenate([points - reach[:, :2], points + reach[:, 2:]], axis=1)
    return corners, heat[rows, columns, classes], classes.tolist()


def _around(heat: Floats, row: int, column: int, label: int) -> Floats:
    return heat[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2, label]
