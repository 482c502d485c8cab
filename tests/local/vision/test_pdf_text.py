"""A page of a PDF is answered with the text that it carries, and with what only its picture shows."""

import json
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.pdfs import SIGNED, STAMPED, annotation, page_pdf, written
from PIL import Image

from local.vision.reading.store import Task
from local.vision.text import reading
from local.vision.text.told import OwnWord, without_told

LETTER = b"BT /F1 18 Tf 72 700 Td (A letter of) Tj 0 -24 Td (two lines) Tj ET "
SCAN = b"q 450 0 0 150 72 400 cm /SCAN Do Q "  # half a point for each pixel of a picture by `written`


def read(data: bytes) -> dict[str, Any]:
    """Return the readResult of a PDF's one page."""
    [page] = reading.read_pages(Task("pdf", (1,), "", "basic", "2022-04-30"), data, lambda: None)
    json.dumps(page, ensure_ascii=False).encode()  # every text can be written
    return page


def texts(page: dict[str, Any]) -> list[str]:
    """Return the lines of a page."""
    return [line["text"] for line in page["lines"]]


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[Image.Image]:
    """The pages that are recognized, as pictures; nothing is seen on them."""
    taken: list[Image.Image] = []

    def read_picture(picture: Any, **_: object) -> dict[str, Any]:
        taken.append(picture.image)
        return {"angle": 7.5, "width": picture.width, "height": picture.height, "unit": "pixel", "lines": []}

    monkeypatch.setattr(reading, "read_picture", read_picture)
    return taken


def test_pictures_stamps_notes_and_values_of_fields_are_read_besides_the_text_each_once() -> None:
    value = b"/FT/Tx/T(name)/V(Jane Walrus)"
    data = page_pdf(
        LETTER + b"q 300 0 0 100 250 560 cm /LOGO Do Q",
        pictures={"LOGO": written("Rope and Sail")},
        annotations=(
            annotation("Stamp", 72, 500, STAMPED),
            annotation("Stamp", 90, 668, SIGNED),  # over the letter
            annotation("FreeText", 72, 400, b"/Contents(Call back)"),
            annotation("Widget", 72, 300, value),
        ),
    )
    page = read(data)

    lines = texts(page)
    assert [line for line in lines if line in ("A letter of", "two lines")] == ["A letter of", "two lines"]
    assert sorted(lines) == sorted(
        ["A letter of", "two lines", "Rope and Sail", "STAMPED", "SIGNED", "Call back", "Jane Walrus"]
    )
    own, seen = page["lines"][0], page["lines"][lines.index("Jane Walrus")]
    assert [word["confidence"] for word in own["words"]] == [1.0] * 3
    assert seen["boundingBox"][0] == pytest.approx(1.0, abs=0.1)
    assert seen["boundingBox"][1] == pytest.approx((792 - 340) / 72, abs=0.3)


def test_a_scan_is_read_under_a_page_number_and_not_twice_under_its_own_invisible_text() -> None:
    scan = written("Scanned contract", "WALRUS 55", "signed in Kiel")
    invisible = b"BT 3 Tr /F1 22 Tf 97 512 Td (5canned contrakt) Tj 0 -40 Td (WALRUS 55) Tj ET "
    number = b"BT 0 Tr /F1 10 Tf 300 30 Td (1) Tj ET"
    page = read(page_pdf(SCAN + invisible + number, pictures={"SCAN": scan}))

    assert texts(page) == ["5canned contrakt", "WALRUS 55", "signed in Kiel", "1"]


@pytest.mark.parametrize(
    "data",
    [
        page_pdf(LETTER),
        page_pdf(LETTER + b"72 600 m 500 600 l S 72 500 300 50 re S"),
        page_pdf(LETTER, annotations=(annotation("Link", 72, 690), annotation("Highlight", 72, 690))),
        page_pdf(LETTER, annotations=(annotation("Widget", 72, 500, b"/FT/Tx/T(empty)"),)),
        page_pdf(LETTER + SCAN, pictures={"SCAN": Image.new("RGB", (900, 300), "white")}),
    ],
    ids=["text", "rules", "links and marks", "an empty field", "an empty picture"],
)
def test_a_page_that_shows_no_more_than_its_text_is_not_recognized(pictures: list[Image.Image], data: bytes) -> None:
    page = read(data)

    assert (texts(page), page["angle"], pictures) == (["A letter of", "two lines"], 0, [])


@pytest.mark.parametrize(
    "drawn",
    [
        b"72 300 m 100 330 l S",
        b"72 300 m 80 320 90 320 100 300 c f",
        b"q 450 0 0 150 72 400 cm /SCAN Do Q",
        b"BT /F1 18 Tf 72 300 Td (no letters) Tj ET",
    ],
    ids=["slanted strokes", "curves", "a picture", "letters that the font does not tell"],
)
def test_what_may_be_words_is_recognized_without_the_text_that_is_known(
    pictures: list[Image.Image], drawn: bytes
) -> None:
    mapping = b"".join(b"<%02X> <%04X>" % (code, 0 if chr(code) in "no" else code) for code in range(32, 127))
    known = b"BT /F1 18 Tf 72 700 Td (A letter) Tj ET "
    scan = {"SCAN": written("Scanned")}
    read(page_pdf(known + drawn, pictures=scan, mapping=mapping if b"no" in drawn else b""))

    [picture] = pictures
    quarter = picture.height // 4
    assert picture.crop((0, 0, picture.width, quarter)).getcolors(1) is not None
    assert picture.getcolors(1) is None


def test_the_angle_is_that_of_most_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_picture(picture: Any, **_: object) -> dict[str, Any]:
        line = seen("x" * 40, 100, 100, 800, 50)
        return {"angle": -90.0, "width": picture.width, "height": picture.height, "unit": "pixel", "lines": [line]}

    monkeypatch.setattr(reading, "read_picture", read_picture)
    scan = {"SCAN": written("Scanned")}
    many = b"BT /F1 18 Tf 72 700 Td (%s) Tj ET " % (b"y" * 41)
    assert read(page_pdf(SCAN + LETTER, pictures=scan))["angle"] == -90.0
    assert read(page_pdf(SCAN + many, pictures=scan))["angle"] == 0


def seen(text: str, left: float, top: float, width: float = 1.0, height: float = 0.2) -> dict[str, Any]:
    """Return a line of words of equal width."""
    words = text.split()
    share = width / len(words)
    told = []
    for at, word in enumerate(words):
        x, right = left + at * share, left + (at + 0.9) * share
        box = [x, top, right, top, right, top + height, x, top + height]
        told.append({"boundingBox": box, "text": word, "confidence": 0.9})
    box = [left, top, left + width, top, left + width, top + height, left, top + height]
    return {"boundingBox": box, "text": text, "words": told}


def own(text: str, left: float, top: float, *, height: float = 0.2, invisible: bool = False) -> OwnWord:
    """Return a word of half an inch."""
    return OwnWord(text, (left, top, left + 0.5, top + height), invisible)


@pytest.mark.parametrize(
    ("layer", "kept"),
    [
        ([], ["WALRUS 55"]),
        ([own("Walrus", 1, 1), own("55", 1.5, 1)], []),
        ([own("WALRU5", 1, 1)], ["55"]),
        ([own("WALRUS", 4, 4), own("55", 4.5, 4)], ["WALRUS 55"]),
        ([own("Walrus", 4, 4, invisible=True), own("55", 4.5, 4, invisible=True)], []),
        ([own("Моржи", 1, 1, invisible=True)], ["55"]),
        ([own("Моржи", 1, 1)], ["WALRUS 55"]),
        ([own("Моржи", 0.9, 0.8, height=0.6, invisible=True)], ["WALRUS 55"]),
    ],
    ids=[
        "nothing",
        "the same words there",
        "a word that was read otherwise",
        "the same words elsewhere",
        "the same words elsewhere, invisible",
        "another reading, invisible",
        "another word there, to be seen",
        "what is invisible is much higher",
    ],
)
def test_a_word_is_told_already_where_the_page_says_the_same_there(layer: list[OwnWord], kept: list[str]) -> None:
    assert [line["text"] for line in without_told([seen("WALRUS 55", 1, 1)], layer)] == kept


def test_an_invisible_word_stands_for_one_that_is_seen_at_its_place_first() -> None:
    stamp, scanned = seen("PAID", 5, 0.5), seen("PAID", 1, 1, width=0.5)
    assert without_told([stamp, scanned], [own("PAID", 1, 1, invisible=True)]) == [stamp]


def test_what_is_left_of_a_line_has_a_box_of_its_own() -> None:
    [line] = without_told([seen("WALRUS 55", 1, 1)], [own("walrus", 1, 1)])
    assert line["boundingBox"] == line["words"][0]["boundingBox"] == [1.5, 1, 1.95, 1, 1.95, 1.2, 1.5, 1.2]


GRIN, BOLD = "\U0001f600", "\U0001d400\U0001d401"


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        ("IEI", f"I{GRIN}I"),
        ("E I", f"{GRIN} I"),
        ("I E I", f"I {GRIN} I"),
        ("M", BOLD),
        ("HL", GRIN),
        ("H", "\ufffd"),
        ("LH", "\ufffd\ufffd"),
        ("H L", "\ufffd \ufffd"),
    ],
    ids=["inside", "first", "between", "mathematical", "in halves", "half", "halves the wrong way", "halves apart"],
)
def test_characters_beyond_the_first_plane_stay_and_half_of_one_is_replaced(codes: str, line: str) -> None:
    others = "".join(f"<{ord(letter):02X}> <{ord(letter):04X}>" for letter in "I abcdefghijklmnop")
    mapping = f"<45> <D83DDE00> <4D> <D835DC00D835DC01> <48> <D83D> <4C> <DE00> {others}".encode()
    # The letters after it keep the share of what tells no letter low.
    content = f"BT /F1 24 Tf 72 700 Td ({codes}) Tj 0 -30 Td (abcdefghijklmnopabcdefghijklmnop) Tj ET".encode()
    page = read(page_pdf(content, mapping=mapping))

    assert texts(page)[0] == line
    words = page["lines"][0]["words"]
    assert " ".join(word["text"] for word in words) == line
    assert all(word["boundingBox"][2] > word["boundingBox"][0] for word in words)


def test_a_hyphen_at_the_end_of_a_line_is_told_and_ends_the_line() -> None:
    assert texts(read(text_pdf("exam-", "ple and more"))) == ["exam-", "ple and more"]
