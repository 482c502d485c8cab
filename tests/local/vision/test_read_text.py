"""What is really read: a few small pages, recognized, and PDFs that carry their text."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles.documents import text_pdf
from doubles.vision_calls import Caller, encoded, sample
from PIL import Image, ImageDraw, ImageFont

from local import drawings
from local.samples import document_file
from local.vision.reading.read_queue import StoppedError
from local.vision.reading.store import Task
from local.vision.text import cer, engines, layout
from local.vision.text.cer import edits
from local.vision.text.documents import READ_SIDE
from local.vision.text.engines import EngineError
from local.vision.text.reading import read_pages
from local.vision.text.recognition import Glimpse, Quad, Recognized


def read(data: bytes, kind: str = "image", *, pages: tuple[int, ...] = (1,), **more: Any) -> list[dict[str, Any]]:
    """Return the readResults of *data*."""
    asked = {"language": "", "reading_order": "basic", "model_version": "2022-04-30"} | more
    return list(read_pages(Task(kind=kind, pages=pages, **asked), data, lambda: None))


def texts(page: dict[str, Any]) -> list[str]:
    """Return the lines of a page."""
    return [line["text"] for line in page["lines"]]


def board(*, turned: int = 0) -> Image.Image:
    """Return a small picture of two lines, turned so many degrees clockwise."""
    image = Image.new("RGB", (300, 140), "white")
    draw = ImageDraw.Draw(image)
    for y, line in ((20, "Harbour tours"), (80, "every 25 minutes")):
        draw.text((20, y), line, fill="black", font=ImageFont.load_default(30))
    return image.rotate(-turned, expand=True)


def inside(box: list[float], outer: list[float], slack: float = 2) -> bool:
    """Whether all corners of a box lie within the bounds of another."""
    return all(
        min(outer[axis::2]) - slack <= value <= max(outer[axis::2]) + slack for axis in (0, 1) for value in box[axis::2]
    )


@pytest.fixture(scope="module")
def upright() -> dict[str, Any]:
    """The board, read once."""
    return read(encoded(board(), "PNG"))[0]


def test_lines_and_words_are_read_with_their_places(upright: dict[str, Any]) -> None:
    assert texts(upright) == ["Harbour tours", "every 25 minutes"]
    assert (upright["page"], upright["unit"], upright["width"], upright["height"]) == (1, "pixel", 300, 140)
    first, second = upright["lines"]
    assert inside(first["boundingBox"], [10, 10, 230, 10, 230, 66, 10, 66], slack=4)
    assert [word["text"] for word in second["words"]] == ["every", "25", "minutes"]
    for line in upright["lines"]:
        assert all(inside(word["boundingBox"], line["boundingBox"]) for word in line["words"])
        assert all(0.6 <= word["confidence"] <= 1 for word in line["words"])
        assert all(isinstance(value, int) for value in line["boundingBox"])
        assert line["appearance"] == {"style": {"name": "other", "confidence": 0.3}}


def test_words_lie_beside_each_other_where_their_letters_are(upright: dict[str, Any]) -> None:
    font = ImageFont.load_default(30)
    words = upright["lines"][1]["words"]
    starts = [20 + font.getlength(text) for text in ("", "every ", "every 25 ")]

    for word, start in zip(words, starts, strict=True):
        assert abs(word["boundingBox"][0] - start) < 10
    for left, right in pairwise(words):
        assert left["boundingBox"][2] < right["boundingBox"][0]


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_turned_page_is_read_as_it_lies(turned: int) -> None:
    [page] = read(encoded(board(turned=turned), "PNG"))

    assert texts(page) == ["Harbour tours", "every 25 minutes"]
    assert (page["angle"] - turned + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert -180 < page["angle"] <= 180
    box = page["lines"][0]["boundingBox"]
    # The first corner is where the text begins, the second where it ends.
    run = np.array(box[2:4]) - np.array(box[:2])
    assert run @ np.array([np.cos(np.radians(turned)), np.sin(np.radians(turned))]) > 100


def test_a_tilted_page_is_read_and_its_angle_told() -> None:
    [page] = read(encoded(board().rotate(8, expand=True, fillcolor="white"), "PNG"))

    assert texts(page) == ["Harbour tours", "every 25 minutes"]
    assert page["angle"] == pytest.approx(-8, abs=1.5)


def test_a_blank_page_has_no_lines() -> None:
    [page] = read(encoded(Image.new("RGB", (200, 100), "white"), "PNG"))

    assert page == {"page": 1, "angle": 0.0, "width": 200, "height": 100, "unit": "pixel", "lines": []}


def test_boxes_on_a_page_that_had_to_be_shrunk_are_in_its_own_pixels() -> None:
    large = Image.new("RGB", (READ_SIDE + 500, 600), "white")
    large.paste(board(), (2600, 400))
    [page] = read(encoded(large, "PNG"))

    assert (page["width"], page["height"]) == large.size
    assert texts(page) == ["Harbour tours", "every 25 minutes"]
    assert inside(page["lines"][0]["boundingBox"], [2610, 410, 2830, 410, 2830, 466, 2610, 466], slack=6)


def test_pages_of_a_tiff_are_read_by_their_numbers_and_the_language_is_told_back() -> None:
    file = io.BytesIO()
    Image.new("RGB", (30, 30), "white").save(file, "TIFF", save_all=True, append_images=[board()])
    [page] = read(file.getvalue(), "tiff", pages=(2,), language="en")

    assert (page["page"], page["language"]) == (2, "en")
    assert texts(page) == ["Harbour tours", "every 25 minutes"]


def test_a_scanned_pdf_is_read_in_inches(tmp_path: Path) -> None:
    data = document_file(tmp_path).read_bytes()
    [page] = read(data, "pdf", pages=(2,))

    assert texts(page) == list(drawings.MINUTES[1])
    assert (page["page"], page["unit"]) == (2, "inch")
    assert page["width"] == pytest.approx(1240 / 150, abs=0.01)
    left, top = page["lines"][0]["boundingBox"][:2]
    assert (left, top) == (pytest.approx(90 / 150, abs=0.1), pytest.approx(90 / 150, abs=0.1))


def test_a_pdf_that_carries_text_is_answered_exactly_and_at_once() -> None:
    [page] = read(text_pdf("Zwölf O0l1I|", "second line").replace(b"Zw\xc3\xb6lf", b"Twelve"), "pdf")

    assert texts(page) == ["Twelve O0l1I|", "second line"]
    assert (page["unit"], page["width"], page["height"], page["angle"]) == ("inch", 8.5, 11.0, 0)
    first = page["lines"][0]
    assert [word["text"] for word in first["words"]] == ["Twelve", "O0l1I|"]
    assert first["boundingBox"][0] == pytest.approx(1.0, abs=0.03)
    assert first["boundingBox"][7] == pytest.approx(1.0, abs=0.1)
    assert all(round(value, 4) == value for value in first["boundingBox"])


@pytest.mark.parametrize(("rotate", "corner"), [(90, (10.0, 1.0)), (180, (7.5, 10.0)), (270, (1.0, 7.5))])
def test_text_of_a_pdf_lies_on_the_page_as_it_is_shown(rotate: int, corner: tuple[float, float]) -> None:
    [page] = read(text_pdf("Hello", rotate=rotate), "pdf")

    assert (page["width"], page["height"]) == ((8.5, 11.0) if rotate == 180 else (11.0, 8.5))
    # The corner of the text's beginning on its base line is an inch from both edges of the page before it was turned.
    box = page["lines"][0]["boundingBox"]
    corners = list(zip(box[::2], box[1::2], strict=True))
    assert min(abs(x - corner[0]) + abs(y - corner[1]) for x, y in corners) < 0.15


def test_reading_ends_between_two_lines_when_the_service_stops() -> None:
    steps = iter([None] * 3)

    def go_on() -> None:
        if next(steps, StoppedError) is StoppedError:
            raise StoppedError

    task = Task("image", (1,), "", "basic", "2022-04-30")
    with pytest.raises(StoppedError):
        list(read_pages(task, encoded(drawings.letter(), "PNG"), go_on))


def box(left: float, top: float, width: float = 200, height: float = 20) -> Quad:
    """Return an upright quad."""
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


COLUMNS = [box(x, y) for x in (0, 260) for y in (0, 30, 60, 90)]


def test_the_basic_order_goes_by_rows_and_the_natural_one_by_columns() -> None:
    mixed = [COLUMNS[at] for at in (5, 0, 3, 6, 1, 7, 4, 2)]

    def ordered(*, by_columns: bool) -> list[tuple[float, float]]:
        return [tuple(mixed[at][0]) for at in layout.reading_order(mixed, angle=0, by_columns=by_columns)]

    assert ordered(by_columns=False) == [(x, y) for y in (0, 30, 60, 90) for x in (0, 260)]
    assert ordered(by_columns=True) == [(x, y) for x in (0, 260) for y in (0, 30, 60, 90)]


def test_a_heading_is_read_before_the_columns_below_it_and_prices_are_no_column() -> None:
    heading = box(0, -60, width=460)
    order = layout.reading_order([*COLUMNS, heading], angle=0, by_columns=True)
    assert order == [8, *range(8)]

    prices = [box(0, y) for y in (0, 30, 60)] + [box(400, y, width=50) for y in (0, 30, 60)]
    assert layout.reading_order(prices, angle=0, by_columns=True) == [0, 3, 1, 4, 2, 5]


def test_the_order_of_a_tilted_page_follows_its_own_rows() -> None:
    def tilted(quad: Quad) -> Quad:
        turn = np.radians(20)
        return quad @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    quads = [tilted(quad) for quad in COLUMNS]
    angle = layout.page_angle(quads)

    assert angle == pytest.approx(20)
    assert layout.reading_order(quads, angle=angle, by_columns=False) == [0, 4, 1, 5, 2, 6, 3, 7]


@pytest.mark.parametrize("turned", [0, 3, 90, 94, 180, 200, 270, 266])
def test_corners_begin_where_the_text_does_however_they_were_found(turned: int) -> None:
    turn = np.radians(turned)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    true = [quad @ rotation for quad in COLUMNS]
    found = [np.roll(quad, at % 4, axis=0) for at, quad in enumerate(true)]

    def recognize(quad: Quad) -> Recognized:
        run = (quad[1] - quad[0]) @ np.array([np.cos(turn), np.sin(turn)])
        return Recognized("text", 0.99 if run > 100 else 0.5)

    for quad, expected in zip(layout.upright_quads(found, recognize), true, strict=True):
        np.testing.assert_allclose(quad, expected)


def test_edits_count_insertions_deletions_and_replacements() -> None:
    assert [edits("", "abc"), edits("abc", ""), edits("kitten", "sitting"), edits("same", "same")] == [3, 3, 3, 0]


@pytest.fixture(scope="module")
def glances() -> dict[str, Glimpse]:
    """What is seen of text in each sample."""
    from local.vision.text.recognition import glance

    images = {name: Image.open(io.BytesIO(sample(name))) for name in ("astronaut", "chelsea", "coffee", "rocket")}
    images |= {"receipt": drawings.receipt(), "sign": drawings.sign(), "scan": drawings.scan(), "board": board()}
    seen = {}
    for name, image in images.items():
        image.thumbnail((640, 640))
        seen[name] = glance(np.asarray(image.convert("RGB")))
    return seen


@pytest.mark.parametrize("name", ["receipt", "sign", "scan", "board"])
def test_text_is_seen_at_a_glance(glances: dict[str, Glimpse], name: str) -> None:
    assert 0.5 <= glances[name].certainty <= 1


def test_a_page_is_told_from_a_sign_and_from_photographs(glances: dict[str, Glimpse]) -> None:
    assert {name for name, seen in glances.items() if seen.is_page} == {"receipt", "scan"}


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_no_text_is_seen_in_photographs_without_any(glances: dict[str, Glimpse], name: str) -> None:
    assert glances[name] == Glimpse(certainty=0, lines=0, share=0)


def test_the_engine_is_chosen_by_the_setting_and_the_data_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "DATA_DIRECTORIES", ())
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    monkeypatch.delenv("LOCAL_OCR", raising=False)
    assert not engines.prefers_tesseract(1000)
    monkeypatch.setenv("LOCAL_OCR", "tesserocr")
    with pytest.raises(EngineError, match="tesseract-ocr-eng"):
        engines.asked_engine()

    (tmp_path / "eng.traineddata").touch()
    assert engines.prefers_tesseract(1)
    monkeypatch.setenv("LOCAL_OCR", "auto")
    assert [engines.prefers_tesseract(lines) for lines in (11, 12)] == [False, True]
    monkeypatch.setenv("LOCAL_OCR", "rapidocr")
    assert not engines.prefers_tesseract(1000)
    monkeypatch.setenv("LOCAL_OCR", "abbyy")
    with pytest.raises(EngineError, match="auto, rapidocr, tesserocr"):
        engines.asked_engine()


@pytest.mark.skipif(engines.tesseract_data() is None, reason="Tesseract's eng.traineddata is not on this machine")
@pytest.mark.parametrize("turned", [0, 180, 266])
def test_tesseract_reads_the_same_lines_in_the_same_places(monkeypatch: pytest.MonkeyPatch, turned: int) -> None:
    data = encoded(drawings.scan(-turned), "PNG")
    pages = []
    for engine in ("rapidocr", "tesserocr"):
        monkeypatch.setenv("LOCAL_OCR", engine)
        pages.append(read(data)[0])
    ours, theirs = pages

    assert edits("\n".join(texts(theirs)), "\n".join(drawings.LETTER)) <= 2
    for line, other in zip(ours["lines"], theirs["lines"], strict=True):
        assert inside(other["boundingBox"], line["boundingBox"], slack=12)
        start = np.array(other["boundingBox"][:2]) - np.array(line["boundingBox"][:2])
        assert np.linalg.norm(start) < 40


@pytest.mark.parametrize("has_text", [True, False])
def test_analyze_says_whether_there_is_text_by_tag_and_category(caller: Caller, has_text: bool) -> None:
    data = encoded(drawings.receipt(), "PNG") if has_text else sample("chelsea")
    answer = caller.post("analyze", data, query="visualFeatures=Tags,Categories").json()

    confident = [tag["name"] for tag in answer["tags"] if tag["confidence"] >= 0.5]
    assert ("text" in confident) is has_text
    assert [category["name"] for category in answer["categories"]] == (["text_"] if has_text else ["others_"])


@pytest.mark.parametrize(("wrong", "status"), [(2, 0), (5, 1)])
def test_the_mean_error_rate_is_printed_and_one_beyond_2_percent_is_exit_status_1(
    wrong: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two samples is perfect; of the other's 100 characters some are wrong."""
    samples = [cer.Sample("good", "image", b"", "a" * 100), cer.Sample("bad", "image", b"", "b" * 100)]
    found = {"good": "a" * 100, "bad": "b" * (100 - wrong) + "?" * wrong}
    monkeypatch.setattr(cer, "samples", lambda: samples)
    monkeypatch.setattr(cer, "read_text", lambda sample: found[sample.name])
    assert cer.main([]) == status
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == ["mean", f"{wrong / 2:.2f}%"]


def test_the_samples_are_clean_turned_tilted_and_of_two_pages() -> None:
    samples = {sample.name: sample.kind for sample in cer.samples()}
    assert {"letter", *(f"letter, turned {degrees}" for degrees in (90, 180, 270)), "letter, tilted 4"} < samples.keys()
    assert {samples["two pages, TIFF"], samples["two pages, scanned PDF"]} == {"tiff", "pdf"}
