import json
import logging
from typing import Any

import azure.functions as func
import pytest
from doubles.http_requests import parsed, problem_of, request

from shared import web
from shared.errors import BadRequestError, BlobsightError, BusyError, ThrottledError, VisionUnavailableError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.storage import Blob, BlobInfo


def answer_to(req: func.HttpRequest) -> func.HttpResponse:
    """What an HTTP function does with the request's image."""

    @web.endpoint
    def main(req: func.HttpRequest) -> func.HttpResponse:
        return web.answer_json({"image": repr(web.image_of(req))})

    return main(req)


def raising(error: Exception, **headers: str) -> func.HttpResponse:
    @web.endpoint
    def main(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    return main(request(headers=headers))


def test_a_body_of_bytes_is_an_image() -> None:
    image = web.image_of(request(body=b"\xff\xd8\xff"))
    assert isinstance(image, ImageBytes)
    assert image.data == b"\xff\xd8\xff"


@pytest.mark.parametrize("content_type", ["image/jpeg", "", "application/octet-stream", "text/plain"])
def test_the_bytes_may_be_called_anything_but_json(content_type: str) -> None:
    assert isinstance(web.image_of(request(body=b"{}", headers={"Content-Type": content_type})), ImageBytes)


def test_json_names_an_address_or_a_blob() -> None:
    found = web.image_of(request(body={"url": "https://example.com/a.jpg?sig=1"}))
    assert isinstance(found, ImageUrl)
    assert found.url == "https://example.com/a.jpg?sig=1"
    assert web.image_of(request(body={"blob": "2026/ä b#c.jpg"})) == ImageBlob("2026/ä b#c.jpg")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_known_by_its_media_type(content_type: str) -> None:
    body = json.dumps({"blob": "a.jpg"}).encode()
    assert web.image_of(request(body=body, headers={"Content-Type": content_type})) == ImageBlob("a.jpg")


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
        (b'{"url": "example.com/a.jpg"}', "bad_url"),
        (b'{"url": "ftp://example.com/a.jpg"}', "bad_url"),
        (b'{"url": "file:///etc/passwd"}', "bad_url"),
        (b'{"url": "https://"}', "bad_url"),
        (b'{"url": "https://[x"}', "bad_url"),
        (b'{"url": "https://example.com/a b.jpg"}', "bad_url"),
        (b'{"url": "https://example.com/a\\nb.jpg"}', "bad_url"),
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


def test_the_name_comes_from_the_route_or_the_query() -> None:
    assert web.name_of(request("GET", route={"name": "a/b.jpg"})) == "a/b.jpg"
    assert web.name_of(request("GET", params={"name": "a b.jpg"})) == "a b.jpg"
    assert web.name_of(request("GET", params={"name": "query"}, route={"name": "route"})) == "route"
    assert web.optional_name_of(request("GET")) is None
    for params in ({}, {"name": ""}, {"name": "../x"}):
        with pytest.raises(BadRequestError) as caught:
            web.name_of(request("GET", params=params))
        assert caught.value.code == "bad_blob_name"


def test_a_whole_number_may_have_a_default() -> None:
    assert web.whole_number(request(params={"width": "007"}), "width") == 7
    assert web.whole_number(request(), "limit", 50) == 50


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "1e3", "²", "1" * 5000])
def test_what_is_no_whole_number_is_shown(text: str) -> None:
    with pytest.raises(BadRequestError, match="width") as caught:
        web.whole_number(request(params={"width": text}), "width")
    assert caught.value.code == "bad_parameter"
    assert len(caught.value.message) < 300


def test_a_number_that_is_missing_is_told() -> None:
    with pytest.raises(BadRequestError, match="width is missing"):
        web.whole_number(request(), "width")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_a_truth_is_true_or_false(text: str, value: bool) -> None:
    assert web.truth(request(params={"smart": text}), "smart", default=not value) is value
    assert web.truth(request(), "smart", default=value) is value


def test_another_truth_is_refused() -> None:
    with pytest.raises(BadRequestError, match="smart is 'yes'; true or false"):
        web.truth(request(params={"smart": "yes"}), "smart", default=True)


def test_words_are_separated_by_commas() -> None:
    assert web.words(request(params={"f": " Tags,,Color ,"}), "f") == ["Tags", "Color"]
    assert web.words(request(), "f") == []


def test_a_parameter_nobody_reads_is_refused_with_what_is_known() -> None:
    """A misspelt one would be paid for with its default."""
    web.only(request(params={"width": "1", "code": "key"}), "width", "height")
    with pytest.raises(BadRequestError) as caught:
        web.only(request(params={"widht": "1", "b": "2", "code": "secret-key"}), "width", "height")
    assert "b, widht is not known here; known are width, height" in caught.value.message
    assert "secret-key" not in caught.value.message


def test_a_problem_tells_what_the_error_knows() -> None:
    error = ThrottledError("Slow down.", retry_after_seconds=2.6, request_id="id-1")
    response = raising(error)
    document = problem_of(response, 429, "vision_throttled")
    assert document["detail"] == "Slow down."
    assert document["title"] == "Too Many Requests"
    assert document["action"] == ThrottledError.action
    assert document["retryAfterSeconds"] == 2.6
    assert document["visionRequestId"] == "id-1"
    assert response.headers["Retry-After"] == "3"


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (0.2, "1"), (1.2, "2"), (3.0, "3"), (86_400.0, "86400")])
def test_retry_after_is_a_whole_number_that_is_not_too_early(seconds: float, header: str) -> None:
    assert raising(VisionUnavailableError("Down.", retry_after_seconds=seconds)).headers["Retry-After"] == header


def test_without_a_time_there_is_no_retry_after() -> None:
    response = raising(VisionUnavailableError("Down."))
    assert "Retry-After" not in response.headers
    assert "retryAfterSeconds" not in problem_of(response, 503, "vision_unavailable")


def test_a_crash_is_a_problem_that_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    response = raising(RuntimeError("the secret is tiger"))
    document = problem_of(response, 500, "internal_error")
    assert "tiger" not in response.get_body().decode()
    assert document["correlationId"] in caplog.text
    assert "the secret is tiger" in caplog.text


@pytest.mark.parametrize(
    ("error", "level"), [(BadRequestError("No."), logging.INFO), (VisionUnavailableError("Down."), logging.WARNING)]
)
def test_a_refusal_is_one_event(error: BlobsightError, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    raising(error)
    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage().startswith(f"request.refused code={error.code} ")


def test_the_callers_correlation_id_is_used_and_given_back() -> None:
    response = raising(BadRequestError("No."), **{"X-Correlation-Id": "abc-123"})
    assert response.headers["X-Correlation-Id"] == "abc-123"
    assert problem_of(response, 400, "bad_request")["correlationId"] == "abc-123"


@pytest.mark.parametrize("given", ["a\r\nSet-Cookie: x=1", "ä" * 10, "x" * 5000])
def test_a_correlation_id_that_is_no_token_is_replaced(given: str) -> None:
    """It goes into a header, into every log line and back to the caller."""
    response = raising(BadRequestError("No."), **{"X-Correlation-Id": given})
    assert response.headers["X-Correlation-Id"] != given
    assert len(response.headers["X-Correlation-Id"]) == 32


def test_a_correlation_id_is_made_up_for_a_success_too() -> None:
    response = answer_to(request(body=b"x"))
    assert response.status_code == 200
    assert len(response.headers["X-Correlation-Id"]) == 32


def test_json_keeps_its_letters() -> None:
    response = web.answer_json({"name": "Ämter 日本"}, status=202)
    assert "Ämter 日本".encode() in response.get_body()
    assert (response.status_code, response.mimetype, response.charset) == (202, "application/json", "utf-8")


BLOB = Blob(BlobInfo("a.jpg", "0x1", 3, "image/jpeg", cache_control="private, max-age=300"), b"jpg")


def stored(method: str = "GET", blob: Blob = BLOB, known: str = "") -> func.HttpResponse:
    return web.stored(request(method, headers={"If-None-Match": known}), blob, "https://storage/thumbnails/a.jpg")


def test_a_stored_blob_tells_its_etag_address_and_lifetime() -> None:
    response = stored()
    assert (response.status_code, response.get_body(), response.mimetype) == (200, b"jpg", "image/jpeg")
    assert response.headers["ETag"] == '"0x1"'
    assert response.headers["Content-Location"] == "https://storage/thumbnails/a.jpg"
    assert response.headers["Cache-Control"] == "private, max-age=300"


@pytest.mark.parametrize("known", ['"0x1"', 'W/"0x1"', '"0x0", "0x1"', "*", '"0x0",W/"0x1"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_it_already_gets_304_without_a_body(known: str, method: str) -> None:
    response = stored(method, known=known)
    assert (response.status_code, response.get_body()) == (304, b"")
    assert response.headers["ETag"] == '"0x1"'
    assert response.headers["Cache-Control"] == "private, max-age=300"


@pytest.mark.parametrize("known", ["", '"0x2"', "0x1", 'x"0x1"'])
def test_who_has_another_gets_it_whole(known: str) -> None:
    assert stored("GET", known=known).status_code == 200


def test_a_post_is_never_answered_with_304() -> None:
    assert stored("POST", known="*").status_code == 200


@pytest.mark.parametrize(("seconds", "header"), [(None, "1"), (5.0, "5"), (1.2, "2")])
def test_not_yet_is_202_with_the_time_to_come_back(seconds: float | None, header: str) -> None:
    response = web.not_yet(BusyError("Being made.", retry_after_seconds=seconds))
    document: dict[str, Any] = parsed(response)
    assert response.status_code == 202
    assert response.headers["Retry-After"] == header
    assert document["state"] == "pending"
    assert document["detail"] == "Being made."
