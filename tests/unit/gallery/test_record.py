"""`GET data/record`: the records of one image as they are stored, and single pages of a text."""

import gzip
import json

import pytest
from doubles.gallery_data import ask, told
from doubles.http_requests import parsed, problem_of
from doubles.parts import Parts
from doubles.searched import store

from shared import names
from shared.gallery import record
from shared.gallery.record import page_of


def stored(app: Parts, container: str, name: str) -> bytes:
    blob = app.images.read(container, name)
    assert blob is not None
    return blob.data


def test_a_record_is_told_as_it_is(app: Parts) -> None:
    store(app, "a/b.png", text="TOTAL DUE")
    for place, mimetype in (
        ("analysis/a/b.png.json", "application/json"),
        ("text/a/b.png.json", "application/json"),
        ("text/a/b.png.txt", "text/plain"),
    ):
        response = ask(record, name="a/b.png", record=place)
        assert (response.status_code, response.mimetype) == (200, mimetype)
        container, _, name = place.partition("/")
        assert response.get_body() == stored(app, container, name)


def test_a_long_record_goes_compressed_to_those_who_take_that(app: Parts) -> None:
    store(app, "a.png", text="TOTAL DUE " * 100)
    whole = stored(app, names.TEXT, "a.png.json")
    response = ask(record, {"Accept-Encoding": "br, gzip"}, name="a.png", record="text/a.png.json")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.get_body()) == whole
    plain = ask(record, {"Accept-Encoding": "gzip;q=0"}, name="a.png", record="text/a.png.json")
    assert plain.get_body() == whole
    assert plain.headers["ETag"] == response.headers["ETag"]
    known = ask(record, {"If-None-Match": plain.headers["ETag"]}, name="a.png", record="text/a.png.json")
    assert (known.status_code, known.get_body()) == (304, b"")


@pytest.mark.parametrize(
    "place",
    [
        "analysis/b.png.json",
        "analysis/a.png/x.json",
        "images/a.png",
        "cache/a.png.json",
        "search/a.png.json",
        "thumbnails/a.png/100x50-smart.jpg",
        "text/by-sha256/a.png.json",
        "analysis/../images/a.png",
        "analysis",
        "",
    ],
)
def test_what_is_no_record_of_that_image_is_refused(app: Parts, place: str) -> None:
    store(app, "a.png")
    store(app, "b.png")
    problem_of(ask(record, name="a.png", record=place), 400, "bad_parameter")


@pytest.mark.parametrize("step", ["..", ".", "", "analysis/..", "%2e%2e", "claims"])
def test_no_step_leads_out_of_the_container(app: Parts, step: str) -> None:
    """With a managed identity, no signature of the path is in the way of a client that resolves `..`."""
    store(app, "analysis/a.png")
    store(app, "a.png")
    asked = {"name": "analysis/a.png", "record": f"unfinished/{step}/analysis/a.png.json"}
    app.images.before = lambda operation, container, name: pytest.fail(f"{operation} {container}/{name}")
    problem_of(ask(record, **asked), 400, "bad_parameter")


def test_a_record_that_is_not_there_is_not_found(app: Parts) -> None:
    store(app, "a.png")
    problem_of(ask(record, name="a.png", record="unfinished/text/a.png.json"), 404, "not_found")
    problem_of(ask(record, name="a.png"), 400, "bad_parameter")


def test_one_page_of_a_text_comes_alone(app: Parts) -> None:
    app.vision.pages = 3
    store(app, "a.png", text="TOTAL DUE")
    pages = json.loads(stored(app, names.TEXT, "a.png.json"))["analyzeResult"]["readResults"]
    for number in (1, 2, 3):
        answer = told(record, name="a.png", record="text/a.png.json", page=number)
        assert answer == {"pages": 3, "page": pages[number - 1]}
    problem = problem_of(ask(record, name="a.png", record="text/a.png.json", page=4), 404, "not_found")
    assert "3 pages" in problem["detail"]
    problem_of(ask(record, name="a.png", record="analysis/a.png.json", page=1), 404, "not_found")
    problem_of(ask(record, name="a.png", record="text/a.png.json", page=0), 400, "bad_parameter")


def test_a_record_of_many_megabytes_is_paged(app: Parts) -> None:
    words = [{"text": "word", "boundingBox": [1] * 8, "confidence": 0.5}] * 200
    pages = [{"page": number, "lines": [{"words": words}] * 6} for number in range(1, 81)]
    content = json.dumps({"source": {"name": '"readResults": [{}]'}, "analyzeResult": {"readResults": pages}}, indent=1)
    assert len(content) > 4 * 1024**2
    app.images.write(names.TEXT, "big.pdf.json", content.encode(), content_type=names.JSON)
    answer = told(record, name="big.pdf", record="text/big.pdf.json", page=80)
    assert (answer["pages"], answer["page"]["page"]) == (80, 80)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{}", b'"readResults"', b'{"readResults": 1}', b'{"readResults": [', b'{"readResults": [{]}'],
)
def test_what_is_no_text_has_no_pages(content: bytes) -> None:
    assert page_of(content, 1) == (0, None)


def test_a_record_that_no_page_could_show_says_where_it_lies(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_MOST_BYTES", 10)
    monkeypatch.setattr(record, "_MOST_BYTES_SIDE_BY_SIDE", 5)
    store(app, "a.png")
    problem = problem_of(ask(record, name="a.png", record="analysis/a.png.json"), 413, "image_too_large")
    assert "analysis/a.png.json" in problem["action"]


def test_a_record_with_markup_is_json(app: Parts) -> None:
    store(app, "a.png", **{"<script>alert(1)</script>": 0.9})
    response = ask(record, name="a.png", record="analysis/a.png.json")
    assert response.mimetype == "application/json"
    assert "<script>" in json.dumps(parsed(response))
