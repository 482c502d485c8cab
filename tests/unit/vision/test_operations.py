"""The operations beside analyze: where they are asked, and what their answers are read into."""

from collections.abc import Iterator

import pytest
import responses
from doubles.clock import FakeClock

from shared.errors import BadRequestError, UnexpectedAnswerError
from shared.images import ImageBytes
from shared.vision.client import VisionClient
from shared.vision.models import Adult, Analysis, Color, DetectedObject, DomainAnalysis, ImageType, Rectangle

BASE = "https://vision.invalid/vision/v3.2"
IMAGE = ImageBytes(b"\xff\xd8\xff image")


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> VisionClient:
    return VisionClient("https://vision.invalid", "key", clock=FakeClock())


def test_tag_answers_words(service: responses.RequestsMock, client: VisionClient) -> None:
    service.post(f"{BASE}/tag", json={"tags": [{"name": "cat", "confidence": 1}]})
    assert client.tag(IMAGE, language="de").tags == (("cat", 1.0),)
    assert str(service.calls[0].request.url) == f"{BASE}/tag?language=de&model-version=latest"


def test_detect_answers_objects_with_their_places(service: responses.RequestsMock, client: VisionClient) -> None:
    found = {"rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}, "object": "cup", "confidence": 0.5}
    service.post(f"{BASE}/detect", json={"objects": [found, {"object": "nowhere"}]})
    assert client.detect(IMAGE).objects == (
        DetectedObject("cup", 0.5, Rectangle(1, 2, 3, 4)),
        DetectedObject("nowhere", None, None),
    )


def test_a_domain_is_part_of_the_path(service: responses.RequestsMock, client: VisionClient) -> None:
    body = {"result": {"landmarks": [{"name": "Space Needle", "confidence": 0.9}]}}
    service.post(f"{BASE}/models/landmarks/analyze", json=body)
    assert client.analyze_by_domain("landmarks", IMAGE).landmarks == (("Space Needle", 0.9),)


def test_celebrities_have_faces() -> None:
    face = {"left": 1, "top": 2, "width": 3, "height": 4}
    body = {"result": {"celebrities": [{"name": "A. Person", "confidence": 0.9, "faceRectangle": face}]}}
    assert DomainAnalysis.of(body).celebrities == (DetectedObject("A. Person", 0.9, Rectangle(1, 2, 3, 4)),)
    assert DomainAnalysis.of({}).celebrities == ()


def test_every_feature_of_an_analysis_is_read() -> None:
    analysis = Analysis.of(
        {
            "color": {
                "dominantColorForeground": "Black",
                "dominantColorBackground": "White",
                "dominantColors": ["Black", "White"],
                "accentColor": "0A0B0C",
                "isBWImg": False,
                "isBwImg": True,
            },
            "adult": {"isAdultContent": False, "isRacyContent": True, "adultScore": 0, "racyScore": 0.9},
            "imageType": {"clipArtType": 3, "lineDrawingType": 0},
            "brands": [{"name": "Acme", "confidence": 0.7, "rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}}],
            "faces": [{"age": None, "gender": None, "faceRectangle": {"left": 5, "top": 6, "width": 7, "height": 8}}],
        }
    )
    assert analysis.color == Color("Black", "White", ("Black", "White"), "0A0B0C", True)
    assert analysis.adult == Adult(False, True, None, 0.0, 0.9, None)
    assert analysis.image_type == ImageType(3, 0)
    assert analysis.brands == (DetectedObject("Acme", 0.7, Rectangle(1, 2, 3, 4)),)
    assert analysis.faces == (Rectangle(5, 6, 7, 8),)


def test_what_was_not_asked_for_is_empty_or_none() -> None:
    analysis = Analysis.of({})
    assert (analysis.color, analysis.adult, analysis.image_type) == (None, None, None)
    assert (analysis.objects, analysis.brands, analysis.faces) == ((), (), ())


@pytest.mark.parametrize(
    "body",
    [
        {"color": []},
        {"color": {"isBWImg": "no"}},
        {"adult": {"adultScore": "0"}},
        {"objects": [{"object": 1}]},
        {"objects": [{"object": "cup", "rectangle": {"x": 1, "y": 2, "w": 3}}]},
        {"faces": [{"faceRectangle": {"left": 1.5, "top": 0, "width": 1, "height": 1}}]},
    ],
)
def test_a_wrong_type_is_unexpected(body: dict[str, object]) -> None:
    with pytest.raises(UnexpectedAnswerError):
        Analysis.of(body)


def test_a_model_that_cannot_be_one_is_refused_before_anything_is_paid(client: VisionClient) -> None:
    with pytest.raises(BadRequestError):
        client.analyze_by_domain("../analyze", IMAGE)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://westeurope.api.cognitive.microsoft.com", "https://westeurope.api.cognitive.microsoft.com"),
        ("https://my-name.cognitiveservices.azure.com/", "https://my-name.cognitiveservices.azure.com"),
        ("https://usgovvirginia.api.cognitive.microsoft.us//", "https://usgovvirginia.api.cognitive.microsoft.us"),
        ("https://chinaeast2.api.cognitive.azure.cn", "https://chinaeast2.api.cognitive.azure.cn"),
        ("https://my-name.cognitiveservices.azure.com/vision/v3.2/", "https://my-name.cognitiveservices.azure.com"),
        ("https://my-name.cognitiveservices.azure.com//vision", "https://my-name.cognitiveservices.azure.com"),
        ("http://localhost:5000", "http://localhost:5000"),
        (" https://gateway.invalid/team//a/ ", "https://gateway.invalid/team/a"),
    ],
)
def test_an_endpoint_is_taken_however_it_was_copied(service: responses.RequestsMock, given: str, base: str) -> None:
    service.get(f"{base}/vision/v3.2/models", json={"models": []})
    assert VisionClient(given, "key", clock=FakeClock()).list_models().models == ()
