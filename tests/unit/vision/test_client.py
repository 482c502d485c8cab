"""The client on a wire that is not there: what is sent, what refusals become, what is tried again."""

import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
import responses
from doubles.clock import FakeClock
from doubles.pictures import picture

from shared.clock import Deadline
from shared.errors import (
    BadRequestError,
    BlobsightError,
    BusyError,
    ImageRejectedError,
    PayloadTooLargeError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes, ImageUrl
from shared.pace.gate import Gate
from shared.pace.turn import Turn
from shared.transport import time_budget
from shared.vision import questions
from shared.vision.client import VisionClient

ENDPOINT = "https://my-resource.cognitiveservices.azure.com"
BASE = f"{ENDPOINT}/vision/v3.2"
KEY = "0123456789abcdef-the-key"
IMAGE = ImageBytes(picture())
ANSWER = {"tags": [{"name": "sky", "confidence": 0.9}], "requestId": "id-1", "metadata": {"width": 64, "height": 64}}
JPEG = picture("JPEG", 20, 10)


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as service:
        yield service


@pytest.fixture
def client(clock: FakeClock) -> VisionClient:
    return VisionClient(ENDPOINT, KEY, clock=clock)


def answers(service: responses.RequestsMock, *replies: dict[str, Any], operation: str = "analyze") -> None:
    """What the service answers, one reply a call."""
    for reply in replies:
        service.post(f"{BASE}/{operation}", **{"headers": {"apim-request-id": "id-1"}, **reply})


def sent(service: responses.RequestsMock, number: int = 0) -> requests.PreparedRequest:
    request: requests.PreparedRequest = service.calls[number].request
    return request


OK: dict[str, Any] = {"json": ANSWER}


class ListeningGate(Gate):
    """A gate that notes in which lane every question waits."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.in_background: list[bool] = []
        self.keys: list[str] = []

    def turn(self, limit: Deadline, *, price: int, background: bool = False, key: str = "") -> Turn:
        self.in_background.append(background)
        self.keys.append(key)
        return super().turn(limit, price=price, background=background, key=key)


BUSY: dict[str, Any] = {"status": 503}


def test_bytes_are_sent_as_they_are_with_the_key_in_its_header(
    service: responses.RequestsMock, client: VisionClient
) -> None:
    answers(service, OK)
    found = client.analyze(IMAGE, ["Tags", "Color"])
    assert found.tags[0].name == "sky"
    request = sent(service)
    assert request.body == IMAGE.data
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.headers["Content-Length"] == str(len(IMAGE.data))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert request.headers["Accept"] == "application/json"
    assert dict(parse_qsl(urlsplit(str(request.url)).query)) == {
        "visualFeatures": "Tags,Color",
        "language": "en",
        "model-version": "latest",
    }


def test_an_address_is_sent_as_json(service: responses.RequestsMock, client: VisionClient) -> None:
    answers(service, OK)
    client.analyze(ImageUrl("https://example.com/ä?x=1&y=%20"))
    assert sent(service).headers["Content-Type"] == "application/json"
    assert json.loads(sent(service).body or b"") == {"url": "https://example.com/ä?x=1&y=%20"}


def test_the_query_is_escaped(service: responses.RequestsMock, client: VisionClient) -> None:
    answers(service, OK)
    client.analyze(IMAGE, ["Tags", "Color"], details=["Landmarks", "Celebrities"])
    query = urlsplit(str(sent(service).url)).query
    assert query == ("details=Celebrities%2CLandmarks&language=en&model-version=latest&visualFeatures=Tags%2CColor")


def test_each_operation_has_its_path(service: responses.RequestsMock, client: VisionClient) -> None:
    answers(service, {"json": {"description": {"captions": [{"text": "x"}]}}}, operation="describe")
    answers(service, {"body": JPEG, "content_type": "image/jpeg"}, operation="generateThumbnail")
    answers(service, {"json": {"areaOfInterest": {"x": 0, "y": 0, "w": 1, "h": 1}}}, operation="areaOfInterest")
    service.get(f"{BASE}/models", json={"models": [{"name": "landmarks", "categories": []}]})
    assert client.describe(IMAGE, max_candidates=3).captions[0].text == "x"
    thumbnail = client.generate_thumbnail(IMAGE, 20, 10, smart_cropping=True)
    assert (thumbnail.body, thumbnail.content_type, thumbnail.request_id) == (JPEG, "image/jpeg", "id-1")
    assert client.area_of_interest(IMAGE).rectangle.width == 1
    assert client.list_models().models[0].name == "landmarks"
    urls = [urlsplit(str(call.request.url)) for call in service.calls]
    assert [url.path.removeprefix("/vision/v3.2/") for url in urls] == [
        "describe",
        "generateThumbnail",
        "areaOfInterest",
        "models",
    ]
    assert "maxCandidates=3" in urls[0].query
    assert urls[1].query == "height=10&model-version=latest&smartCropping=true&width=20"
    assert sent(service, 1).headers["Accept"] == "application/octet-stream"
    assert not urls[3].query
    assert sent(service, 3).body is None


@pytest.mark.parametrize("endpoint", [ENDPOINT, f"{ENDPOINT}/"])
def test_the_endpoint_may_end_with_a_slash(service: responses.RequestsMock, endpoint: str, clock: FakeClock) -> None:
    answers(service, OK)
    VisionClient(endpoint, KEY, clock=clock).analyze(IMAGE)
    assert str(sent(service).url).startswith(f"{BASE}/analyze?")


def test_a_parameter_out_of_range_costs_no_call(service: responses.RequestsMock, client: VisionClient) -> None:
    with pytest.raises(BadRequestError):
        client.generate_thumbnail(IMAGE, 0, 10)
    assert len(service.calls) == 0


RESET = {"body": requests.ConnectionError("Connection reset by peer")}
GARBLED = {"body": '{"tags": [', "content_type": "application/json"}
SHORT = {"body": b'{"tags": []}', "headers": {"Content-Length": "5000"}, "auto_calculate_content_length": False}


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([{"status": 429, "headers": {"Retry-After": "3"}}], [3.0]),
        ([{"status": 429, "json": {"error": {"code": "429", "message": "Please retry after 7 seconds."}}}], [7.0]),
        ([{"status": 429}], [1.0]),
        ([{"status": 429, "headers": {"Retry-After": "2"}}] * 8, [2.0] * 8),
        ([BUSY, BUSY, BUSY], None),
        ([{"status": 500}, {"status": 502}, {"status": 504}], None),
        ([{"status": 408}], None),
        ([RESET], None),
        ([GARBLED], None),
        ([SHORT], None),
        ([{"body": "<html>proxy</html>"}], None),
        ([{"json": []}], None),
    ],
    ids=[
        "429 with a header",
        "429 with a text",
        "429 with nothing",
        "eight times 429",
        "three times 503",
        "500, 502, 504",
        "408",
        "a reset",
        "broken JSON",
        "a short body",
        "a page of HTML",
        "JSON that is no object",
    ],
)
def test_what_waiting_can_help_is_asked_again(
    faults: list[dict[str, Any]],
    waits: list[float] | None,
    service: responses.RequestsMock,
    client: VisionClient,
    clock: FakeClock,
) -> None:
    answers(service, *faults, OK)
    assert client.analyze(IMAGE).tags[0].name == "sky"
    assert len(service.calls) == len(faults) + 1
    assert waits is None or clock.sleeps == waits
    assert len(clock.sleeps) == len(faults)


def test_a_thumbnail_that_is_no_image_is_asked_for_again(service: responses.RequestsMock, client: VisionClient) -> None:
    answers(
        service,
        {"body": "<html>proxy</html>", "content_type": "text/html"},
        {"body": JPEG, "content_type": "image/jpeg"},
        operation="generateThumbnail",
    )
    assert client.generate_thumbnail(IMAGE, 20, 10).body == JPEG


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidImageFormat", ImageRejectedError),
        (401, "401", VisionUnauthorizedError),
        (403, "403", VisionUnauthorizedError),
        (413, "TooLarge", PayloadTooLargeError),
    ],
)
def test_what_waiting_cannot_help_is_asked_once(
    status: int,
    code: str,
    kind: type[BlobsightError],
    service: responses.RequestsMock,
    client: VisionClient,
    clock: FakeClock,
) -> None:
    answers(service, {"status": status, "json": {"error": {"code": code, "message": "No."}}})
    with pytest.raises(kind) as caught:
        client.analyze(IMAGE)
    assert caught.value.request_id == "id-1"
    assert len(service.calls) == 1
    assert clock.sleeps == []


def test_the_fourth_failure_is_told(service: responses.RequestsMock, client: VisionClient) -> None:
    answers(service, BUSY, BUSY, BUSY, BUSY)
    with pytest.raises(VisionUnavailableError):
        client.analyze(IMAGE)
    assert len(service.calls) == 4


def test_the_deadline_ends_the_retries_and_the_error_says_how_long_to_wait(
    service: responses.RequestsMock, clock: FakeClock
) -> None:
    answers(service, {"status": 429, "headers": {"Retry-After": "4", "apim-request-id": "id-9"}})
    client = VisionClient(ENDPOINT, KEY, clock=clock, timeout_seconds=10)
    with pytest.raises(ThrottledError) as caught:
        client.analyze(IMAGE)
    assert clock.sleeps == [4.0, 4.0]
    assert (caught.value.retry_after_seconds, caught.value.request_id) == (4.0, "id-9")


def test_a_wait_beyond_the_deadline_is_not_begun(service: responses.RequestsMock, clock: FakeClock) -> None:
    answers(service, {"status": 429, "headers": {"Retry-After": "60"}})
    with pytest.raises(ThrottledError):
        VisionClient(ENDPOINT, KEY, clock=clock, timeout_seconds=30).analyze(IMAGE)
    assert clock.sleeps == []


def test_the_models_may_have_a_limit_of_their_own(
    service: responses.RequestsMock, client: VisionClient, clock: FakeClock
) -> None:
    service.get(f"{BASE}/models", status=429, headers={"Retry-After": "6"})
    with pytest.raises(ThrottledError):
        client.list_models(timeout_seconds=5)
    assert clock.sleeps == []


def test_a_question_of_a_request_ends_with_it(service: responses.RequestsMock, clock: FakeClock) -> None:
    answers(service, *[{"status": 429, "headers": {"Retry-After": "1"}}] * 2)
    with time_budget.request(3, clock), pytest.raises(ThrottledError):
        VisionClient(ENDPOINT, "key", clock=clock, timeout_seconds=30).analyze(IMAGE)
    assert clock.now() <= 3


def test_nothing_is_paid_for_that_would_be_cut_off_at_the_requests_end(
    service: responses.RequestsMock, clock: FakeClock
) -> None:
    client = VisionClient(ENDPOINT, "key", clock=clock, timeout_seconds=30)
    with time_budget.request(30, clock):
        clock.advance(20)
        with pytest.raises(BusyError):
            client.tag(IMAGE)
    assert not service.calls


def test_a_redirect_is_not_followed(service: responses.RequestsMock, client: VisionClient) -> None:
    """It would carry the key to another place."""
    answers(service, {"status": 307, "headers": {"Location": "https://elsewhere.invalid/analyze"}})
    with pytest.raises(UnexpectedAnswerError, match="307"):
        client.analyze(IMAGE)
    assert {urlsplit(str(call.request.url)).hostname for call in service.calls} == {
        "my-resource.cognitiveservices.azure.com"
    }


def test_an_oversized_answer_is_refused(
    service: responses.RequestsMock, client: VisionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.transport.http.MAX_ANSWER_BYTES", 1000)
    answers(service, {"body": json.dumps({"tags": [], "padding": "x" * 1000})})
    with pytest.raises(UnexpectedAnswerError, match="more than 1000 bytes"):
        client.analyze(IMAGE)


@pytest.mark.parametrize(
    "reply",
    [OK, {"status": 401}, {"status": 429}, BUSY, RESET, GARBLED, {"status": 302}],
    ids=["ok", "401", "429", "503", "reset", "garbled", "redirect"],
)
def test_the_key_is_in_no_log_and_no_error(
    reply: dict[str, Any],
    service: responses.RequestsMock,
    client: VisionClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    answers(service, reply)
    told = ""
    try:
        client.analyze(IMAGE)
    except BlobsightError as error:
        told = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert KEY not in told
    assert KEY not in caplog.text
    assert all(KEY not in str(call.request.url) for call in service.calls)


def test_the_key_is_not_shown_with_the_client(client: VisionClient) -> None:
    assert KEY not in repr(client)


def test_an_answer_comes_with_its_media_type_and_identifier(
    service: responses.RequestsMock, client: VisionClient
) -> None:
    answers(service, {"body": json.dumps(ANSWER), "content_type": "Application/JSON; charset=utf-8"})
    answer = client.ask(questions.analyze(["Tags"]), IMAGE)
    assert (answer.content_type, answer.request_id, answer.paid) == ("application/json", "id-1", True)
    assert answer.json() == ANSWER


@pytest.mark.parametrize("status", [200, 201])
def test_any_success_is_an_answer(status: int, service: responses.RequestsMock, client: VisionClient) -> None:
    answers(service, {"json": ANSWER, "status": status})
    assert client.analyze(IMAGE).request_id == "id-1"


@pytest.mark.parametrize("background", [False, True])
def test_a_question_waits_in_the_lane_that_it_is_said_to(
    service: responses.RequestsMock, clock: FakeClock, background: bool
) -> None:
    gate = ListeningGate(clock)
    client = VisionClient(ENDPOINT, KEY, clock=clock, gate=gate)
    operation = f"{BASE}/read/analyzeResults/one"
    answers(service, OK)
    answers(service, {"status": 202, "headers": {"Operation-Location": operation}}, operation="read/analyze")
    service.get(operation, json={"status": "running"})
    client.ask(questions.analyze(["Tags"]), IMAGE, background=background)
    client.get_read_result(client.submit(questions.read(), IMAGE, background=background), background=background)
    assert gate.in_background == [background] * 3
    # The polls of one Read count as one at the gate.
    assert gate.keys == ["", "", operation]


SIGNED = "https://me:hunter2@example.invalid/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc#S3CRETPART"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 415, 418, 429, 500, 503])
@pytest.mark.parametrize(
    "quoted",
    [
        f"Image URL {SIGNED} is not accessible.",
        f"No access to {quote(SIGNED, safe='')}.",
        f"{'x' * 250} {SIGNED}",
        "The signature S3CRETSIG/abc has expired.",
        f"Could not sign in as {SIGNED.partition('://')[2].partition('@')[0]}@example.invalid",
    ],
)
@pytest.mark.parametrize("operation", ["describe", "read/analyze"])
def test_a_refusal_that_quotes_the_images_address_shows_no_key_in_it(
    client: VisionClient, service: responses.RequestsMock, status: int, quoted: str, operation: str
) -> None:
    service.assert_all_requests_are_fired = False
    for body in ({"error": {"code": quoted[:60], "message": quoted}}, {"code": "InvalidImageUrl", "message": quoted}):
        answers(service, *[{"status": status, "json": body}] * 6, operation=operation)
    question = questions.describe() if operation == "describe" else questions.read()
    pose = client.ask if operation == "describe" else client.submit
    with pytest.raises(BlobsightError) as caught:
        pose(question, ImageUrl(SIGNED))
    assert str(status) in str(caught.value)
    for secret in ("hunter2", "S3CRET", "sv=2024"):
        assert secret not in str(caught.value)
