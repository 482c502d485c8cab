"""What each skill answers: fixed members, whatever Computer Vision left out."""

from typing import Any

import pytest

from shared.contract import FEATURES
from shared.skills import outputs
from shared.vision.questions import DETAILS

FACE = {"faceRectangle": {"left": 1, "top": 2, "width": 3, "height": 4}}
BRAND = {"name": "Contoso", "confidence": 0.7, "rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}}
FULL: dict[str, Any] = {
    "categories": [
        {
            "name": "people_",
            "score": 0.5,
            "detail": {"celebrities": [{"name": "A", "confidence": 0.9, **FACE}, {"name": "A", "confidence": 0.1}]},
        },
        {"name": "building_", "score": 0.4, "detail": {"landmarks": [{"name": "L", "confidence": 0.8}]}},
    ],
    "adult": {"isAdultContent": False, "isRacyContent": True, "isGoryContent": False, "racyScore": 0.6},
    "tags": [{"name": "cup", "confidence": 0.9}],
    "description": {
        "tags": ["cup", "table"],
        "captions": [{"text": "a cup", "confidence": 0.5}, {"text": "a mug", "confidence": 0.25}],
    },
    "faces": [FACE],
    "objects": [{"object": "cup", "confidence": 0.9, "rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}}],
    "imageType": {"clipArtType": 1, "lineDrawingType": 0},
    "color": {"dominantColorForeground": "Red", "dominantColors": ["Red"], "accentColor": "AA0000", "isBwImg": False},
    "brands": [BRAND],
}
PLACE = {"x": 1, "y": 2, "w": 3, "h": 4}
ALWAYS = {"caption", "confidence", "tags", "objects"}
MEMBERS = {
    "Categories": "categories",
    "Adult": "adult",
    "Faces": "faces",
    "ImageType": "imageType",
    "Color": "color",
    "Brands": "brands",
}


def test_describe_tells_all_captions_and_the_tags() -> None:
    assert outputs.described(FULL) == {
        "caption": "a cup",
        "confidence": 0.5,
        "captions": [{"text": "a cup", "confidence": 0.5}, {"text": "a mug", "confidence": 0.25}],
        "tags": ["cup", "table"],
    }


def test_analyze_tells_everything_that_is_asked_for() -> None:
    assert outputs.analyzed(FULL, FEATURES, DETAILS) == {
        "caption": "a cup",
        "confidence": 0.5,
        "tags": ["cup"],
        "objects": [{"object": "cup", "confidence": 0.9, "rectangle": PLACE}],
        "categories": [{"name": "people_", "score": 0.5}, {"name": "building_", "score": 0.4}],
        "adult": {
            "isAdultContent": False,
            "isRacyContent": True,
            "isGoryContent": False,
            "adultScore": 0.0,
            "racyScore": 0.6,
            "goreScore": 0.0,
        },
        "faces": [PLACE],
        "imageType": {"clipArtType": 1, "lineDrawingType": 0},
        "color": {
            "dominantColorForeground": "Red",
            "dominantColorBackground": "",
            "dominantColors": ["Red"],
            "accentColor": "AA0000",
            "isBWImg": False,
        },
        "brands": [{"name": "Contoso", "confidence": 0.7, "rectangle": PLACE}],
        "celebrities": [{"name": "A", "confidence": 0.9}],
        "landmarks": [{"name": "L", "confidence": 0.8}],
    }


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_has_its_member_and_no_other(feature: str) -> None:
    found = outputs.analyzed(FULL, [feature], []).keys()
    assert found == {*ALWAYS, *([MEMBERS[feature]] if feature in MEMBERS else [])}


def test_what_computer_vision_leaves_out_is_empty() -> None:
    full, empty = outputs.analyzed(FULL, FEATURES, DETAILS), outputs.analyzed({}, FEATURES, DETAILS)
    assert {name: type(value) for name, value in empty.items()} == {name: type(value) for name, value in full.items()}
    assert (empty["caption"], empty["confidence"], empty["tags"]) == ("", 0.0, [])
    assert outputs.described({}) == {"caption": "", "confidence": 0.0, "captions": [], "tags": []}


def test_the_tags_of_the_description_serve_where_no_others_were_asked_for() -> None:
    assert outputs.analyzed({**FULL, "tags": []}, ["Description"], [])["tags"] == ["cup", "table"]


def page(number: int, **members: Any) -> dict[str, Any]:
    box = [1, 2, 3, 2, 3, 4, 1, 4]
    return {"page": number, "unit": "inch", "lines": [{"text": f"line {number}", "boundingBox": box}], **members}


def test_read_tells_every_line_with_its_page() -> None:
    stored = {"text": "a\n", "request": {}, "analyzeResult": {"readResults": [page(1), page(3)]}}
    found = outputs.read(stored)
    assert found["text"] == "a\n"
    assert [(each["text"], each["page"]) for each in found["lines"]] == [("line 1", 1), ("line 3", 3)]
    assert found["lines"][0]["boundingBox"] == [1, 2, 3, 2, 3, 4, 1, 4]
    assert "language" not in found


@pytest.mark.parametrize(
    ("request_", "members", "language"),
    [({"language": "de"}, {}, "de"), ({}, {"language": "fr"}, "fr"), ({"language": "de"}, {"language": "fr"}, "fr")],
)
def test_read_tells_the_language_that_is_known(request_: Any, members: Any, language: str) -> None:
    stored = {"text": "", "request": request_, "analyzeResult": {"readResults": [page(1, **members)]}}
    assert outputs.read(stored)["language"] == language
