"""
Pages of a PDF: the text that a digital page carries, exactly, or its picture.

Read tells lengths of PDFs in inches, with four decimals, from the upper left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from local.vision.evidence.pixels import Picture
from local.vision.text.documents import READ_SIDE
from local.vision.text.lines import Json, compose_line
from local.vision.text.pdf_processes import OpenedPdf

POINTS_PER_INCH = 72
CERTAIN = 1.0


@dataclass(frozen=True)
class PdfView:
    """One page: its size in inches, and its own text as lines of the contract or a picture of it."""

    size_inches: tuple[float, float]
    lines: tuple[Json, ...]
    picture: Picture | None


def look_at(document: OpenedPdf, number: int) -> PdfView:
    """Return page *number* (from 1). Raises PdfError."""
    seen, pixels = document.look(number, READ_SIDE)
    width, height = _inches(seen["size"])
    return PdfView((width, height), tuple(map(_own_line, seen["lines"])), _picture(seen["picture"], pixels))


def compose_page(page: PdfView, seen: Json | None = None) -> Json:
    """Return the result of a page; *seen* is that of its picture, in pixels, None without one."""
    width, height = (round(side, 4) for side in page.size_inches)
    result: Json = {"angle": 0, "width": width, "height": height, "unit": "inch", "lines": list(page.lines)}
    if seen is None:
        return result
    scale = page.size_inches[0] / seen["width"], page.size_inches[1] / seen["height"]
    return result | {"angle": seen["angle"], "lines": [_scaled_line(line, scale) for line in seen["lines"]]}


def _own_line(line: Json) -> Json:
    words = [
        {"boundingBox": _box(word["corners"]), "text": word["text"], "confidence": CERTAIN} for word in line["words"]
    ]
    return compose_line(" ".join(word["text"] for word in words), _box(line["corners"]), words)


def _box(corners: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in _inches(corners)]


def _inches(points: Sequence[float]) -> tuple[float, ...]:
    return tuple(value / POINTS_PER_INCH for value in points)


def _picture(form: Sequence[int] | None, pixels: bytes) -> Picture | None:
    """Return the picture of *form* (width, height, bytes a row), or None when it has one colour only."""
    if form is None:
        return None
    width, height, row_bytes = form
    image = Image.frombytes("RGB", (width, height), pixels, "raw", "RGB", row_bytes)
    return Picture(image, width, height) if image.getcolors(1) is None else None


def _scaled_line(line: Json, scale: tuple[float, float]) -> Json:
    def scaled(box: Sequence[float]) -> list[float]:
        return [round(value * scale[at % 2], 4) for at, value in enumerate(box)]

    words = [word | {"boundingBox": scaled(word["boundingBox"])} for word in line["words"]]
    return line | {"boundingBox": scaled(line["boundingBox"]), "words": words}
