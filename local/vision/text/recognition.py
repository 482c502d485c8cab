"""
Find lines of text in a page, and recognize one line at a time, by RapidOCR and the models that come with it.

The models are loaded at the first use and shared. RapidOCR keeps what a call passes to it for the calls that follow, so
everything is fixed when it is made and calls pass nothing but the picture; so used, any number of threads may share it.
"""

import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from local.vision.decoding.pixels import Rgb

DETECTION_SIDE = 960  # larger pages are shrunk to this for detection; recognition uses the page's own pixels
GLANCE_SIDE = 480  # a fifth of the time, and enough to see whether there is text
MIN_BOX_SCORE = 0.5
# Seen at a glance, lines of text had 0.70 and more; what looks like one in photographs 0.58 and less, but for the rim
# of a cup, a box around nearly the whole picture.
MIN_GLANCE_SCORE = 0.65
MAX_LINE_SHARE = 0.5
# Pages and scans had 5 lines and more, on 0.18 of the picture and more; signs in photographs 5 at most, on 0.12.
PAGE_LINES = 5
PAGE_SHARE = 0.15

# One line's corners from its top left clockwise, as the text is read: 4 x (x, y) in pixels of the page.
Quad = NDArray[np.float64]

_loading = threading.Lock()


@dataclass(frozen=True)
class Recognized:
    """
    What stands in one line.

    Attributes:
        confidence: from 0 to 1.
        centres: where each character that is no space lies along the line, from 0 (its left end) to 1.
        confidences: of each of these characters.
    """

    text: str
    confidence: float
    centres: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()


@dataclass(frozen=True)
class Glimpse:
    """
    What text a picture seems to have.

    Attributes:
        certainty: that there is any, from 0 to 1.
        lines: how many look like text.
        share: of the picture that they cover, from 0 to 1.
        surest: the corners of a few of them, surest first.
    """

    certainty: float
    lines: int
    share: float
    surest: tuple[Quad, ...] = field(default=(), compare=False)

    @property
    def is_page(self) -> bool:
        """Whether text is what the picture is about."""
        return self.lines >= PAGE_LINES and self.share >= PAGE_SHARE


NO_TEXT = Glimpse(0.0, 0, 0.0)
# The rim of a cup reads "8", and a drop of water "0"; words on signs had three letters and 0.9.
READ_LINES = 3
READ_LETTERS = 3
READ_CONFIDENCE = 0.7


def find_lines(page: Rgb) -> list[Quad]:
    """Return the quads of what looks like lines of text in *page*, corners in the page's own order of x and y."""
    found = _engine("detect")(_bgr(page))
    boxes = getattr(found, "boxes", None)
    return [] if boxes is None else [np.asarray(box, np.float64) for box in boxes]


def glance(picture: Rgb) -> Glimpse:
    """Return what text *picture* seems to have, in less than a tenth of a second."""
    found = _engine("glance")(_bgr(picture))
    if getattr(found, "boxes", None) is None:
        return NO_TEXT
    area = float(picture.shape[0] * picture.shape[1])
    quads = [np.asarray(box, np.float64) for box in found.boxes]
    shares = [cv2.contourArea(quad.astype(np.float32)) / area for quad in quads]
    lines = [
        (float(score), share, quad)
        for score, share, quad in zip(found.scores, shares, quads, strict=True)
        if score >= MIN_GLANCE_SCORE and share <= MAX_LINE_SHARE
    ]
    if not lines:
        return NO_TEXT
    surest = sorted(lines, key=lambda line: -line[0])
    return Glimpse(
        certainty=surest[0][0],
        lines=len(lines),
        share=min(1.0, sum(share for _, share, _ in lines)),
        surest=tuple(quad for _, _, quad in surest[:READ_LINES]),
    )


def is_readable(seen: Glimpse, picture: Rgb) -> bool:
    """Return whether a line of the text *seen* in *picture* can be read; a page's is not looked at."""
    return seen.is_page or any(
        found.confidence >= READ_CONFIDENCE and sum(map(str.isalnum, found.text)) >= READ_LETTERS
        for found in (recognize(picture, quad) for quad in seen.surest)
    )


def recognize(page: Rgb, quad: Quad) -> Recognized:
    """Return the text in *quad* of *page*, read from its first corner to its second."""
    strip = _strip(page, quad)
    if min(strip.shape[:2]) < 3:
        return Recognized("", 0.0)
    found = _engine("recognize")(_bgr(strip))
    if not found.txts or not found.txts[0].strip():
        return Recognized("", 0.0)
    info = found.word_results[0]
    columns = [column for word in info.word_cols for column in word]
    text = str(found.txts[0])
    characters = [at for at, character in enumerate(text) if not character.isspace()]
    return Recognized(
        text=text,
        confidence=float(found.scores[0]),
        centres=tuple(min(1.0, (column + 0.5) / info.line_txt_len) for column in columns),
        confidences=tuple(float(info.confs[at]) for at in characters),
    )


def _strip(page: Rgb, quad: Quad) -> Rgb:
    """Cut *quad* out of *page* and lay it straight."""
    width = max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2]))
    height = max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))
    size = (max(1, round(float(width))), max(1, round(float(height))))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    transform = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    strip = cv2.warpPerspective(page, transform, size, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.asarray(strip, np.uint8)


def _bgr(pixels: Rgb) -> Rgb:
    # The models were trained on OpenCV's order of channels.
    return np.ascontiguousarray(pixels[..., ::-1])


def _engine(part: str) -> Any:
    # Two first calls at once would load the models twice.
    with _loading:
        return _loaded(part)


@cache
def _loaded(part: str) -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_preprocess_img": False,
            "Global.use_vertical_padding": False,
            "Global.use_det": part != "recognize",
            # Its classifier turns upright lines of small text upside down; the whole page is judged in `layout`.
            "Global.use_cls": False,
            "Global.use_rec": part == "recognize",
            "Global.return_word_box": part == "recognize",
            "Global.text_score": 0.0,
            "Det.limit_type": "max",
            "Det.limit_side_len": GLANCE_SIDE if part == "glance" else DETECTION_SIDE,
            "Det.box_thresh": MIN_BOX_SCORE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
