import json
from collections.abc import Iterator

import azure.functions as func
import pytest
from doubles.http_requests import invocation, problem_of, request
from doubles.parts import parts
from doubles.photographs import BY_NAME
from doubles.pictures import picture

from shared import services
from shared.api import bodies, responses
from shared.api.endpoint import endpoint
from shared.images import ImageBlob, ImageBytes, ImageUrl

URL_ALLOW = "http://localhost:10000, https://example.com:8443, 10.0.0.0/8, 127.0.0.0/8, 2001:db8::/32"


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    with services.replaced(parts(URL_ALLOW=URL_ALLOW).services):
        yield


def answer_to(req: func.HttpRequest) -> func.HttpResponse:
    """What an HTTP function does with the request's image."""

    @endpoint
    def main(req: func.HttpRequest) -> func.HttpResponse:
        return responses.answer_json({"image": repr(bodies.image_of(req))})

    return main(req, invocation())


def test_a_body_of_bytes_is_an_image() -> None:
    image = bodies.image_of(request(body=b"\xff\xd8\xff"))
    assert isinstance(image, ImageBytes)
    assert image.data == b"\xff\xd8\xff"


def test_json_names_an_uploaded_image_or_an_address() -> None:
    found = bodies.image_of(request(body={"url": "https://example.com/a.jpg?sig=1"}))
    assert isinstance(found, ImageUrl)
    assert found.url == "https://example.com/a.jpg?sig=1"
    assert bodies.image_of(request(body={"name": "2026/ä b#c.jpg"})) == ImageBlob("2026/ä b#c.jpg")


def test_the_word_of_the_first_version_still_names_an_uploaded_image() -> None:
    assert bodies.image_of(request(body={"blob": "2026/ä b#c.jpg"})) == ImageBlob("2026/ä b#c.jpg")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_known_by_its_media_type(content_type: str) -> None:
    body = json.dumps({"blob": "a.jpg"}).encode()
    assert bodies.image_of(request(body=body, headers={"Content-Type": content_type})) == ImageBlob("a.jpg")


def test_no_body_is_told_what_to_send() -> None:
    document = problem_of(answer_to(request(body=b"")), 400, "image_missing")
    assert "0 bytes" in document["detail"]
    assert '{"url"' in document["action"]


def test_a_chunked_body_which_never_arrives_is_told_so() -> None:
    response = answer_to(request(body=b"", headers={"Transfer-Encoding": "Chunked"}))
    document = problem_of(response, 411, "length_required")
    assert "Content-Length" in document["action"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"[]", "bad_json"),
        (b"null", "bad_json"),
        (b"{}", "bad_json"),
        (b'{"uri": "https://example.com"}', "bad_json"),
        (b'{"url": 5}', "bad_json"),
        (b'{"url": "https://example.com", "blob": "a"}', "bad_json"),
        (b'{"url": "https://example.com", "name": "a"}', "bad_json"),
        (b'{"name": "a", "blob": "a"}', "bad_json"),
        (b'{"name": 5}', "bad_json"),
        (b'{"name": ""}', "bad_blob_name"),
        (b'{"name": "../secrets/key"}', "bad_blob_name"),
        (b'{"url": "example.com/a.jpg"}', "bad_url"),
        (b'{"url": "ftp://example.com/a.jpg"}', "bad_url"),
        (b'{"url": "file:///etc/passwd"}', "bad_url"),
        (b'{"url": "https://"}', "bad_url"),
        (b'{"url": "https://[x"}', "bad_url"),
        (b'{"url": "https://example.com/a b.jpg"}', "bad_url"),
        (b'{"url": "https://example.com/a\\nb.jpg"}', "bad_json"),
        (b'{"url": ""}', "bad_url"),
        (b'{"blob": ""}', "bad_blob_name"),
        (b'{"blob": "../secrets/key"}', "bad_blob_name"),
        (b'{"blob": "a/../../b"}', "bad_blob_name"),
    ],
)
def test_json_that_cannot_be_meant_is_a_problem(body: bytes, code: str) -> None:
    problem_of(answer_to(request(body=body, headers={"Content-Type": "application/json"})), 400, code)


def test_an_address_that_is_too_long_is_refused() -> None:
    url = "https://example.com/" + "a" * 2048
    problem_of(answer_to(request(body={"url": url})), 400, "bad_url")


@pytest.mark.parametrize(
    "kind", ["text/json", "application/problem+json", "application/vnd.example+json; charset=utf-8"]
)
def test_other_names_of_json_are_json(kind: str) -> None:
    assert bodies.image_of(request(body=b'{"blob": "a.jpg"}', headers={"Content-Type": kind})) == ImageBlob("a.jpg")


def test_a_byte_order_mark_before_json_is_passed_over() -> None:
    body = b'\xef\xbb\xbf{"blob": "a.jpg"}'
    assert bodies.image_of(request(body=body, headers={"Content-Type": "application/json"})) == ImageBlob("a.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "ICO", "HEIC"])
@pytest.mark.parametrize(
    "declared", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/html", "", "?"]
)
def test_what_begins_like_an_image_is_one_whatever_it_is_called(kind: str, declared: str) -> None:
    """`curl --data-binary` calls it a form."""
    data = BY_NAME["plain.heic"].data if kind == "HEIC" else picture(kind)
    found = bodies.image_of(request(body=data, headers={"Content-Type": declared, "Content-Encoding": "gzip"}))
    assert isinstance(found, ImageBytes)
    assert found.data == data


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/a.jpg",
        "https://example.com:8443/a%20b.jpg?sig=a%2Bb&x=1",
        "https://[2001:db8::1]:443/",
        "https://b\xfccher.example/\xe4.jpg",
        "https://\u65e5\u672c.example/",
        "https://example.com.",
        "https://example.com:/a",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost:10000/devstoreaccount1/images/a.jpg",
        "HTTPS://EXAMPLE.COM/A_B.jpg",
        "https://my_host.example/a.jpg",
    ],
)
def test_addresses_that_can_be_fetched_are_handed_on_as_they_are(url: str) -> None:
    found = bodies.image_of(request(body={"url": url}))
    assert isinstance(found, ImageUrl)
    assert found.url == url
