"""
Frontal faces by OpenCV's Haar cascade, the only face detector whose data comes with its wheel.

It sees frontal faces of people and little else: profiles and animals are missed, which COVERAGE.md says.
"""

import queue
from pathlib import Path

import cv2
import cv2.data

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.seen import HUMAN_FACE, Box, Thing, largest_first

CASCADE = "haarcascade_frontalface_alt2.xml"
SCALE_STEP = 1.2
MIN_NEIGHBOURS = 3
MIN_FACE_PIXELS = 24
# Sum of the last stage at which a window passed. Measured on portraits and on pictures without people: true faces had
# 55.5 and more, cups, coins and flowers 55.4 and less.
MIN_WEIGHT = 55.6
# The weight is no probability: each of them is as certain.
CERTAINTY = 0.88

# A cascade is not safe to share between threads while it works; each call takes one out and puts it back.
_idle: "queue.SimpleQueue[cv2.CascadeClassifier]" = queue.SimpleQueue()


def find_faces(pixels: Rgb) -> tuple[Thing, ...]:
    """Return the frontal faces in RGB *pixels*, largest first."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    cascade = _take()
    try:
        boxes, _, weights = cascade.detectMultiScale3(
            gray,
            scaleFactor=SCALE_STEP,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(MIN_FACE_PIXELS, MIN_FACE_PIXELS),
            outputRejectLevels=True,
        )
    finally:
        _idle.put(cascade)
    found = [Box(*map(int, box)) for box, weight in zip(boxes, weights, strict=True) if float(weight) >= MIN_WEIGHT]
    return largest_first(Thing(HUMAN_FACE, CERTAINTY, box) for box in found)


def _take() -> cv2.CascadeClassifier:
    try:
        return _idle.get_nowait()
    except queue.Empty:
        cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))
        if cascade.empty():
            raise RuntimeError(f"OpenCV has no {CASCADE}: install opencv-python-headless below 5") from None
        return cascade
