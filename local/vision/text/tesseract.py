"""Read a whole page by Tesseract, laid straight before."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from local.vision.decoding.pixels import Rgb
from local.vision.text.lines import PlacedLine, PlacedWord
from local.vision.text.recognition import Quad

MIN_WORD_CONFIDENCE = 0.3  # a hard word of a good line may have 0.4; what it makes of pictures and rules has less
MIN_PAGE_CONFIDENCE = 0.9
GOOD_LINE_PIXELS = 44  # it reads small print badly, so pages are enlarged until a line's box is so high
MAX_ENLARGED = 2.0
STRAIGHT_DEGREES = 0.3  # turning a page blurs it more than so little tilt disturbs
MIN_LINES_SHARE = 0.6


def read_page(page: Rgb, *, angle: float, line_pixels: float, data: Path) -> list[PlacedLine]:
    """
    Return the lines of *page*, with corners in its pixels.

    Args:
        page: RGB pixels.
        angle: at which its text runs, in degrees, clockwise.
        line_pixels: how high its lines' boxes are.
        data: the directory of Tesseract's data.
    """
    scale = min(MAX_ENLARGED, max(1.0, GOOD_LINE_PIXELS / max(1.0, line_pixels)))
    straight, back = _straightened(page, 0.0 if abs(angle) < STRAIGHT_DEGREES else angle, scale)
    return [
        PlacedLine(_around([word.quad for word in words], back), tuple(_moved(word, back) for word in words))
        for words in _recognized(straight, data)
    ]


def is_trustworthy(lines: list[PlacedLine], *, expected_lines: int) -> bool:
    """Whether a page was read well, judged by Tesseract's own confidence and the lines that were to be found."""
    confidences = [word.confidence for line in lines for word in line.words]
    return len(lines) >= MIN_LINES_SHARE * expected_lines and float(np.mean(confidences)) >= MIN_PAGE_CONFIDENCE


def _straightened(page: Rgb, angle: float, scale: float) -> tuple[Rgb, Quad]:
    """Return *page* turned back and enlarged, and the 2x3 matrix that maps its pixels to those of *page*."""
    height, width = page.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])  # scale included
    size = (round(height * sine + width * cosine), round(height * cosine + width * sine))
    turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    straight = cv2.warpAffine(page, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(straight, np.uint8), np.asarray(cv2.invertAffineTransform(turn), np.float64)


def _recognized(page: Rgb, data: Path) -> list[list[PlacedWord]]:
    from tesserocr import PSM, RIL, PyTessBaseAPI  # type: ignore[import-untyped]

    lines: list[list[PlacedWord]] = []
    with PyTessBaseAPI(path=str(data), lang="eng", psm=PSM.AUTO) as api:
        api.SetImage(Image.fromarray(page))
        api.Recognize()
        words = api.GetIterator()
        while words is not None:
            if words.IsAtBeginningOf(RIL.TEXTLINE):
                lines.append([])
            text = (words.GetUTF8Text(RIL.WORD) or "").strip() if not words.Empty(RIL.WORD) else ""
            confidence = words.Confidence(RIL.WORD) / 100
            if text and confidence >= MIN_WORD_CONFIDENCE:
                left, top, right, bottom = words.BoundingBox(RIL.WORD)
                quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
                lines[-1].append(PlacedWord(text, quad, confidence))
            if not words.Next(RIL.WORD):
                break
    return [line for line in lines if line]


def _moved(word: PlacedWord, back: Quad) -> PlacedWord:
    return PlacedWord(word.text, _mapped(word.quad, back), word.confidence)


def _around(quads: list[Quad], back: Quad) -> Quad:
    corners = np.concatenate(quads)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return _mapped(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]), back)


def _mapped(quad: Quad, matrix: Quad) -> Quad:
    return np.asarray(quad @ matrix[:, :2].T + matrix[:, 2], np.float64)
