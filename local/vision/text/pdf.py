"""
Pages of a PDF by PDFium: the text that a digital page carries, with the places of its characters, or its picture.

Read tells lengths of PDFs in inches, with four decimals, from the upper left corner.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.vision.evidence.pixels import Picture
from local.vision.text.documents import PDFIUM, READ_SIDE
from local.vision.text.lines import Json, compose_line

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage  # type: ignore[import-untyped]

POINTS_PER_INCH = 72
RENDERED_DPI = 200
# A page that is mostly a picture with a few characters of its own, such as a scan with a page number, is recognized.
SCAN_SHARE = 0.5
SCAN_MAX_CHARACTERS = 200
MAX_UNREADABLE_SHARE = 0.1  # of characters for which the PDF's font tells no letter
CERTAIN = 1.0

# Left, bottom, right, top in points from the lower left corner of the unrotated page.
PointBox = tuple[float, float, float, float]


@dataclass(frozen=True)
class PdfView:
    """One page: its size in inches and either what Read tells of its own text or a picture of it."""

    size_inches: tuple[float, float]
    own_text: Json | None = None
    picture: Picture | None = None


def look_at(document: "PdfDocument", number: int) -> PdfView:
    """Return page *number* (from 1)."""
    # Closed here: what the interpreter closes some time later is closed without PDFIUM.
    with PDFIUM, closing(document[number - 1]) as page, closing(page.get_textpage()) as textpage:
        width, height = page.get_size()
        size = (width / POINTS_PER_INCH, height / POINTS_PER_INCH)
        if _carries_text(page, textpage):
            return PdfView(size, own_text=_own_text(page, textpage, size))
        return PdfView(size, picture=_rendered(page, size))


def in_inches(result: Json, size: tuple[float, float]) -> Json:
    """Return the result of a picture of a page in inches."""
    scale = size[0] / result["width"], size[1] / result["height"]

    def scaled(box: list[float]) -> list[float]:
        return [round(value * scale[at % 2], 4) for at, value in enumerate(box)]

    lines = [
        line
        | {
            "boundingBox": scaled(line["boundingBox"]),
            "words": [word | {"boundingBox": scaled(word["boundingBox"])} for word in line["words"]],
        }
        for line in result["lines"]
    ]
    return result | {"width": round(size[0], 4), "height": round(size[1], 4), "unit": "inch", "lines": lines}


def _rendered(page: "PdfPage", size: tuple[float, float]) -> Picture:
    dpi = min(RENDERED_DPI, READ_SIDE / max(size))
    image = page.render(scale=dpi / POINTS_PER_INCH).to_pil().convert("RGB")
    return Picture(image, image.width, image.height)


def _carries_text(page: "PdfPage", textpage: "PdfTextPage") -> bool:
    text = "".join(textpage.get_text_range().split())
    unreadable = sum(character == "\ufffd" or not character.isprintable() for character in text)
    if not text or unreadable > MAX_UNREADABLE_SHARE * len(text):
        return False
    return len(text) > SCAN_MAX_CHARACTERS or _picture_share(page) < SCAN_SHARE


def _picture_share(page: "PdfPage") -> float:
    """Return the share of the page that its largest picture covers."""
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE  # type: ignore[import-untyped]

    width, height = page.get_size()
    bounds = [item.get_bounds() for item in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])]
    areas = [(right - left) * (top - bottom) for left, bottom, right, top in bounds]
    return float(max(areas, default=0.0) / (width * height))


def _own_text(page: "PdfPage", textpage: "PdfTextPage", size: tuple[float, float]) -> Json:
    lines = []
    for words in _lines(textpage):
        boxes = [_union([box for _, box in word]) for word in words]
        texts = ["".join(character for character, _ in word) for word in words]
        told: list[Json] = [
            {"boundingBox": _corners(page, box), "text": text, "confidence": CERTAIN}
            for text, box in zip(texts, boxes, strict=True)
        ]
        lines.append(compose_line(" ".join(texts), _corners(page, _union(boxes)), told))
    return {"angle": 0, "width": round(size[0], 4), "height": round(size[1], 4), "unit": "inch", "lines": lines}


def _lines(textpage: "PdfTextPage") -> list[list[list[tuple[str, PointBox]]]]:
    """Return the characters with their boxes, by line and word, in the order of the PDF."""
    lines: list[list[list[tuple[str, PointBox]]]] = [[[]]]
    for index in range(textpage.count_chars()):
        character: str = textpage.get_text_range(index, 1)
        if character in ("\r", "\n"):
            lines.append([[]])
        elif not character.strip():
            lines[-1].append([])
        else:
            lines[-1][-1].append((character, textpage.get_charbox(index)))
    filled = [[word for word in line if word] for line in lines]
    return [line for line in filled if line]


def _union(boxes: list[PointBox]) -> PointBox:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def _corners(page: "PdfPage", box: PointBox) -> list[float]:
    """Return *box* as Read writes it, on the page as it is shown."""
    left, bottom, right, top = box
    corners = [_shown(page, x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    return [round(value / POINTS_PER_INCH, 4) for corner in corners for value in corner]


def _shown(page: Any, x: float, y: float) -> tuple[float, float]:
    """Return a point in points from the upper left corner of the page as it is shown, turned as the PDF says."""
    width, height = page.get_size()
    left, bottom, _, _ = page.get_cropbox()
    x, y = x - left, y - bottom
    match page.get_rotation():
        case 90:
            return y, x
        case 180:
            return width - x, y
        case 270:
            return width - y, height - x
    return x, height - y
