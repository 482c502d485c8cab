"""What holds for every function that takes an image: AnalyzeHttp, DescribeHttp, ThumbnailHttp."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import azure.functions as func
import pytest
import responses
from doubles.http_requests import answered, problem_of, request
from doubles.parts import ENVIRONMENT, Parts, asking
from doubles.pictures import picture
from doubles.tiffs import Page, tiff

import AnalyzeHttp
import DescribeHttp
import ThumbnailHttp
from shared import names, services
from shared.errors import StorageError, ThrottledError, VisionUnavailableError
from shared.vision.client import VisionClient

RED = picture(colour=(200, 0, 0))


class Taker(NamedTuple):
    """A function that takes an image, and the parameters it cannot do without."""

    main: Callable[[func.HttpRequest], func.HttpResponse]
    params: Mapping[str, str]
    operation: str

    def post(self, body: bytes | Mapping[str, Any] = RED, **params: str) -> func.HttpResponse:
        return answered(self.main, request("POST", body, params={**self.params, **params}))


TAKERS = [
    Taker(AnalyzeHttp.main, {}, "analyze"),
    Taker(DescribeHttp.main, {}, "describe"),
    Taker(ThumbnailHttp.main, {"width": "100", "height": "50", "mode": "vision"}, "generateThumbnail"),
]


@pytest.fixture(params=TAKERS, ids=lambda taker: taker.operation)
def taker(request: pytest.FixtureRequest) -> Taker:
    found: Taker = request.param
    return found


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_each_kind_of_image_is_taken(app: Parts, taker: Taker, kind: str) -> None:
    assert taker.post(picture(kind)).status_code == 200


def test_the_same_image_is_paid_once_however_it_comes(app: Parts, taker: Taker) -> None:
    app.images.write(names.IMAGES, "a b.jpg", RED, content_type="image/jpeg")
    bodies: list[bytes | dict[str, str]] = [RED, {"blob": "a b.jpg"}, RED]
    answers = [taker.post(body) for body in bodies]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.get_body() for answer in answers}) == 1
    assert app.vision.count() == {taker.operation: 1}


def test_an_address_is_left_to_the_service(app: Parts, taker: Taker) -> None:
    assert taker.post({"url": "https://example.com/a.jpg"}).status_code == 200
    assert app.vision.count() == {taker.operation: 1}


REFUSED: list[tuple[bytes | dict[str, Any], int, str, str]] = [
    (b"", 400, "image_missing", "0 bytes"),
    (b"this is holiday.jpg", 400, "not_an_image", "no image"),
    (picture("JPEG", 49, 49), 400, "image_too_small", "49x49"),
    (picture("PNG", 50, 49), 400, "image_too_small", "50x49"),
    (RED.ljust(100 * 1024 * 1024 + 1, b"\0"), 413, "image_too_large", "104857601"),
    (tiff(Page(60, 60), Page(60, 60)), 400, "format_not_supported", "TIFF has more than one page"),
    (RED[:12], 400, "image_unreadable", "JPEG"),
    ({"blob": "../cache/answer.json"}, 400, "bad_blob_name", "'..'"),
    ({"blob": "a/../../b.jpg"}, 400, "bad_blob_name", "'..'"),
    ({"blob": "missing.jpg"}, 404, "image_not_found", "missing.jpg"),
    ({"url": "file:///etc/passwd"}, 400, "bad_url", "http(s)"),
    ({"image": "x"}, 400, "bad_json", "has image;"),
]


@pytest.mark.parametrize(("body", "status", "code", "told"), REFUSED, ids=[f"{c}-{t}" for _, _, c, t in REFUSED])
def test_what_cannot_be_done_is_told_without_a_call(
    app: Parts, taker: Taker, body: bytes | dict[str, Any], status: int, code: str, told: str
) -> None:
    document = problem_of(taker.post(body), status, code)
    assert told in document["detail"]
    assert app.vision.asked == []


def test_a_parameter_nobody_reads_is_refused(app: Parts, taker: Taker) -> None:
    document = problem_of(taker.post(RED, langauge="en"), 400, "bad_parameter")
    assert "langauge" in document["detail"]
    assert app.vision.asked == []


def test_the_hosts_key_may_come_as_a_parameter(app: Parts, taker: Taker) -> None:
    assert taker.post(RED, code="function-key").status_code == 200


def test_a_wrong_key_is_told_with_the_settings_name(app: Parts, taker: Taker) -> None:
    vision = VisionClient(ENVIRONMENT["VISION_ENDPOINT"], "the-wrong-secret", clock=app.clock)
    wired = asking(app.services, vision)
    refusal = {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}
    with responses.RequestsMock() as service, services.replaced(wired):
        service.post(
            f"https://vision.invalid/vision/v3.2/{taker.operation}",
            status=401,
            json=refusal,
            headers={"apim-request-id": "id-1"},
        )
        document = problem_of(taker.post(), 502, "vision_unauthorized")
    assert "VISION_KEY" in document["detail"]
    assert "VISION_KEY" in document["action"]
    assert document["visionRequestId"] == "id-1"


def test_a_service_that_is_down_is_503_with_its_time_to_come_back(app: Parts, taker: Taker) -> None:
    app.vision.failing = VisionUnavailableError("down", retry_after_seconds=12.5)
    response = taker.post()
    assert problem_of(response, 503, "vision_unavailable")["retryAfterSeconds"] == 12.5
    assert response.headers["Retry-After"] == "13"


def test_a_service_that_is_down_and_says_no_time_is_503_without_one(app: Parts, taker: Taker) -> None:
    app.vision.failing = VisionUnavailableError("down")
    response = taker.post()
    problem_of(response, 503, "vision_unavailable")
    assert "Retry-After" not in response.headers


def test_throttling_is_429_with_its_time_to_come_back(app: Parts, taker: Taker) -> None:
    app.vision.failing = ThrottledError("slow", retry_after_seconds=55)
    response = taker.post()
    problem_of(response, 429, "vision_throttled")
    assert response.headers["Retry-After"] == "55"


def test_storage_that_is_down_is_503(app: Parts, taker: Taker) -> None:
    def refuse(operation: str, container: str, name: str) -> None:
        raise StorageError("no answer")

    app.host.before = refuse
    problem_of(taker.post(), 503, "storage_unavailable")


def test_a_mistake_of_the_app_shows_nothing_of_the_inside(app: Parts, taker: Taker) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the secret of the inside")

    app.vision.at_call = crash
    problem_of(taker.post(), 500, "internal_error")


def test_wrong_settings_are_told_by_name_and_without_values(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)
    for name, value in {**ENVIRONMENT, "VISION_RATE": "fast", "ImagesStorage": "a-secret"}.items():
        monkeypatch.setenv(name, value)
    document = problem_of(taker.post(), 500, "settings_invalid")
    assert "; ".join(document["problems"]) == document["detail"]
    assert "VISION_RATE" in document["detail"]
    assert "ImagesStorage" in document["detail"]


def test_every_answer_carries_the_callers_correlation_id(app: Parts, taker: Taker) -> None:
    sent = request("POST", RED, params=taker.params, headers={"X-Correlation-Id": "abc-1"})
    assert answered(taker.main, sent).headers["X-Correlation-Id"] == "abc-1"
