"""
What any service of Computer Vision v3.2 does, Azure's as well as the local one: shapes, headers, limits, refusals.

Only what its swagger, its documentation or captured answers say; never what is seen in a picture.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from doubles.contract_shapes import (
    Json,
    analysis_shape,
    domain_shape,
    gateway_error_shape,
    problems,
    read_error_shape,
    read_shape,
    service_error_shape,
    shape_of,
)
from doubles.documents import text_pdf
from doubles.patience import wait_until
from doubles.vision_calls import ALL_FEATURES, Caller, encoded, inner_code, opened, picture, sample
from doubles.vision_services import ServiceUnderContract
from doubles.witness import covered
from PIL import Image, ImageDraw, ImageFont

FEATURES = ALL_FEATURES.split(",")
QUESTIONS: dict[str, tuple[str, Json]] = {
    "analyze": (f"visualFeatures={ALL_FEATURES}&details=Landmarks", analysis_shape(FEATURES)),
    "describe": ("maxCandidates=3", shape_of("ImageDescription")),
    "detect": ("", shape_of("DetectResult")),
    "tag": ("", shape_of("TagResult")),
    "areaOfInterest": ("", shape_of("AreaOfInterestResult")),
    "models/landmarks/analyze": ("", domain_shape("landmarks")),
}

OPERATIONS = "read/analyzeResults/"
UNFINISHED = ("notStarted", "running")
STATUSES = (*UNFINISHED, "succeeded", "failed")


def page(text: str) -> bytes:
    """Return a picture of one line of text."""
    image = Image.new("RGB", (320, 90), "white")
    ImageDraw.Draw(image).text((20, 25), text, fill="black", font=ImageFont.load_default(32))
    return encoded(image, "PNG")


PAGE = page("Harbour tours")


class Pieces:
    """Bytes that go out in chunks, with no length known before, as often as they are asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        return (self._data[start : start + 8192] for start in range(0, len(self._data), 8192))


@pytest.fixture(autouse=True)
def _counted(service: ServiceUnderContract) -> None:
    covered(f"contract of v3.2, {service.name}", "cases")


def ok(answer: requests.Response, shape: Json) -> Any:
    """Assert status 200 and the shape; return the JSON."""
    assert answer.status_code == 200, answer.text
    assert problems(answer.content, shape) == []
    return answer.json()


@pytest.mark.parametrize("operation", QUESTIONS)
def test_bytes_are_answered_in_the_shape_of_the_operation(service: ServiceUnderContract, operation: str) -> None:
    query, shape = QUESTIONS[operation]
    answer = ok(service.caller.post(operation, sample("astronaut"), query=query), shape)

    assert answer["metadata"] == {"width": 512, "height": 512, "format": "Jpeg"}


@pytest.mark.parametrize("operation", QUESTIONS)
def test_a_url_is_answered_in_the_same_shape(service: ServiceUnderContract, operation: str) -> None:
    shape = analysis_shape(["Categories"]) if operation == "analyze" else QUESTIONS[operation][1]

    assert ok(service.caller.post_url(operation, service.image_url), shape)["metadata"]["format"] == "Jpeg"


def test_a_body_in_chunks_is_answered_in_the_same_shape(service: ServiceUnderContract) -> None:
    answer = service.caller.post("tag", Pieces(sample("coffee")))

    assert ok(answer, shape_of("TagResult"))["metadata"]["width"] == opened(sample("coffee")).width


def test_a_multipart_body_is_answered_in_the_same_shape(service: ServiceUnderContract) -> None:
    files = {"file": ("coffee.jpg", sample("coffee"), "image/jpeg")}

    ok(service.caller.post("tag", content_type="", files=files), shape_of("TagResult"))


@pytest.mark.parametrize("features", [[], ["Tags"], ["Color", "ImageType"], ["Adult", "Objects", "Brands", "Faces"]])
def test_an_analysis_has_the_features_asked_for_and_no_other(
    service: ServiceUnderContract, features: list[str]
) -> None:
    answer = service.caller.post("analyze", sample("chelsea"), query=f"visualFeatures={'%2C'.join(features)}")

    ok(answer, analysis_shape(features or ["Categories"]))


def test_details_are_those_asked_for(service: ServiceUnderContract) -> None:
    query = "visualFeatures=Categories&details=Landmarks"
    answer = ok(service.caller.post("analyze", sample("rocket"), query=query), analysis_shape(["Categories"]))

    assert {name for category in answer["categories"] for name in category.get("detail", {})} <= {"landmarks"}


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_captions_come_than_asked_for_the_surest_first(service: ServiceUnderContract, most: int) -> None:
    answer = service.caller.post("describe", sample("astronaut"), query=f"maxCandidates={most}")
    captions = ok(answer, shape_of("ImageDescription"))["description"]["captions"]

    assert len(captions) <= most
    assert captions == sorted(captions, key=lambda caption: caption["confidence"], reverse=True)


def test_the_area_of_interest_lies_in_the_picture(service: ServiceUnderContract) -> None:
    answer = service.caller.post("areaOfInterest", sample("rocket"))
    box = ok(answer, shape_of("AreaOfInterestResult"))["areaOfInterest"]
    image = opened(sample("rocket"))

    assert box["w"] > 0
    assert box["h"] > 0
    assert 0 <= box["x"] <= box["x"] + box["w"] <= image.width
    assert 0 <= box["y"] <= box["y"] + box["h"] <= image.height


def test_the_models_are_celebrities_and_landmarks(service: ServiceUnderContract) -> None:
    answer = ok(service.caller.get("models"), shape_of("ListModelsResult"))

    assert {"celebrities", "landmarks"} <= {model["name"] for model in answer["models"]}


@pytest.mark.parametrize(("width", "height", "smart"), [(64, 64, "false"), (200, 100, "true"), (50, 300, "true")])
def test_a_thumbnail_is_a_jpeg_of_the_size_asked_for(
    service: ServiceUnderContract, width: int, height: int, smart: str
) -> None:
    query = f"width={width}&height={height}&smartCropping={smart}"
    answer = service.caller.post("generateThumbnail", sample("astronaut"), query=query)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    thumbnail = opened(answer.content)
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (width, height))


def test_a_thumbnail_of_a_url_is_made_too(service: ServiceUnderContract) -> None:
    body = b'{"url": "%s"}' % service.image_url.encode()
    answer = service.caller.post("generateThumbnail", body, query="width=64&height=64", content_type="application/json")

    assert opened(answer.content).size == (64, 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_every_format_of_the_contract_is_taken(service: ServiceUnderContract, kind: str) -> None:
    ok(service.caller.post("tag", picture(kind=kind)), shape_of("TagResult"))


def test_the_model_version_asked_for_is_named(service: ServiceUnderContract) -> None:
    answer = service.caller.post("analyze", sample("coffee"), query="model-version=2021-04-01")

    assert ok(answer, analysis_shape(["Categories"]))["modelVersion"] == "2021-04-01"


def test_every_answer_carries_its_id_its_cost_and_the_security_headers(service: ServiceUnderContract) -> None:
    answer = service.caller.post("tag", sample("coffee"))

    assert ok(answer, shape_of("TagResult"))["requestId"] == answer.headers["apim-request-id"]
    assert set(answer.headers["CSP-Billing-Usage"].split(",")) == {
        "CognitiveServices.ComputerVision.Tags=1",
        "CognitiveServices.ComputerVision.Transaction=1",
    }
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert answer.headers["x-envoy-upstream-service-time"].isdigit()


def refused(answer: requests.Response, inner: str, status: int = 400) -> None:
    """Assert a refusal by the service with this specific code."""
    assert answer.status_code == status, answer.text
    assert problems(answer.content, service_error_shape()) == []
    assert inner_code(answer) == inner
    assert answer.headers["apim-request-id"]


@pytest.mark.parametrize(
    ("operation", "query", "inner"),
    [
        ("analyze", "visualFeatures=Smell", "NotSupportedVisualFeature"),
        ("analyze", "visualFeatures=Categories&details=Buildings", "InvalidDetails"),
        ("tag", "language=tlh", "NotSupportedLanguage"),
        ("describe", "language=tlh", "NotSupportedLanguage"),
        ("generateThumbnail", "width=0&height=100", "InvalidThumbnailSize"),
        ("generateThumbnail", "width=100&height=1025", "InvalidThumbnailSize"),
        ("models/animals/analyze", "", "InvalidModel"),
    ],
)
def test_a_parameter_out_of_range_is_refused(
    service: ServiceUnderContract, operation: str, query: str, inner: str
) -> None:
    refused(service.caller.post(operation, sample("coffee"), query=query), inner)


@pytest.mark.parametrize(
    ("data", "inner"),
    [
        pytest.param(b"this is no image, though it is long enough to be one" * 9, "InvalidImageFormat", id="text"),
        pytest.param(encoded(Image.new("RGB", (60, 49))), "InvalidImageSize", id="49-pixels-high"),
        pytest.param(encoded(Image.new("RGB", (49, 60))), "InvalidImageSize", id="49-pixels-wide"),
        pytest.param(b"", "InvalidImageSize", id="nothing"),
        pytest.param(sample("coffee").ljust(4 * 1024 * 1024, b"\0"), "InvalidImageSize", id="4-MB"),
    ],
)
def test_bytes_that_are_no_fit_image_are_refused(service: ServiceUnderContract, data: bytes, inner: str) -> None:
    refused(service.caller.post("analyze", data), inner)


def test_fifty_pixels_are_enough(service: ServiceUnderContract) -> None:
    ok(service.caller.post("tag", encoded(Image.new("RGB", (50, 50), "teal"))), shape_of("TagResult"))


@pytest.mark.parametrize("url", ["https://invalidurl", "no address"])
def test_a_url_that_leads_nowhere_is_refused(service: ServiceUnderContract, url: str) -> None:
    refused(service.caller.post_url("analyze", url), "InvalidImageUrl")


def test_another_media_type_is_refused(service: ServiceUnderContract) -> None:
    answer = service.caller.post("analyze", sample("coffee"), content_type="image/jpeg")

    refused(answer, "UnsupportedMediaType", status=415)


@pytest.mark.parametrize("operation", ["analyze", "generateThumbnail"])
def test_a_wrong_key_is_refused_by_the_gateway(service: ServiceUnderContract, operation: str) -> None:
    answer = service.stranger.post(operation, sample("coffee"), query="width=64&height=64")

    assert answer.status_code == 401
    assert problems(answer.content, gateway_error_shape(401)) == []
    assert answer.headers["apim-request-id"]


def test_an_unknown_path_is_not_found(service: ServiceUnderContract) -> None:
    answer = service.caller.post("nonsense", sample("coffee"))

    assert answer.status_code == 404
    assert problems(answer.content, gateway_error_shape(404)) == []


def test_a_wrong_key_is_refused_by_the_gateway_of_read_too(service: ServiceUnderContract) -> None:
    for answer in (service.stranger.post("read/analyze", PAGE), service.stranger.get(f"{OPERATIONS}{uuid.uuid4()}")):
        assert answer.status_code == 401
        assert problems(answer.content, gateway_error_shape(401)) == []


def submitted(answer: requests.Response, caller: Caller) -> str:
    """Assert that Read took a document; return the path of its operation below /vision/v3.2/."""
    assert (answer.status_code, answer.content) == (202, b""), answer.text
    base = f"{caller.url}/vision/v3.2/"
    location = answer.headers["Operation-Location"]
    assert location == f"{base}{OPERATIONS}{answer.headers['apim-request-id']}"
    return location.removeprefix(base)


def finished(service: ServiceUnderContract, path: str) -> Any:
    """Ask for an operation until it has come to its end, each answer in its shape; return what it read."""
    reports: list[Any] = []

    def is_finished() -> bool:
        answer = service.caller.get(path)
        assert answer.status_code == 200, answer.text
        reports.append(answer.json())
        assert problems(answer.content, read_shape(reports[-1]["status"])) == []
        return reports[-1]["status"] not in UNFINISHED

    wait_until(is_finished, seconds=100, poll_seconds=service.poll_seconds)
    statuses = [report["status"] for report in reports]
    # What has begun does not go back to waiting.
    assert statuses == sorted(statuses, key=STATUSES.index)
    assert statuses[-1] == "succeeded"
    return reports[-1]["analyzeResult"]["readResults"]


def test_an_image_is_read_in_the_background(service: ServiceUnderContract) -> None:
    [page] = finished(service, submitted(service.caller.post("read/analyze", PAGE), service.caller))

    assert (page["page"], page["unit"], page["width"], page["height"]) == (1, "pixel", *opened(PAGE).size)
    assert -180 < page["angle"] <= 180


def test_an_image_at_a_url_is_read_too(service: ServiceUnderContract) -> None:
    [page] = finished(service, submitted(service.caller.post_url("read/analyze", service.image_url), service.caller))

    assert page["unit"] == "pixel"


def test_a_document_in_chunks_is_read_too_and_a_pdf_in_inches(service: ServiceUnderContract) -> None:
    [page] = finished(
        service, submitted(service.caller.post("read/analyze", Pieces(text_pdf("Hello"))), service.caller)
    )

    assert (page["unit"], page["width"], page["height"]) == ("inch", 8.5, 11)
    assert [line["text"] for line in page["lines"]] == ["Hello"]


def test_only_the_pages_asked_for_are_read(service: ServiceUnderContract) -> None:
    file = encoded(opened(PAGE), "TIFF", save_all=True, append_images=[opened(PAGE)])
    answer = service.caller.post("read/analyze", file, query="pages=2")

    assert [page["page"] for page in finished(service, submitted(answer, service.caller))] == [2]


@pytest.mark.parametrize("identifier", [str(uuid.UUID(int=0)), "nonsense"])
def test_an_unknown_operation_of_read_is_an_error_that_is_final(service: ServiceUnderContract, identifier: str) -> None:
    answer = service.caller.get(OPERATIONS + identifier)

    # Which of the two, and in which shape, is documented nowhere.
    assert answer.status_code in (400, 404)
    assert {"error", "code"} & answer.json().keys()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("pages=one", "InvalidPageRange"),
        ("readingOrder=random", "InvalidReadingOrder"),
        ("language=tlh", "NotSupportedLanguage"),
    ],
)
def test_a_parameter_of_read_out_of_range_is_refused(service: ServiceUnderContract, query: str, code: str) -> None:
    refused_by_read(service.caller.post("read/analyze", PAGE, query=query), code)


def test_a_document_of_another_kind_is_refused_by_read(service: ServiceUnderContract) -> None:
    refused_by_read(service.caller.post("read/analyze", b"this is no document" * 30))
    refused_by_read(service.caller.post("read/analyze", picture(kind="GIF")))


def refused_by_read(answer: requests.Response, code: str | None = None) -> None:
    """Assert a refusal by Read, with this code where the documentation settles one."""
    assert answer.status_code == 400, answer.text
    assert problems(answer.content, read_error_shape()) == []
    content = answer.json()
    assert code is None or content.get("error", content)["code"] == code
    assert answer.headers["apim-request-id"]
