"""
Refusals of Computer Vision. The bodies are quoted from captures, the service's documentation and users' reports.
"""

import json
from typing import Any

import pytest
from doubles.clock import EPOCH
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    BlobsightError,
    ImageRejectedError,
    PayloadTooLargeError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionNotFoundError,
    VisionRefusedError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.vision import error_answers

REQUEST_ID = "8ca04feb-86db-4552-857c-fde903251518"


def error_of(status: int, body: Any = b"", **headers: str) -> BlobsightError:
    sent = body if isinstance(body, bytes) else json.dumps(body, indent=2).replace("\n", "\r\n").encode()
    return error_answers.error_of(status, {"apim-request-id": REQUEST_ID, **headers}, sent, "analyze", now=EPOCH)


def nested(inner: str, message: str, outer: str = "InvalidArgument") -> dict[str, Any]:
    """Shape A: the image operations of v3.2."""
    return {"error": {"code": outer, "message": message, "innererror": {"code": inner, "message": message}}}


CASES: list[tuple[str, int, Any, type[BlobsightError], str, str]] = [
    (
        "A: the URL is not accessible",
        400,
        nested("InvalidImageUrl", "Image URL is not accessible."),
        VisionRefusedError,
        "image_url_refused",
        "400 InvalidImageUrl: Image URL is not accessible.",
    ),
    (
        "A: the bytes cannot be decoded",
        400,
        nested("InvalidImageFormat", "Input data is not a valid image.", "InvalidRequest"),
        ImageRejectedError,
        "image_unreadable",
        "Input data is not a valid image.",
    ),
    (
        "A: the dimensions are refused",
        400,
        nested("InvalidImageSize", "The image dimension is not allowed to be smaller than 50 and larger than 16000."),
        ImageRejectedError,
        "image_size_refused",
        "larger than 16000",
    ),
    (
        "A: an unknown feature",
        400,
        nested("NotSupportedVisualFeature", "Specified feature type is not valid", "InvalidRequest"),
        VisionRefusedError,
        "vision_refused",
        "NotSupportedVisualFeature",
    ),
    (
        "A: no approval for a feature",
        400,
        nested("UnsupportedFeature", "Feature is not supported, missing approval for one or more features"),
        VisionRefusedError,
        "vision_approval_missing",
        "missing approval",
    ),
    (
        "A without an inner error",
        400,
        {"error": {"code": "InvalidRequest", "message": "The image size is not allowed to be zero."}},
        VisionRefusedError,
        "vision_refused",
        "400 InvalidRequest: The image size",
    ),
    (
        "B: a wrong key",
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}},
        VisionUnauthorizedError,
        "vision_unauthorized",
        "VISION_KEY",
    ),
    (
        "B: a firewall",
        403,
        {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}},
        VisionUnauthorizedError,
        "vision_forbidden",
        "Firewall rules",
    ),
    (
        "B: no approval, refused by the gateway",
        403,
        nested("UnsupportedFeature", "Feature is not supported, missing approval", "InvalidRequest"),
        VisionRefusedError,
        "vision_approval_missing",
        "no approval",
    ),
    (
        "B: no such path",
        404,
        {"error": {"code": "404", "message": "Resource not found"}},
        VisionNotFoundError,
        "vision_not_found",
        "VISION_ENDPOINT",
    ),
    (
        "B': the code stands outside, the inner error has only an identifier",
        400,
        {
            "error": {
                "code": "FailedToDownloadImage",
                "innerError": {"requestId": REQUEST_ID},
                "message": "Failed to download image from input URL.",
            }
        },
        VisionRefusedError,
        "image_url_refused",
        "Failed to download image",
    ),
    (
        "C: flat",
        400,
        {"code": "InvalidImageSize", "requestId": REQUEST_ID, "message": "Image must be at least 50 pixels"},
        ImageRejectedError,
        "image_size_refused",
        "at least 50 pixels",
    ),
    (
        "D: an old gateway",
        429,
        {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 26 seconds."},
        ThrottledError,
        "vision_throttled",
        "(429: Rate limit",
    ),
    (
        "D: the month's volume is used up",
        403,
        {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 2 days."},
        ThrottledError,
        "vision_quota_exhausted",
        "volume is used up",
    ),
    (
        "E: a retired version",
        410,
        {"error": {"code": "Gone", "message": "Computer Vision 2023-02-01-preview has been deprecated."}},
        VisionNotFoundError,
        "vision_api_retired",
        "deprecated",
    ),
    (
        "F: a proxy's page",
        502,
        b"<html><h1>502 Bad Gateway</h1></html>",
        VisionUnavailableError,
        "vision_unavailable",
        "(502: no message)",
    ),
    ("F: nothing", 503, b"", VisionUnavailableError, "vision_unavailable", "503"),
    (
        "the service's own trouble",
        500,
        nested("FailedToProcess", "x"),
        VisionUnavailableError,
        "vision_unavailable",
        "",
    ),
    ("too slow", 408, b"", VisionUnavailableError, "vision_unavailable", "408"),
    ("too large for the gateway", 413, b"", PayloadTooLargeError, "image_too_large", "413"),
    ("the media type", 415, nested("UnsupportedMediaType", "No."), VisionRefusedError, "vision_refused", "415"),
    ("a redirect", 302, b"", UnexpectedAnswerError, "vision_unexpected_answer", "302"),
]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "told"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_refusal_has_its_error(status: int, body: Any, kind: type[BlobsightError], code: str, told: str) -> None:
    error = error_of(status, body)
    assert type(error) is kind
    assert error.code == code
    assert told in error.message
    assert error.request_id == REQUEST_ID


@pytest.mark.parametrize(
    "code",
    [
        "InvalidImageFormat",
        "UnsupportedImageFormat",
        "InvalidImage",
        "InvalidImageSize",
        "InvalidImageDimension",
        "NotSupportedImage",
    ],
)
def test_codes_that_blame_the_image_reject_it(code: str) -> None:
    assert isinstance(error_of(400, nested(code, "x")), ImageRejectedError)
    assert isinstance(error_of(400, {"code": code, "message": "x"}), ImageRejectedError)


@pytest.mark.parametrize(
    "code",
    ["BadArgument", "NotSupportedLanguage", "InvalidThumbnailSize", "InvalidDetails", "InvalidModel", "SomethingNew"],
)
def test_codes_that_blame_the_question_do_not_blame_the_image(code: str) -> None:
    error = error_of(400, nested(code, "x"))
    assert type(error) is VisionRefusedError
    assert not error.transient


@pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 429, 500, 502, 503, 504])
def test_what_waiting_can_help_is_transient(status: int) -> None:
    assert error_of(status).transient


@pytest.mark.parametrize("status", [400, 413, 415])
def test_what_waiting_cannot_help_is_not(status: int) -> None:
    assert not error_of(status).transient


def test_how_long_to_wait_is_taken_from_the_header_or_the_text() -> None:
    assert error_of(429, **{"Retry-After": "55"}).retry_after_seconds == 55
    assert error_of(503, **{"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}).retry_after_seconds == 30
    assert error_of(429, {"error": {"code": "429", "message": "Try again in 26 seconds."}}).retry_after_seconds == 26
    assert error_of(429).retry_after_seconds is None


def test_the_header_goes_before_the_text() -> None:
    body = {"error": {"code": "429", "message": "Please retry after 55 seconds."}}
    assert error_of(429, body, **{"Retry-After": "3"}).retry_after_seconds == 3


def test_a_used_up_volume_waits_for_the_days_it_tells() -> None:
    body = {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 2 days."}
    assert error_of(403, body).retry_after_seconds == 2 * 86_400
    body = {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 9999 days."}
    assert error_of(403, body).retry_after_seconds == 31 * 86_400
    assert error_of(403, {"message": "Out of call volume quota."}).retry_after_seconds == 3_600


def test_what_is_not_transient_has_no_time_to_wait() -> None:
    assert error_of(400, nested("InvalidImageSize", "x"), **{"Retry-After": "5"}).retry_after_seconds is None


@given(st.integers(300, 599), st.binary(max_size=200))
def test_any_bytes_are_some_error(status: int, body: bytes) -> None:
    error = error_of(status, body)
    assert isinstance(error, BlobsightError)
    assert len(error.message) < 1000


@given(
    st.integers(300, 599),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "innererror", "statusCode"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    ),
)
def test_any_json_is_some_error(status: int, body: Any) -> None:
    assert isinstance(error_of(status, body), BlobsightError)


def test_a_long_message_is_cut() -> None:
    assert len(error_of(400, {"error": {"code": "X", "message": "m" * 5000}}).message) < 500


def test_json_that_nests_without_end_is_passed_over() -> None:
    assert type(error_of(500, b"[" * 100_000)) is VisionUnavailableError
