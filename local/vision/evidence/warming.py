"""Load libraries and detectors before the first picture comes."""

from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from local.vision.decoding.pixels import Picture
from local.vision.evidence.captions import compose_captions
from local.vision.evidence.looking import Evidence
from local.vision.evidence.tags import compose_tags
from local.vision.recognition.seen import Recognizers


def warm_up(recognizers: Recognizers) -> None:
    """Look once at a made-up picture; no chat model is asked about it."""
    # One call, one core: the service bounds the number of calls at work, OpenCV would start threads for each of them.
    cv2.setNumThreads(1)
    ramp = np.linspace(0, 255, 96 * 96 * 3).reshape(96, 96, 3).astype(np.uint8)
    evidence = Evidence(Picture(Image.fromarray(ramp), 96, 96), replace(recognizers, captioner=None))
    compose_tags(evidence)
    compose_captions(evidence, max_candidates=1)
    # Touched once, each model is loaded.
    _ = evidence.words, evidence.things, evidence.faces, evidence.adult_score
    evidence.window(shape=1.0)
