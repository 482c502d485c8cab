"""
Requests to skills as Microsoft publishes them, replayed as they stand, and with a real image in place of the words.

Each has the page that it is from, of learn.microsoft.com or of github.com/Azure-Samples/azure-search-power-skills, as
of November 2026.
"""

import asyncio
import base64
import json
from typing import Any, NamedTuple

import pytest
from doubles.http_requests import Hub, invocation, request
from doubles.parts import Parts
from doubles.pictures import picture

from shared.images import ImageBytes
from SkillsHttp import main

JPEG = picture("JPEG", 500, 300)
ENCODED = base64.b64encode(JPEG).decode()


class Published(NamedTuple):
    """
    One request.

    Attributes:
        source: the page.
        body: the request, as it is published.
        codes: the error of each record, as it stands; None is an answer.
        words: the words that stand for an image in it.
    """

    source: str
    body: str
    codes: tuple[str | None, ...]
    words: str = ""


PUBLISHED = [
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-custom-skill-web-api: Sample input JSON structure",
        """
        {"values": [
          {"recordId": "0", "data": {"text": "Este es un contrato en Ingl\u00e9s", "language": "es",
            "phraseList": ["Este", "Ingl\u00e9s"]}},
          {"recordId": "1", "data": {"text": "Hello world", "language": "en", "phraseList": ["Hi"]}},
          {"recordId": "2", "data": {"text": "Hello world, Hi world", "language": "en", "phraseList": ["world"]}},
          {"recordId": "3", "data": {"text": "Test", "language": "es", "phraseList": []}}
        ]}
        """,
        ("image_missing",) * 4,
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-concept-image-scenarios: About normalized images,"
        " as the input image of Passing images to custom skills",
        r"""
        {"values": [{"recordId": "0", "data": {"image": {
          "data": "BASE64 ENCODED STRING OF A JPEG IMAGE",
          "width": 500,
          "height": 300,
          "originalWidth": 5000,
          "originalHeight": 3000,
          "rotationFromOriginal": 90,
          "contentOffset": 500,
          "pageNumber": 2,
          "boundingPolygon": "[[{\"x\":0.0,\"y\":0.0},{\"x\":500.0,\"y\":0.0},{\"x\":0.0,\"y\":300.0},{\"x\":500.0,\"y\":300.0}]]"
        }}}]}
        """,  # noqa: E501 (a text of JSON has no line breaks)
        ("body_not_an_image",),
        "BASE64 ENCODED STRING OF A JPEG IMAGE",
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-concept-image-scenarios: Custom image skills,"
        " /document/normalized_images/*/data",
        """{"values": [{"recordId": "0", "data": {"image": "base64String"}}]}""",
        ("not_an_image",),
        "base64String",
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-concept-image-scenarios: an image that a skill gives back",
        """{"values": [{"recordId": "0", "data": {"image": {"$type": "file", "data": "base64String"}}}]}""",
        ("not_an_image",),
        "base64String",
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-skill-image-analysis: Sample input",
        """
        {"values": [{"recordId": "1", "data": {"image": {
          "data": "BASE64 ENCODED STRING OF A JPEG IMAGE",
          "width": 500,
          "height": 300,
          "originalWidth": 5000,
          "originalHeight": 3000,
          "rotationFromOriginal": 90,
          "contentOffset": 500,
          "pageNumber": 2
        }}}]}
        """,
        ("body_not_an_image",),
        "BASE64 ENCODED STRING OF A JPEG IMAGE",
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-skill-document-extraction: Sample input",
        """{"values": [{"recordId": "1", "data": {"file_data": {"$type": "file", "data": "aGVsbG8="}}}]}""",
        ("image_missing",),
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-skill-document-extraction: Skill inputs, as the input image",
        """{"values": [{"recordId": "1", "data": {"image":
          {"$type": "file", "data": "BASE64 encoded string of the file"}}}]}""",
        ("body_not_an_image",),
        "BASE64 encoded string of the file",
    ),
    Published(
        "learn.microsoft.com/azure/search/cognitive-search-skill-document-extraction: Skill inputs, by its address",
        """{"values": [{"recordId": "1", "data": {"image": {
          "$type": "file",
          "url": "URL to download file",
          "sasToken": "OPTIONAL: SAS token for authentication if the URL provided is for a file in blob storage"
        }}}]}""",
        ("bad_url",),
    ),
    Published(
        "github.com/Azure-Samples/azure-search-power-skills, Vision/ImageAnalysisV4/README.md: Sample Input,"
        " without its comments",
        """{"values": [{"recordId": "rec1", "data": {
          "image": "/9j/4AAQSkZJRgABAQEAAAAAAAD/4...",
          "languageCode": "en"
        }}]}""",
        ("body_not_an_image",),
        "/9j/4AAQSkZJRgABAQEAAAAAAAD/4...",
    ),
    Published(
        "github.com/Azure-Samples/azure-search-power-skills, Vision/FormRecognizer/Readme.md: Sample Input",
        """{"values": [{"recordId": "record1", "data": {
          "model": "prebuilt-invoice",
          "formUrl": "https://github.com/Azure-Samples/azure-search-power-skills/raw/master/SampleData/Invoice_4.pdf",
          "formSasToken":  "?st=sasTokenThatWillBeGeneratedByCognitiveSearch"
        }}]}""",
        ("image_missing",),
    ),
    Published(
        "the same with the names of the inputs here",
        """{"values": [{"recordId": "record1", "data": {
          "url": "https://github.com/Azure-Samples/azure-search-power-skills/raw/master/SampleData/Invoice_4.pdf",
          "sasToken":  "?st=sasTokenThatWillBeGeneratedByCognitiveSearch"
        }}]}""",
        (None,),
    ),
    Published(
        "github.com/Azure-Samples/azure-search-power-skills, Tests/PowerSkillTests/HelloWorldTests, as Helpers.cs"
        " builds it: with errors and warnings, and an input that is a name here",
        """{"values": [{"recordId": "1", "data": {"name": "World"}, "errors": [], "warnings": []}]}""",
        ("image_not_found",),
    ),
]


def values(body: str, skill: str) -> list[dict[str, Any]]:
    given = request(body=body.encode(), route={"skill": skill}, headers={"Content-Type": "application/json"})
    answer = asyncio.run(main(given, invocation(), starter="the durable client's binding"))
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: list[dict[str, Any]] = json.loads(answer.get_body())["values"]
    assert [each["recordId"] for each in found] == [each["recordId"] for each in json.loads(body)["values"]]
    assert all(each.keys() == {"recordId", "data", "errors", "warnings"} for each in found)
    return found


@pytest.mark.parametrize("skill", ["describe", "analyze"])
@pytest.mark.parametrize("published", PUBLISHED, ids=lambda each: each.source)
def test_a_request_is_answered_as_it_stands(app: Parts, task_hub: Hub, published: Published, skill: str) -> None:
    for record, code in zip(values(published.body, skill), published.codes, strict=True):
        if code is None:
            assert record["errors"] is None
            assert record["data"]["caption"].startswith(skill)
        else:
            assert record["data"] == {}
            assert record["errors"][0]["message"].endswith(f"({code})")


@pytest.mark.parametrize("published", [each for each in PUBLISHED if each.words], ids=lambda each: each.source)
def test_with_a_real_image_it_is_answered(app: Parts, published: Published) -> None:
    (record,) = values(published.body.replace(published.words, ENCODED), "describe")
    assert record["errors"] is None
    assert record["data"]["caption"] == f"describe {ImageBytes(JPEG).subject}"


def test_places_of_the_published_normalized_image_are_those_of_its_original(app: Parts) -> None:
    """By the rules of the same page: turned by 90 degrees, x is y, and y is 500 - x; each side is then scaled."""
    app.vision.objects = [{"object": "cup", "confidence": 0.9, "rectangle": {"x": 100, "y": 60, "w": 50, "h": 30}}]
    published = PUBLISHED[1]
    (record,) = values(published.body.replace(published.words, ENCODED), "analyze")
    ((found,), warnings) = record["data"]["objects"], record["warnings"]
    # The sample's sides do not fit its rotation, so the two sides have scales of their own: 5000 / 300 and 3000 / 500.
    assert found["rectangle"] == {"x": 1000, "y": 2100, "w": 500, "h": 300}
    assert warnings is None
