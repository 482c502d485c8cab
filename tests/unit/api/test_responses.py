import json

import azure.functions as func
import pytest
from doubles.http_requests import parsed, problem_of, raising, request

from shared.api import responses
from shared.errors import (
    BadRequestError,
    StorageDeniedError,
    StorageError,
    StorageIdentityError,
    ThrottledError,
    VisionUnavailableError,
)
from shared.storage.blobs import Blob, BlobInfo


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
    response = raising(VisionUnavailableError("Down.", retry_after_seconds=seconds))
    assert response.headers["Retry-After"] == header


@pytest.mark.parametrize(
    "error", [StorageError("Down."), StorageDeniedError("403"), StorageIdentityError("None.")], ids=lambda e: e.code
)
def test_that_storage_is_out_comes_with_a_time_to_come_back(error: StorageError) -> None:
    response = raising(error)
    assert response.headers["Retry-After"] == "5"
    assert problem_of(response, 503, error.code)["retryAfterSeconds"] == 5


@pytest.mark.parametrize(("seconds", "told"), [(0.0, b"0"), (2.0, b"2"), (2.31, b"2.4"), (1.1, b"1.1"), (0.01, b"0.1")])
def test_the_time_to_come_back_is_a_short_number_that_is_not_too_early(seconds: float, told: bytes) -> None:
    response = raising(VisionUnavailableError("Down.", retry_after_seconds=seconds))
    assert b'"retryAfterSeconds": %s,' % told in response.get_body()


def test_without_a_time_there_is_no_retry_after() -> None:
    response = raising(VisionUnavailableError("Down."))
    assert "Retry-After" not in response.headers
    assert "retryAfterSeconds" not in problem_of(response, 503, "vision_unavailable")


@pytest.mark.parametrize("text", ["\ud83d", "a\udcffb", "\ude00\ud83d\xe4", "\x00\x1f\ufffe"], ids=ascii)
def test_every_answer_can_be_sent_whatever_is_in_it(text: str) -> None:
    """It would be a 500 without a body otherwise."""
    for answer in (
        raising(BadRequestError(text, action=text)),
        raising(VisionUnavailableError(text, request_id=text)),
        responses.answer_json({text: [text]}),
    ):
        assert json.loads(answer.get_body().decode("utf-8"))


def test_json_keeps_its_letters() -> None:
    response = responses.answer_json({"name": "Ämter 日本"}, status=202)
    assert "Ämter 日本".encode() in response.get_body()
    assert (response.status_code, response.mimetype, response.charset) == (202, "application/json", "utf-8")


BLOB = Blob(BlobInfo("a.jpg", "0x1", 3, "image/jpeg", cache_control="private, max-age=300"), b"jpg")


def stored(method: str = "GET", blob: Blob = BLOB, known: str = "") -> func.HttpResponse:
    etags = responses.known_etags(request(method, headers={"If-None-Match": known}))
    return responses.blob_response(blob, "https://storage/thumbnails/a.jpg", etags)


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


@pytest.mark.parametrize(
    ("path", "given", "location"),
    [
        ("/api/ocr/x", {}, "https://app.example/api/ocr/x"),
        ("/api/ocr/x", {"code": "a b/"}, "https://app.example/api/ocr/x?code=a%20b%2F"),
        ("/api/images?name=a%20b", {"Code": "k"}, "https://app.example/api/images?name=a%20b&code=k"),
        ("/api/images?name=a%20b", {"other": "k"}, "https://app.example/api/images?name=a%20b"),
    ],
)
def test_accepted_says_where_and_when_to_ask(
    monkeypatch: pytest.MonkeyPatch, path: str, given: dict[str, str], location: str
) -> None:
    monkeypatch.setenv("PUBLIC_ADDRESS", "https://app.example")
    response = responses.accepted(request(params=given), path, {"state": "running"}, 1.2)
    assert (response.status_code, parsed(response)) == (202, {"state": "running"})
    assert (response.headers["Location"], response.headers["Retry-After"]) == (location, "2")


def test_accepted_gives_the_path_where_the_app_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLIC_ADDRESS", "WEBSITE_HOSTNAME"):
        monkeypatch.delenv(name, raising=False)
    assert responses.accepted(request(), "/api/ocr/x", {}, 0).headers["Location"] == "/api/ocr/x"
