"""Read the pages of a document: a PDF's own text where it has some, recognition everywhere else."""

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL.TiffImagePlugin import TiffImageFile

from local.vision.evidence.pixels import Picture, Rgb, decode, opaque_rgb
from local.vision.header import read_header
from local.vision.reading.store import Json, Task
from local.vision.text import pdf
from local.vision.text.documents import READ_SIDE, check_frame, enough
from local.vision.text.layout import page_angle, reading_order, upright_quads
from local.vision.text.lines import compose_recognized
from local.vision.text.recognition import Quad, Recognized, find_lines, recognize

MIN_LINE_CONFIDENCE = 0.6  # what looks like a line in foliage or cloth is recognized with less

GoOn = Callable[[], None]


def read_pages(task: Task, document: bytes, go_on: GoOn) -> Iterator[Json]:
    """
    Yield the contract's readResults of the pages that *task* names.

    *go_on* is called before each step; what it raises ends the reading. Raises Refusal when a page cannot be decoded.
    """
    for number in task.pages:
        go_on()
        yield {"page": number} | _language(task) | _read_page(task, document, number, go_on)


def read_picture(picture: Picture, *, by_columns: bool, go_on: GoOn) -> Json:
    """Return what is to be told of one picture, without its page number; boxes are in pixels of the original."""
    page = _bounded(picture)
    height, width = page.shape[:2]
    quads, texts = _recognize_all(page, go_on)
    angle = page_angle(quads)
    scale = (picture.width / width, picture.height / height)
    lines = [
        compose_recognized(texts[at], quads[at], scale)
        for at in reading_order(quads, angle=angle, by_columns=by_columns)
    ]
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


def _read_page(task: Task, document: bytes, number: int, go_on: GoOn) -> Json:
    by_columns = task.reading_order == "natural"
    if task.kind == "pdf":
        page = pdf.look_at(document, number)
        if page.own_text is not None:
            return page.own_text
        assert page.picture is not None  # noqa: S101 - one of both is there
        return pdf.in_inches(read_picture(page.picture, by_columns=by_columns, go_on=go_on), page.size_inches)
    picture = _frame(document, number) if task.kind == "tiff" else _image(document)
    return read_picture(picture, by_columns=by_columns, go_on=go_on)


def _image(data: bytes) -> Picture:
    header = read_header(data)
    return decode(data, header, at_least=enough(header))


def _frame(data: bytes, number: int) -> Picture:
    with TiffImageFile(io.BytesIO(data)) as tiff:
        tiff.seek(number - 1)
        check_frame(*tiff.size)
        tiff.load()
        width, height = tiff.size
        side = max(1, int(min(width, height) * min(1.0, READ_SIDE / max(width, height))))
        return Picture(opaque_rgb(tiff, (side, side)), width, height)


def _bounded(picture: Picture) -> Rgb:
    image = picture.image
    if max(image.size) > READ_SIDE:
        image = image.copy()
        image.thumbnail((READ_SIDE, READ_SIDE), reducing_gap=2.0)
    return np.asarray(image)


def _recognize_all(page: Rgb, go_on: GoOn) -> tuple[list[Quad], list[Recognized]]:
    """Return the quads and texts of the lines that are certain enough."""
    known: dict[bytes, Recognized] = {}

    def recognized(quad: Quad) -> Recognized:
        go_on()
        return known.setdefault(quad.tobytes(), known.get(quad.tobytes()) or recognize(page, quad))

    found = upright_quads(find_lines(page), recognized)
    pairs = [(quad, text) for quad in found if (text := recognized(quad)).confidence >= MIN_LINE_CONFIDENCE]
    return [quad for quad, _ in pairs], [text for _, text in pairs]
