"""Read the pages of a document: a PDF's own text where it has some, recognition everywhere else."""

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np

from local.vision.decoding.pixels import Picture, Rgb, decode
from local.vision.header import read_header
from local.vision.reading.store import Json, Task
from local.vision.text import pdf
from local.vision.text.documents import READ_SIDE, enough, tiff_page
from local.vision.text.engines import asked_engine, prefers_tesseract, tesseract_data
from local.vision.text.layout import page_angle, reading_order, upright_quads
from local.vision.text.lines import PlacedLine, compose_placed, place
from local.vision.text.pdf_processes import PDFIUM, GoOn, OpenedPdf, reading
from local.vision.text.recognition import Quad, Recognized, find_lines, recognize
from local.vision.text.tesseract import is_trustworthy, read_page

MIN_LINE_CONFIDENCE = 0.6  # what looks like a line in foliage or cloth is recognized with less


def read_pages(task: Task, document: bytes, go_on: GoOn) -> Iterator[Json]:
    """
    Yield the contract's readResults of the pages that *task* names.

    *go_on* is called before each step; what it raises ends the reading. Raises Refusal when a page cannot be decoded,
    PdfError when a PDF is beyond the limits.
    """
    # Opened once: to open a long document costs more than a page of it.
    is_pdf = task.kind == "pdf"
    with PDFIUM.opened(document, reading(len(task.pages)), go_on) if is_pdf else nullcontext(document) as opened:
        for number in task.pages:
            go_on()
            yield {"page": number} | _language(task) | _read_page(task, opened, number, go_on)


def read_picture(picture: Picture, *, by_columns: bool, go_on: GoOn) -> Json:
    """Return what is to be told of one picture, without its page number; boxes are in pixels of the original."""
    page = _bounded(picture)
    height, width = page.shape[:2]
    found, angle = _lines(page, go_on)
    scale = (picture.width / width, picture.height / height)
    order = reading_order([line.quad for line in found], angle=angle, by_columns=by_columns)
    lines = [compose_placed(found[at], scale) for at in order]
    return {
        "angle": round(angle, 4),
        "width": picture.width,
        "height": picture.height,
        "unit": "pixel",
        "lines": lines,
    }


def _language(task: Task) -> Json:
    # Neither told nor guessed unless it was asked for.
    return {"language": task.language} if task.language else {}


def _read_page(task: Task, document: OpenedPdf | bytes, number: int, go_on: GoOn) -> Json:
    by_columns = task.reading_order == "natural"
    if not isinstance(document, bytes):
        page = pdf.look_at(document, number)
        if page.picture is None:
            return pdf.compose_page(page)
        return pdf.compose_page(page, read_picture(page.picture, by_columns=by_columns, go_on=go_on))
    picture = tiff_page(document, number) if task.kind == "tiff" else _image(document)
    return read_picture(picture, by_columns=by_columns, go_on=go_on)


def _image(data: bytes) -> Picture:
    header = read_header(data)
    return decode(data, header, at_least=enough(*header.sides))


def _bounded(picture: Picture) -> Rgb:
    image = picture.image
    if max(image.size) > READ_SIDE:
        image = image.copy()
        image.thumbnail((READ_SIDE, READ_SIDE), reducing_gap=2.0)
    return np.asarray(image)


def _lines(page: Rgb, go_on: GoOn) -> tuple[list[PlacedLine], float]:
    """Return the lines of *page* that are certain enough, and the angle at which they run."""
    known: dict[bytes, Recognized] = {}

    def recognized(quad: Quad) -> Recognized:
        go_on()
        key = quad.tobytes()
        if key not in known:
            known[key] = recognize(page, quad)
        return known[key]

    found = upright_quads(find_lines(page), recognized)
    if prefers_tesseract(len(found)) and (lines := _by_tesseract(page, found)) is not None:
        return lines, page_angle(found)
    texts = [(quad, recognized(quad)) for quad in found]
    certain = [(quad, text) for quad, text in texts if text.confidence >= MIN_LINE_CONFIDENCE]
    return [place(text, quad) for quad, text in certain], page_angle([quad for quad, _ in certain])


def _by_tesseract(page: Rgb, found: list[Quad]) -> list[PlacedLine] | None:
    """Return what Tesseract reads; None when it read too badly and there is a choice."""
    data = tesseract_data()
    if data is None:
        return None
    line_pixels = float(np.median([float(np.linalg.norm(quad[3] - quad[0])) for quad in found] or [0.0]))
    lines = read_page(page, angle=page_angle(found), line_pixels=line_pixels, data=data)
    is_good = asked_engine() == "tesserocr" or is_trustworthy(lines, expected_lines=len(found))
    return lines if is_good else None
