"""
What PDFium tells of a page: the text that it carries, with the places of its words, and a picture of all else on it.

Only a process of `pdf_processes` runs this: PDFium takes memory and time as a PDF wants. Nothing heavy is imported.
Lengths are in points, from the upper left corner of the page as it is shown.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from ctypes import c_float, c_void_p, cast
from dataclasses import dataclass, field
from typing import Any

from pypdfium2 import PdfDocument, PdfPage, PdfTextPage, raw  # type: ignore[import-untyped]

POINTS_PER_INCH = 72
RENDERED_DPI = 200
MAX_UNREADABLE_SHARE = 0.1  # of characters for which the PDF's font tells no letter
LAST_CHARACTER = 0x10FFFF
SHORTEST_POINTS = 0.01
# Drawn invisibly, or only to cut out what is drawn next: so programs lay text over a scan that they have recognized.
INVISIBLE = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
# Annotations that show no words of their own.
WORDLESS = (
    raw.FPDF_ANNOT_LINK,
    raw.FPDF_ANNOT_POPUP,
    raw.FPDF_ANNOT_HIGHLIGHT,
    raw.FPDF_ANNOT_UNDERLINE,
    raw.FPDF_ANNOT_SQUIGGLY,
    raw.FPDF_ANNOT_STRIKEOUT,
)

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
    """Open a PDF with its form, which is then rendered too. Raises PdfiumError."""
    document = PdfDocument(data)
    document.init_forms()
    return document


def look(page: PdfPage, largest_side: int) -> tuple[Json, bytes]:
    """
    Return what the page says and shows, and the pixels of its picture, RGB.

    Each of `lines` has `corners` and `words`; a word has `text`, `corners`, `reach` (left, top, right, bottom of the
    space that its font gives it) and `isInvisible`. `picture` has width, height and bytes a row; it leaves these words
    out, and is None where nothing besides can show any. No side of it is longer than *largest_side*.
    """
    with closing(page.get_textpage()) as textpage:
        lines, mute = _carried(textpage)
        frame = _Frame(page)
        told: Json = {"size": page.get_size(), "picture": None}
        told["lines"] = [_told_line(frame, textpage, line) for line in lines]
        if lines and not mute and not any(_may_show_words(page)):
            return told, b""
        indices = (index for line in lines for word in line for index in word.indices)
        _hide(page, _objects(textpage, indices) - _objects(textpage, mute))
    bitmap = _rendered(page, largest_side)
    return told | {"picture": [bitmap.width, bitmap.height, bitmap.stride]}, bytes(bitmap.buffer)


def _carried(textpage: PdfTextPage) -> tuple[list[list[_Word]], list[int]]:
    """Return the words of each line, in the order of the PDF, and the indices of characters that tell no letter."""
    lines, mute = [[_Word()]], []
    for index in range(textpage.count_chars()):
        unit = chr(min(raw.FPDFText_GetUnicode(textpage, index), LAST_CHARACTER))
        # PDFium joins a word that is hyphenated at the end of a line, and has a sign of its own for the hyphen.
        is_hyphen = raw.FPDFText_IsHyphen(textpage, index) == 1
        if unit == "\0":
            mute.append(index)
        elif is_hyphen or not unit.isspace():
            lines[-1][-1].units.append("-" if is_hyphen else unit)
            lines[-1][-1].indices.append(index)
        if is_hyphen or unit in "\r\n":
            lines.append([_Word()])
        elif unit.isspace():
            lines[-1].append(_Word())
    filled = [words for line in lines if (words := [word for word in line if word.units])]
    text = "".join(word.text for line in filled for word in line)
    unreadable = sum(character == "\ufffd" or not character.isprintable() for character in text)
    return (filled if unreadable <= MAX_UNREADABLE_SHARE * len(text) else []), mute


def _may_show_words(page: PdfPage) -> Iterator[bool]:
    """Yield for each thing on the page besides its text whether words may be seen in it."""
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        raw.FPDFPage_CloseAnnot(annotation)
        yield kind not in WORDLESS
    for item in page.get_objects():
        yield item.type == raw.FPDF_PAGEOBJ_IMAGE or (item.type == raw.FPDF_PAGEOBJ_PATH and _is_drawing(item))


def _is_drawing(path: Any) -> bool:
    """Whether a path is more than rules and boxes: letters may be drawn as outlines."""
    x, y, last = c_float(), c_float(), (0.0, 0.0)
    for index in range(raw.FPDFPath_CountSegments(path)):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        is_slanted = kind == raw.FPDF_SEGMENT_LINETO and x.value != last[0] and y.value != last[1]
        if kind == raw.FPDF_SEGMENT_BEZIERTO or is_slanted:
            return True
        last = x.value, y.value
    return False


def _hide(page: PdfPage, objects: set[int | None]) -> None:
    """Leave these of the page's texts out of its picture."""
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
        if _address(item.raw) in objects:
            raw.FPDFPageObj_SetIsActive(item, False)


def _objects(textpage: PdfTextPage, indices: Iterable[int]) -> set[int | None]:
    """Return the addresses of the texts of the page that these characters belong to."""
    return {_address(raw.FPDFText_GetTextObject(textpage, index)) for index in indices}


def _address(item: Any) -> int | None:
    return cast(item, c_void_p).value


def _rendered(page: PdfPage, largest_side: int) -> Any:
    inches = max(SHORTEST_POINTS, *page.get_size()) / POINTS_PER_INCH
    dpi = min(RENDERED_DPI, largest_side / inches)
    return page.render(scale=dpi / POINTS_PER_INCH, rev_byteorder=True)


def _told_line(frame: "_Frame", textpage: PdfTextPage, words: list[_Word]) -> Json:
    boxes = [_union([textpage.get_charbox(index) for index in word.indices]) for word in words]
    told = [_told_word(frame, textpage, word, box) for word, box in zip(words, boxes, strict=True)]
    return {"corners": frame.corners(_union(boxes)), "words": told}


def _told_word(frame: "_Frame", textpage: PdfTextPage, word: _Word, box: PointBox) -> Json:
    first, last = word.indices[0], word.indices[-1]
    reach = frame.corners(_union([textpage.get_charbox(index, loose=True) for index in (first, last)]))
    mode = raw.FPDFTextObj_GetTextRenderMode(raw.FPDFText_GetTextObject(textpage, first))
    return {
        "text": word.text,
        "corners": frame.corners(box),
        "reach": [min(reach[::2]), min(reach[1::2]), max(reach[::2]), max(reach[1::2])],
        "isInvisible": mode in INVISIBLE,
    }


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
