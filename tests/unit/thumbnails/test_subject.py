"""Where the subject of a picture is, by its analysis or its area of interest."""

import json
from typing import Any

import pytest

from shared.pictures.crops import Box, Subject
from shared.pictures.inspection import ImageHeader
from shared.thumbnails import subject

HEADER = ImageHeader("JPEG", "image/jpeg", 400, 200)
TURNED = HEADER._replace(width=200, height=400, orientation=6)
CUP = {"rectangle": {"x": 40, "y": 20, "w": 100, "h": 50}, "object": "cup", "confidence": 0.9}
FACE = {"faceRectangle": {"left": 10, "top": 20, "width": 30, "height": 40}, "age": 30}


def analysis(*objects: Any, faces: Any = ()) -> dict[str, Any]:
    return {"objects": list(objects), "faces": list(faces), "metadata": {"width": 400, "height": 200}}


def record(result: Any, **more: Any) -> bytes:
    return json.dumps({"result": result, **more}).encode()


def test_objects_and_faces_are_the_subject() -> None:
    found = subject.of_analysis(analysis(CUP, faces=[FACE]), HEADER)
    assert found == Subject((Box(40, 20, 100, 50),), (Box(10, 20, 30, 40),))


def placed(x: int, y: int, width: int, height: int, confidence: float = 0.9) -> dict[str, Any]:
    return {"rectangle": {"x": x, "y": y, "w": width, "h": height}, "object": "thing", "confidence": confidence}


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        ({}, False),
        (analysis(), False),
        (analysis({"object": "cup", "confidence": 0.9}), False),
        (analysis(placed(0, 0, 100, 50, confidence=0.5)), True),
        (analysis(placed(0, 0, 100, 50, confidence=0.49)), False),
        # 1/200 of 400x200 is 20x20.
        (analysis(placed(0, 0, 20, 20)), True),
        (analysis(placed(0, 0, 20, 19)), False),
        (analysis(placed(390, 190, 50, 50)), False),
        (analysis(placed(500, 0, 50, 50)), False),
        (analysis(placed(0, 0, 0, 100)), False),
        # 1/2000 of it is 5x8.
        (analysis(faces=[{"faceRectangle": {"left": 0, "top": 0, "width": 5, "height": 8}}]), True),
        (analysis(faces=[{"faceRectangle": {"left": 0, "top": 0, "width": 5, "height": 7}}]), False),
    ],
)
def test_a_box_counts_that_is_likely_and_not_tiny(result: dict[str, Any], *, counts: bool) -> None:
    assert (subject.of_analysis(result, HEADER) is not None) == counts


def test_a_box_counts_as_far_as_it_lies_in_the_picture() -> None:
    found = subject.of_analysis(analysis(placed(-50, 150, 150, 100)), HEADER)
    assert found == Subject((Box(0, 150, 100, 50),))


def test_an_area_of_interest_is_one_of_whatever_size() -> None:
    answer = {"areaOfInterest": {"x": 3, "y": 4, "w": 1, "h": 1}}
    assert subject.of_area(answer, HEADER) == Subject((Box(3, 4, 1, 1),))
    assert subject.of_area({"areaOfInterest": {"x": 900, "y": 0, "w": 5, "h": 5}}, HEADER) is None


@pytest.mark.parametrize("answer", [{}, {"areaOfInterest": 1}, {"areaOfInterest": {"x": "3", "y": 4, "w": 1, "h": 1}}])
def test_an_area_that_is_none_names_no_subject(answer: dict[str, Any]) -> None:
    assert subject.of_area(answer, HEADER) is None


def test_an_analysis_that_is_none_names_no_subject() -> None:
    assert subject.of_analysis({"objects": 1}, HEADER) is None


def test_boxes_of_a_record_are_upright_already() -> None:
    told = record(analysis(CUP), sent={"kind": "JPEG"})
    assert subject.of_record(told, TURNED) == Subject((Box(40, 20, 100, 50),))


def test_boxes_of_a_record_of_the_version_before_are_turned() -> None:
    """It had sent the stored pixels, 400 by 200, of a picture that is to be turned by a quarter to the right."""
    found = subject.of_record(record(analysis(CUP)), TURNED)
    # x is 200 - (20 + 50), y is 40.
    assert found == Subject((Box(130, 40, 50, 100),))


def test_boxes_of_the_version_before_that_the_service_had_turned_itself_stay() -> None:
    result = {**analysis(placed(20, 40, 50, 100)), "metadata": {"width": 200, "height": 400}}
    assert subject.of_record(record(result), TURNED) == Subject((Box(20, 40, 50, 100),))


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"{}", b"null", record(None), record([]), record({"objects": 1}), record(analysis({"rectangle": {}}))],
)
def test_a_record_that_is_none_names_no_subject(told: bytes) -> None:
    assert subject.of_record(told, HEADER) is None
    assert subject.of_record(told, TURNED) is None
