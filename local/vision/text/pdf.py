"""
Pages of a PDF: the text that a page carries, exactly, and what only its picture shows besides.

Read tells lengths of PDFs in inches, with four decimals, from the upper left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from local.vision.decoding.pixels import Picture
from local.vision.text.documents import READ_SIDE
from local.vision.text.lines import Json, compose_line
from local.vision.text.pdf_processes import OpenedPdf
from local.vision.text.told import OwnWord, without_told

POINTS_PER_INCH = 72
CERTAIN = 1.0


@dataclass(frozen=True)
class PdfView:
    """
    One page: its size in inches, its own text as lines of the contract and as words, and a picture of all else on it.

    *picture* is None when there is nothing else to see.
    """

    size_inches: tuple[float, float]
    lines: tuple[Json, ...]
    words: tuple[OwnWord, ...]
    picture: Picture | None


def look_at(document: OpenedPdf, number: int) -> PdfView:
    """Return page *number* (from 1). Raises PdfError."""
    seen, pixels = document.look(number, READ_SIDE)
    width, height = _inches(seen["size"])
    words = tuple(_own_word(word) for line in seen["lines"] for word in line["words"])
    return PdfView((width, height), tuple(map(_own_line, seen["lines"])), words, _picture(seen["picture"], pixels))


def compose_page(page: PdfView, seen: Json | None = None) -> Json:
    """Return the result of a page; *seen* is that of its picture, in pixels, None without one."""
    width, height = (round(side, 4) for side in page.size_inches)
    result: Json = {"angle": 0, "width": width, "height": height, "unit": "inch", "lines": list(page.lines)}
    if seen is None:
        return result
    scale = page.size_inches[0] / seen["width"], page.size_inches[1] / seen["height"]
    more = without_told([_scaled_line(line, scale) for line in seen["lines"]], page.words)
    # The angle is that of most of the page's text.
    is_seen_mostly = _count_characters(more) > _count_characters(page.lines)
    return result | {"angle": seen["angle"] if is_seen_mostly else 0, "lines": _merged(page.lines, more)}


def _own_line(line: Json) -> Json:
    words = [
        {"boundingBox": _box(word["corners"]), "text": word["text"], "confidence": CERTAIN} for word in line["words"]
    ]
    return compose_line(" ".join(word["text"] for word in words), _box(line["corners"]), words)


def _own_word(word: Json) -> OwnWord:
    return OwnWord(word["text"], _inches(word["reach"]), word["isInvisible"])


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


def _count_characters(lines: Sequence[Json]) -> int:
    return sum(len(line["text"]) for line in lines)


def _merged(own: Sequence[Json], more: Sequence[Json]) -> list[Json]:
    """Return *own* lines in their order, each line of *more* before the first of them that begins below it."""
    merged: list[Json] = []
    waiting = list(more)
    for line in own:
        top = min(line["boundingBox"][1::2])
        merged += [other for other in waiting if max(other["boundingBox"][1::2]) <= top]
        waiting = [other for other in waiting if max(other["boundingBox"][1::2]) > top]
        merged.append(line)
    return merged + waiting
