"""A page of a PDF is answered with the text that it carries."""

import json
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.pdfs import page_pdf

from local.vision.reading.store import Task
from local.vision.text import reading


def read(data: bytes) -> dict[str, Any]:
    """Return the readResult of a PDF's one page."""
    [page] = reading.read_pages(Task("pdf", (1,), "", "basic", "2022-04-30"), data, lambda: None)
    json.dumps(page, ensure_ascii=False).encode()  # every text can be written
    return page


def texts(page: dict[str, Any]) -> list[str]:
    """Return the lines of a page."""
    return [line["text"] for line in page["lines"]]


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
