"""Load libraries and detectors before the first picture comes."""

import cv2
import numpy as np
from PIL import Image

from local.vision.decoding.pixels import Picture
from local.vision.evidence.looking import Evidence
from local.vision.evidence.words import compose_captions, compose_tags


def warm_up() -> None:
    """Look once at a made-up picture."""
    # One call, one core: the service bounds the number of calls at work, OpenCV would start threads for each of them.
    cv2.setNumThreads(1)
    ramp = np.linspace(0, 255, 96 * 96 * 3).reshape(96, 96, 3).astype(np.uint8)
    evidence = Evidence(Picture(Image.fromarray(ramp), 96, 96))
    compose_tags(evidence)
    compose_captions(evidence, max_candidates=1)
    evidence.window(shape=1.0)
