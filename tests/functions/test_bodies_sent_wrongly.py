"""An image or an address that is sent in a form that is not read: the refusal says what came and how to send it."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator

import pytest
from doubles.http_requests import Hub, problem_of
from doubles.http_routes import RETRY, TAKERS, Route
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.wrappings import content_object

PNG, JPEG, GIF, BMP, TIFF = (picture(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF"))
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n" + b"x" * 400
FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"


ENCODED = base64.b64encode(PNG)
# The body, its Content-Type, and what the refusal says of it and of how to send it.
CASES: dict[str, tuple[bytes, str | None, str, str]] = {
    "JSON as curl -d": (b'{"blob": "coffee.jpg"}', FORM, f"JSON, but its Content-Type is '{FORM}'", "application/json"),
    "JSON as text": (b'\n {"url": "https://example.com/a.jpg"}', "text/plain", "'text/plain'", "application/json"),
    "JSON as bytes": (b'{"blob":"a"}', OCTETS, "JSON", "application/json"),
    "JSON without a type": (b'\xef\xbb\xbf{"blob":"a"}', None, "JSON, but it has no Content-Type", "application/json"),
    "JSON that names a PDF": (b'{"blob": "%PDF-1.4.pdf"}', OCTETS, "JSON", "application/json"),
    "JSON text that names a PDF": (b'"https://example.com/%PDF-1.pdf"', "application/json", "an address", "url"),
    "an address that names a PDF": (b"https://example.com/%PDF-1.pdf", "text/plain", "an address", "url"),
    "a list that names a PDF": (b'["%PDF-1.4.pdf"]', OCTETS, "JSON", "application/json"),
    "JSON as an image": (b"{}", "image/png", "JSON", "application/json"),
    "base64 as Python prints it": (repr(ENCODED).encode(), "text/plain", "base64 as a program prints it", "Leave out"),
    "base64 in other quotation marks": (b"'" + ENCODED + b"'", OCTETS, "base64 as a program prints it", "Leave out"),
    "hexadecimal": (PNG.hex().encode(), "text/plain", "a PNG written as hexadecimal", "Decode"),
    "gzip": (gzip.compress(PNG, mtime=0), "image/png", "compressed", "uncompressed"),
    "gzip as JSON": (gzip.compress(b'{"blob": "a"}', mtime=0), "application/json", "compressed", "uncompressed"),
    "deflate": (zlib.compress(BMP), OCTETS, "compressed", "uncompressed"),
    "JSON of Logic Apps": (json.dumps(content_object(PNG)).encode(), OCTETS, "JSON, but its", "application/json"),
    "a buffer of Node": (b'{"type":"Buffer","data":[137,80,78,71]}', "application/json", "numbers", "bytes alone"),
    "a list of numbers": (json.dumps(list(PNG)).encode(), "application/json", "numbers", "bytes alone"),
    "an object of numbers": (b'{"0":137,"1":80}', "application/json", "numbers", "bytes alone"),
    "an address": (b"https://example.com/a.jpg", "text/plain", "an address", '{"url": "https://..."}'),
    "an address as JSON": (b'"https://example.com/a.jpg"', "application/json", "an address", '{"url": "https://..."}'),
    "an address as curl -d": (b"HTTP://example.com/a.jpg?x=1", FORM, "an address", '{"url": "https://..."}'),
    "JSON in UTF-16": ('{"blob": "a"}'.encode("utf-16"), "application/json", "UTF-16", "UTF-8"),
    "a list of JSON": (b'[{"blob": "a.jpg"}]', OCTETS, "JSON", "application/json"),
    "percent-encoded JSON": (b"%7B%22blob%22%3A%22a.jpg%22%7D", FORM, "percent-encoded", "as it is"),
    "an object of JavaScript": (b"[object File]", "text/plain;charset=UTF-8", "JavaScript", "ArrayBuffer"),
    "a file's name": (b"@photos/holiday.JPG\n", FORM, "a file's name", "--data-binary"),
    "a path": (rb"C:\Users\me\scan.pdf", OCTETS, "a file's name", "--data-binary"),
    "names and values": (b"url=https%3A%2F%2Fexample.com%2Fa.jpg", FORM, "names and values", '{"url": "https://..."}'),
    "a page": (b"<!DOCTYPE html>\n<html>", "text/html", "HTML", "answered"),
    "a page called an image": (b"\n <HTML><body>Sign in", "image/jpeg", "HTML", "answered"),
    "a PNG as curl -d @": (PNG.replace(b"\r", b"").replace(b"\n", b""), FORM, "line breaks", "--data-binary"),
    "a PNG with line feeds": (PNG.replace(b"\r\n", b"\n"), OCTETS, "line breaks", "--data-binary"),
    "a JPEG read as text": (JPEG.decode(errors="replace").encode(), "image/jpeg", "read as text", "as bytes"),
    "a JPEG as Latin-1": (JPEG.decode("latin-1").encode(), "image/jpeg", "a JPEG written as UTF-8", "Decode"),
    "a PNG as Windows-1252": (PNG[:60].decode("cp1252", "ignore").encode(), None, "a PNG written as UTF-8", "Decode"),
}


@pytest.fixture(autouse=True)
def _nobody_is_asked(app: Parts, task_hub: Hub) -> Iterator[None]:
    yield
    assert app.vision.asked == []
    assert task_hub.started == []
    assert app.host.contents("inputs") == {}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("route", TAKERS, ids=str)
def test_the_refusal_says_what_came_and_how_to_send_it(route: Route, case: str) -> None:
    body, declared, what, how = CASES[case]
    document = problem_of(route.answer(body, headers={"Content-Type": declared or ""}), 400, "body_not_an_image")
    assert what in document["detail"]
    assert how in document["action"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate", "zstd", "gzip, br"])
def test_a_compressed_body_is_known_by_its_header_where_its_bytes_say_nothing(encoding: str) -> None:
    for route in TAKERS:
        for declared in (OCTETS, "application/json"):
            answer = route.answer(b"\x8b\x03\x80", headers={"Content-Type": declared, "Content-Encoding": encoding})
            document = problem_of(answer, 400, "body_not_an_image")
            assert encoding.lower() in document["detail"]


@pytest.mark.parametrize("case", [case for case in CASES if "JSON" not in case or "as JSON" in case])
def test_what_is_to_be_tried_again_is_not_taken_from_them_either(case: str) -> None:
    body, declared, what, _ = CASES[case]
    document = problem_of(RETRY.answer(body, headers={"Content-Type": declared or ""}), 400, "bad_json")
    assert '{"all": true}' in document["detail"]
    assert what in document["detail"]


def test_what_is_to_be_tried_again_may_have_any_type(app: Parts) -> None:
    for declared in ("", FORM, "text/plain", "application/json"):
        assert RETRY.answer(b'{"all": true}', headers={"Content-Type": declared}).status_code == 202


@pytest.mark.parametrize("body", [b"dear diary, this is no image", b"QUJD", b"cafe" * 20, b"\x00\x01\x02", b"x^2"])
def test_what_is_none_of_them_is_judged_as_an_image(body: bytes) -> None:
    for route in TAKERS:
        problem_of(route.answer(body), 400, "not_an_image")
