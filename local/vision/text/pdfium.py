"""
What PDFium tells of a page: the text that it carries, with the places of its words, or a picture of it.

Only a process of `pdf_processes` runs this: PDFium takes memory and time as a PDF wants. Nothing heavy is imported.
Lengths are in points, from the upper left corner of the page as it is shown.
"""

from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pypdfium2 import PdfDocument, PdfPage, PdfTextPage, raw  # type: ignore[import-untyped]

POINTS_PER_INCH = 72
RENDERED_DPI = 200
MAX_UNREADABLE_SHARE = 0.1  # of characters for which the PDF's font tells no letter
LAST_CHARACTER = 0x10FFFF
SHORTEST_POINTS = 0.01
# A page that is mostly a picture with a few characters of its own, such as a scan with a page number, is recognized.
SCAN_SHARE = 0.5
SCAN_MAX_CHARACTERS = 200

# Left, bottom, right, top in points from the lower left corner of the unrotated page.
PointBox = tuple[float, float, float, float]
Json = dict[str, Any]


@dataclass
class _Word:
    """Characters, or UTF-16 units of them, as PDFium has them, each with its index among the page's."""

    units: list[str] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The word; half a surrogate pair is U+FFFD."""
        return "".join(self.units).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def opened(data: bytes) -> PdfDocument:
    """Open a PDF. Raises PdfiumError."""
    return PdfDocument(data)


def look(page: PdfPage, largest_side: int) -> tuple[Json, bytes]:
    """
    Return what the page says and shows, and the pixels of its picture, RGB.

    Each of `lines` has `corners` and `words`; a word has `text` and `corners`. `picture` has width, height and bytes a
    row; it is None where there are lines. No side of it is longer than *largest_side*.
    """
    with closing(page.get_textpage()) as textpage:
        lines, characters = _carried(textpage)
        if lines and (characters > SCAN_MAX_CHARACTERS or _picture_share(page) < SCAN_SHARE):
            frame = _Frame(page)
            told = [_told_line(frame, textpage, line) for line in lines]
            return {"size": page.get_size(), "lines": told, "picture": None}, b""
    bitmap = _rendered(page, largest_side)
    form = [bitmap.width, bitmap.height, bitmap.stride]
    return {"size": page.get_size(), "lines": [], "picture": form}, bytes(bitmap.buffer)


def _carried(textpage: PdfTextPage) -> tuple[list[list[_Word]], int]:
    """Return the words of each line, in the order of the PDF, and how many characters they have."""
    lines = [[_Word()]]
    for index in range(textpage.count_chars()):
        unit = chr(min(raw.FPDFText_GetUnicode(textpage, index), LAST_CHARACTER))
        # PDFium joins a word that is hyphenated at the end of a line, and has a sign of its own for the hyphen.
        is_hyphen = raw.FPDFText_IsHyphen(textpage, index) == 1
        if unit != "\0" and (is_hyphen or not unit.isspace()):
            lines[-1][-1].units.append("-" if is_hyphen else unit)
            lines[-1][-1].indices.append(index)
        if is_hyphen or unit in "\r\n":
            lines.append([_Word()])
        elif unit.isspace():
            lines[-1].append(_Word())
    filled = [words for line in lines if (words := [word for word in line if word.units])]
    text = "".join(word.text for line in filled for word in line)
    unreadable = sum(character == "\ufffd" or not character.isprintable() for character in text)
    return (filled if unreadable <= MAX_UNREADABLE_SHARE * len(text) else []), len(text)


def _picture_share(page: PdfPage) -> float:
    """Return the share of the page that its largest picture covers."""
    width, height = page.get_size()
    bounds = [item.get_bounds() for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])]
    areas = [(right - left) * (top - bottom) for left, bottom, right, top in bounds]
    return float(max(areas, default=0.0) / (width * height))


def _rendered(page: PdfPage, largest_side: int) -> Any:
    inches = max(SHORTEST_POINTS, *page.get_size()) / POINTS_PER_INCH
    dpi = min(RENDERED_DPI, largest_side / inches)
    return page.render(scale=dpi / POINTS_PER_INCH, rev_byteorder=True)


def _told_line(frame: "_Frame", textpage: PdfTextPage, words: list[_Word]) -> Json:
    boxes = [_union([textpage.get_charbox(index) for index in word.indices]) for word in words]
    told = [{"text": word.text, "corners": frame.corners(box)} for word, box in zip(words, boxes, strict=True)]
    return {"corners": frame.corners(_union(boxes)), "words": told}


def _union(boxes: list[PointBox]) -> PointBox:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


class _Frame:
    """The page as it is shown, turned as the PDF says."""

    def __init__(self, page: PdfPage) -> None:
        self._width, self._height = page.get_size()
        self._left, self._bottom, _, _ = page.get_cropbox()
        self._rotation = page.get_rotation()

    def corners(self, box: PointBox) -> list[float]:
        """Return the corners of *box* clockwise, from where its text begins."""
        left, bottom, right, top = box
        corners = [self._shown(x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
        return [value for corner in corners for value in corner]

    def _shown(self, x: float, y: float) -> tuple[float, float]:
        x, y = x - self._left, y - self._bottom
        match self._rotation:
            case 90:
                return y, x
            case 180:
                return self._width - x, y
            case 270:
                return self._width - y, self._height - x
        return x, self._height - y
