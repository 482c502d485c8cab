"""The records of what was read."""

import json

import pytest
from doubles.clock import FakeClock
from doubles.fake_vision import read_text
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.records import text
from shared.settings import Settings
from shared.storage.blobs import BlobInfo
from shared.vision import questions
from shared.vision.read_models import ReadResult

SETTINGS = Settings.from_env(ENVIRONMENT)


def result(*pages: str, **body: object) -> ReadResult:
    """A Read of pages, each with the lines of its text."""
    found = [read_text("")["readResults"][0] for _ in pages]  # type: ignore[index]
    for number, (page, lines) in enumerate(zip(found, pages, strict=True), start=1):
        page["page"] = number
        page["lines"] = [{"text": line, "boundingBox": [0] * 8, "words": []} for line in lines.split("\n") if line]
    analyzed = {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": found}
    return ReadResult.of({"status": "succeeded", "analyzeResult": analyzed, **body})


def info(metadata: dict[str, str]) -> BlobInfo:
    return BlobInfo("a.jpg.json", "0x1", 1, names.JSON, None, metadata, None, None)


def test_the_question_is_that_of_the_settings() -> None:
    chosen = Settings.from_env({**ENVIRONMENT, "TEXT_READING_ORDER": "basic", "TEXT_MODEL_VERSION": "2022-04-30"})
    assert text.question(chosen) == questions.read(reading_order="basic", model_version="2022-04-30")
    assert text.question(SETTINGS) == questions.read(reading_order="natural")


def test_the_plain_record_comes_first_because_the_others_presence_says_that_both_are_there() -> None:
    plain, places = text.specs("sub/a.jpg", SETTINGS)
    assert (plain.name, places.name) == ("sub/a.jpg.txt", "sub/a.jpg.json")
    assert (plain.content_type, places.content_type) == ("text/plain; charset=utf-8", "application/json")
    assert plain.question == places.question == text.question(SETTINGS)


def test_a_plain_text_has_a_line_for_each_and_an_empty_one_between_pages() -> None:
    assert text.plain(result("one\ntwo", "three")) == b"one\ntwo\n\nthree\n"


@pytest.mark.parametrize("pages", [(), ("",)])
def test_of_no_text_the_plain_record_is_empty(pages: tuple[str, ...]) -> None:
    assert text.plain(result(*pages)) == b""


def test_the_document_has_source_request_result_service_and_time() -> None:
    read = result("Zoë", createdDateTime="2026-01-01T00:00:00Z", lastUpdatedDateTime="2026-01-01T00:00:02Z")
    asked = questions.read(language="de", pages="1")
    content = text.document({"name": "a.jpg"}, asked, read, FakeClock(5.0))
    document = json.loads(content)
    assert document == {
        "source": {"name": "a.jpg"},
        "request": {"language": "de", "model-version": "latest", "pages": "1", "readingOrder": "basic"},
        "analyzeResult": read.body["analyzeResult"],
        "service": {
            "modelVersion": "2022-04-30",
            "created": "2026-01-01T00:00:00Z",
            "updated": "2026-01-01T00:00:02Z",
        },
        "at": "2026-01-01T00:00:05+00:00",
    }
    assert "Zoë" in content.decode()


def test_a_result_without_pages_has_an_empty_analysis() -> None:
    content = text.document({}, questions.read(), ReadResult.of({"status": "succeeded"}), FakeClock())
    assert json.loads(content)["analyzeResult"] == {}


@given(st.text(max_size=400))
def test_the_excerpt_is_the_beginning_whatever_the_letters(line: str) -> None:
    told = text.metadata(result(line), text_only=False)
    assert all(value.isascii() and "\n" not in value for value in told.values())
    shown = text.excerpt(info(told))
    assert len(shown) <= 160
    assert " ".join(result(line).text.split()).startswith(shown)


def test_the_excerpt_has_spaces_for_line_breaks() -> None:
    assert text.excerpt(info(text.metadata(result("one\ntwo", "three"), text_only=False))) == "one two three"


def test_metadata_stays_small_enough_for_storage() -> None:
    """Azure Storage takes 8 KB of it."""
    assert sum(map(len, text.metadata(result("\U0001f600" * 400), text_only=True).values())) < 4096


def test_of_a_record_without_excerpt_there_is_none() -> None:
    assert text.excerpt(info({})) == ""


def test_what_has_nothing_but_text_is_marked() -> None:
    assert text.text_only_mark(text_only=True) == {names.TEXT_ONLY: "true"}
    assert text.text_only_mark(text_only=False) == {}
    assert text.metadata(result("x"), text_only=True)[names.TEXT_ONLY] == "true"


FREE = Settings.from_env({**ENVIRONMENT, "VISION_RATE": "20/60"})
PAID = SETTINGS


def read_of(pages: int) -> ReadResult:
    return result(*["line"] * pages)


@pytest.mark.parametrize(
    ("read", "has", "asked", "settings", "expected"),
    [
        (2000, 2001, "", PAID, (2000, 2001)),
        (2000, 0, "", PAID, (2000, 0)),
        (2, 3, "", PAID, (2, 3)),
        (2, 0, "", FREE, (2, 0)),
        (2, 9, "1,4-", FREE, (2, 7)),
        (2000, 2000, "", PAID, None),
        (2000, 5000, "1-2000", PAID, None),
        (2, 2, "", FREE, None),
        (2, 0, "", PAID, None),
        (2, 0, "1-2", FREE, None),
        (1, 1, "", FREE, None),
        # A count that a PDF merely names, and that no limit explains, is not believed.
        (7, 9, "", PAID, None),
    ],
)
def test_pages_that_the_service_left_out_are_told(
    read: int, has: int, asked: str, settings: Settings, expected: tuple[int, int] | None
) -> None:
    question = questions.read(pages=asked or None)
    assert text.unread(read_of(read), question, has, settings) == expected


def test_what_was_left_out_is_in_the_record_and_in_its_metadata() -> None:
    left_out = text.Unread(2000, 2001)
    record = json.loads(text.document({}, questions.read(), read_of(1), FakeClock(), left_out))
    told = text.metadata(read_of(1), text_only=True, left_out=left_out)
    assert record["notice"] == text.notice(info(told)) == left_out.notice()
    assert "first 2000 of 2001 pages" in record["notice"]["message"]
    assert "parts of at most 2000 pages" in record["notice"]["action"]
    assert text.notice(info(text.metadata(read_of(1), text_only=True))) is None
