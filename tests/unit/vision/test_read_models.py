"""Read: submitted, followed where the service says, and only there."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from doubles.clock import FakeClock

from shared.errors import (
    BadRequestError,
    UnexpectedAnswerError,
    VisionError,
    VisionNotFoundError,
    VisionUnavailableError,
)
from shared.images import ImageBytes, ImageUrl
from shared.vision import questions
from shared.vision.client import VisionClient
from shared.vision.read_models import ReadOperation, ReadResult

ENDPOINT = "https://vision.invalid"
BASE = f"{ENDPOINT}/vision/v3.2"
ID = "11111111-2222-3333-4444-555555555555"
URL = f"{BASE}/read/analyzeResults/{ID}"
IMAGE = ImageBytes(b"%PDF-1.7")
BOX = [0, 0, 10, 0, 10, 5, 0, 5]
DONE = {
    "status": "succeeded",
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastUpdatedDateTime": "2026-01-01T00:00:02Z",
    "analyzeResult": {
        "version": "3.2.0",
        "modelVersion": "2022-04-30",
        "readResults": [
            {
                "page": 1,
                "angle": -1.5,
                "width": 8.5,
                "height": 11,
                "unit": "inch",
                "lines": [
                    {
                        "boundingBox": BOX,
                        "text": "Hello world",
                        "words": [
                            {"boundingBox": BOX, "text": "Hello", "confidence": 0.9},
                            {"boundingBox": BOX, "text": "world", "confidence": 1},
                        ],
                    }
                ],
            },
            {"page": 2, "angle": 0, "width": 8.5, "height": 11, "unit": "inch", "lines": []},
        ],
    },
}


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> VisionClient:
    return VisionClient(ENDPOINT, "key", clock=FakeClock())


def accepts(service: responses.RequestsMock, location: str | None) -> None:
    headers = {"apim-request-id": ID} | ({"Operation-Location": location} if location is not None else {})
    service.post(f"{BASE}/read/analyze", status=202, headers=headers)


def test_a_read_is_accepted_with_the_address_to_ask(service: responses.RequestsMock, client: VisionClient) -> None:
    accepts(service, URL)
    operation = client.read(IMAGE, language="de", pages="1,3-5", reading_order="natural")
    assert operation == ReadOperation(URL, ID)
    assert operation.id == ID
    request = service.calls[0].request
    assert dict(parse_qsl(urlsplit(str(request.url)).query)) == {
        "language": "de",
        "pages": "1,3-5",
        "readingOrder": "natural",
        "model-version": "latest",
    }
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.body == IMAGE.data


def test_language_is_left_to_the_service_unless_it_is_given(
    service: responses.RequestsMock, client: VisionClient
) -> None:
    accepts(service, URL)
    client.read(ImageUrl("https://example.com/scan.tif"))
    request = service.calls[0].request
    assert "language" not in str(request.url)
    assert json.loads(request.body or b"") == {"url": "https://example.com/scan.tif"}


@pytest.mark.parametrize(
    "location",
    [
        f"https://elsewhere.invalid/vision/v3.2/read/analyzeResults/{ID}",
        f"http://vision.invalid/vision/v3.2/read/analyzeResults/{ID}",
        f"https://vision.invalid:8443/vision/v3.2/read/analyzeResults/{ID}",
        f"https://key@vision.invalid/vision/v3.2/read/analyzeResults/{ID}",
        "/vision/v3.2/read/analyzeResults/1",
        "https://vision.invalid.elsewhere.invalid/x",
        "https://[",
        "",
        None,
    ],
)
def test_the_key_never_follows_an_address_elsewhere_and_the_read_is_not_paid_twice(
    service: responses.RequestsMock, client: VisionClient, location: str | None
) -> None:
    accepts(service, location)
    with pytest.raises(VisionError) as caught:
        client.read(IMAGE)
    assert caught.value.code == "operation_elsewhere"
    assert caught.value.request_id == ID
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    "location",
    [
        URL,
        f"https://vision.invalid:443/vision/v3.2/read/operations/{ID}",
        f"HTTPS://VISION.invalid/vision/v3.2/read/operations/{ID}",
    ],
)
def test_the_address_is_followed_as_the_service_gave_it(
    service: responses.RequestsMock, client: VisionClient, location: str
) -> None:
    """The Read container names another path than the cloud."""
    accepts(service, location)
    service.get(location, json=DONE)
    assert client.get_read_result(client.read(IMAGE)).status == "succeeded"


def test_a_container_on_plain_http_is_an_endpoint_like_any_other(service: responses.RequestsMock) -> None:
    location = f"http://localhost:5000/vision/v3.2/read/operations/{ID}"
    service.post("http://localhost:5000/vision/v3.2/read/analyze", status=202, headers={"operation-location": location})
    service.get(location, json={"status": "Failed"})
    container = VisionClient("http://localhost:5000/", "unused", clock=FakeClock())
    assert container.get_read_result(container.read(IMAGE)).status == "failed"


def test_an_id_alone_is_enough_to_ask(service: responses.RequestsMock, client: VisionClient) -> None:
    service.get(URL, json=DONE)
    result = client.get_read_result(ID)
    assert result.text == "Hello world\n\n"
    assert (result.created, result.updated) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z")
    assert result.model_version == "2022-04-30"
    [first, second] = result.pages
    assert (first.number, first.unit, first.angle, first.width) == (1, "inch", -1.5, 8.5)
    assert [(word.text, word.confidence) for word in first.lines[0].words] == [("Hello", 0.9), ("world", 1.0)]
    assert first.lines[0].box == tuple(BOX)
    assert second.lines == ()


def test_an_address_on_another_host_is_never_asked(client: VisionClient) -> None:
    with pytest.raises(BadRequestError):
        client.get_read_result(f"https://elsewhere.invalid/vision/v3.2/read/analyzeResults/{ID}")


def test_an_unknown_id_is_asked_for_once(service: responses.RequestsMock, client: VisionClient) -> None:
    service.get(URL, status=404, json={"error": {"code": "NotFound", "message": "Resource not found"}})
    with pytest.raises(VisionNotFoundError):
        client.get_read_result(ID)
    assert len(service.calls) == 1


@pytest.mark.parametrize("status", ["notStarted", "running", "failed"])
def test_what_is_not_done_has_no_pages(status: str) -> None:
    result = ReadResult.of({"status": status})
    assert (result.status, result.pages, result.text) == (status, (), "")


def test_both_spellings_of_the_model_version_are_read() -> None:
    old = {"status": "succeeded", "analyzeResult": {"model-version": "2021-04-12", "readResults": []}}
    assert ReadResult.of(old).model_version == "2021-04-12"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "done"},
        {"status": 1},
        {"status": "succeeded", "analyzeResult": []},
        {"status": "succeeded", "analyzeResult": {"readResults": [{"page": "1"}]}},
        {"status": "succeeded", "analyzeResult": {"readResults": [{"page": 1, "lines": [{"text": 1}]}]}},
        {
            "status": "succeeded",
            "analyzeResult": {"readResults": [{"page": 1, "lines": [{"text": "x", "boundingBox": [1, 2, 3]}]}]},
        },
        {
            "status": "succeeded",
            "analyzeResult": {"readResults": [{"page": 1, "lines": [{"text": "x", "boundingBox": ["1"] * 8}]}]},
        },
        {
            "status": "succeeded",
            "analyzeResult": {"readResults": [{"page": 1, "lines": [{"text": "x", "boundingBox": [10**400] * 8}]}]},
        },
    ],
)
def test_what_cannot_be_read_is_unexpected(body: dict[str, object]) -> None:
    with pytest.raises(UnexpectedAnswerError):
        ReadResult.of(body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "english"},
        {"language": "e"},
        {"pages": "a"},
        {"pages": "1,,2"},
        {"pages": "1-2-3"},
        {"reading_order": "columns"},
        {"model_version": "newest"},
    ],
)
def test_parameters_out_of_range_are_refused_before_anything_is_paid(wrong: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        questions.read(**wrong)


@pytest.mark.parametrize("pages", ["1", "1,3", "1-3", "8-", "-2", "1,3-5,8-,-2"])
def test_every_form_of_pages_is_taken(pages: str) -> None:
    assert dict(questions.read(pages=pages).parameters)["pages"] == pages


def test_polls_of_one_read_that_always_fails_make_no_other_question_wait(service: responses.RequestsMock) -> None:
    clock = FakeClock()
    client = VisionClient(ENDPOINT, "key", clock=clock)
    service.get(URL, status=500)
    service.get(f"{BASE}/models", json={"models": []})
    for _ in range(9):
        with pytest.raises(VisionUnavailableError):
            client.get_read_result(URL, timeout_seconds=10.0)
        before = clock.now()
        client.list_models()
        assert clock.now() == before
    for _ in range(9):
        with pytest.raises(VisionUnavailableError):
            client.get_read_result(URL, timeout_seconds=10.0)
    before = clock.now()
    client.list_models()
    assert clock.now() == before


ANOTHER = f"{BASE}/read/analyzeResults/00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        ({"status": 404}, True),
        ({"status": 400}, True),
        ({"json": {"status": "running"}}, True),
        ({"body": "<html>Maintenance</html>"}, False),
        ({"status": 401}, False),
        ({"status": 429, "headers": {"Retry-After": "60"}}, False),
        ({"status": 500}, False),
        ({"body": ConnectionError("cut")}, False),
    ],
)
def test_whether_the_service_tells_of_reads_is_asked_of_one_that_never_was(
    service: responses.RequestsMock, client: VisionClient, answer: dict[str, Any], tells: bool
) -> None:
    service.get(ANOTHER, **answer)
    assert client.tells_of_reads(URL, timeout_seconds=10.0) is tells
