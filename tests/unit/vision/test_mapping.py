"""Places of answers, from pixels of what was sent to upright pixels of the original."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UnexpectedAnswerError
from shared.vision import mapping
from shared.vision.mapping import Frame

# Worked out by hand: a rectangle of 20x10 pixels at (10, 5) of a stored picture of 100x60; by the orientation, the
# upright picture's sides and the rectangle's left and upper edge, width and height in it.
BY_HAND = {
    1: ((100, 60), (10, 5, 20, 10)),
    2: ((100, 60), (70, 5, 20, 10)),
    3: ((100, 60), (70, 45, 20, 10)),
    4: ((100, 60), (10, 45, 20, 10)),
    5: ((60, 100), (5, 10, 10, 20)),
    6: ((60, 100), (45, 10, 10, 20)),
    7: ((60, 100), (45, 70, 10, 20)),
    8: ((60, 100), (5, 70, 10, 20)),
}
# The orientation that undoes one.
UNDOING = {**{each: each for each in range(1, 8)}, 6: 8, 8: 6}
# A line of text at those 20x10 upright pixels of a picture of 100x60, as the service sees it in what is stored: the
# corners from the upper left one of the text on, clockwise as it sees them, and the angle of the text there. Of a
# mirrored picture it sees the mirror image of a line, which it takes for one that is read from its other end.
UPRIGHT_LINE = [10, 5, 30, 5, 30, 15, 10, 15]
SEEN_LINES: dict[int, tuple[list[int], float]] = {
    1: (UPRIGHT_LINE, 0.0),
    2: ([70, 5, 90, 5, 90, 15, 70, 15], 0.0),
    3: ([90, 55, 70, 55, 70, 45, 90, 45], 180.0),
    4: ([30, 55, 10, 55, 10, 45, 30, 45], 180.0),
    6: ([5, 90, 5, 70, 15, 70, 15, 90], -90.0),
    8: ([55, 10, 55, 30, 45, 30, 45, 10], 90.0),
}


def rectangle_of(frame: Frame, *sides: Any) -> tuple[Any, ...]:
    found = mapping.mapped({"areaOfInterest": dict(zip("xywh", sides, strict=True))}, frame)["areaOfInterest"]
    return tuple(found[name] for name in "xywh")


def read(width: int, height: int, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    page = {"page": 1, "angle": 0.0, "width": width, "height": height, "unit": "pixel", "lines": lines, **more}
    return {"status": "succeeded", "analyzeResult": {"version": "3.2.0", "readResults": [page]}}


def line(box: list[Any], text: str = "HELLO") -> dict[str, Any]:
    word = {"boundingBox": box, "text": text, "confidence": 0.9}
    appearance = {"style": {"name": "other", "confidence": 0.8}}
    return {"boundingBox": box, "text": text, "appearance": appearance, "words": [word]}


@pytest.mark.parametrize("orientation", BY_HAND)
def test_a_rectangle_in_stored_pixels_is_turned_as_by_hand(orientation: int) -> None:
    sides, expected = BY_HAND[orientation]
    frame = Frame.of_stored(sides, orientation)
    assert frame.sent == (100, 60)
    assert rectangle_of(frame, 10, 5, 20, 10) == expected


@pytest.mark.parametrize("orientation", BY_HAND)
def test_a_rectangle_is_turned_and_scaled_at_once(orientation: int) -> None:
    (width, height), expected = BY_HAND[orientation]
    frame = Frame((100, 60), (3 * width, 3 * height), orientation)
    assert rectangle_of(frame, 10, 5, 20, 10) == tuple(3 * each for each in expected)


@pytest.mark.parametrize("orientation", SEEN_LINES)
def test_a_line_of_text_is_turned_with_its_corners_and_the_angle_of_its_page(orientation: int) -> None:
    box, angle = SEEN_LINES[orientation]
    frame = Frame.of_stored((100, 60), orientation)
    (page,) = mapping.mapped(read(*frame.sent, [line(box)], angle=angle), frame)["analyzeResult"]["readResults"]
    assert (page["width"], page["height"], page["angle"]) == (100, 60, 0.0)
    # The letters of a mirrored line stand at the same place, and the line is read from its other end.
    assert page["lines"] == [line(UPRIGHT_LINE)]


@pytest.mark.parametrize(
    ("orientation", "before", "after"),
    [
        (1, 2.0, 2.0),
        (2, 2.0, -2.0),
        (3, 2.0, -178.0),
        (3, 0, 180),
        (4, 2.0, 178.0),
        (5, 0.0, -90.0),
        (6, 2.5, 92.5),
        (6, 100.0, -170.0),
        (7, 0.0, 90.0),
        (8, -100.0, 170.0),
        (8, 90.1, 0.1),
    ],
)
def test_the_angle_of_a_page_stays_within_half_a_circle(orientation: int, before: float, after: float) -> None:
    frame = Frame.of_stored((100, 60), orientation)
    (page,) = mapping.mapped(read(*frame.sent, [], angle=before), frame)["analyzeResult"]["readResults"]
    assert page["angle"] == after


def test_each_place_of_an_analysis_is_mapped_and_nothing_else() -> None:
    def face(*sides: int) -> dict[str, int]:
        return dict(zip(("left", "top", "width", "height"), sides, strict=True))

    def box(*sides: int) -> dict[str, int]:
        return dict(zip("xywh", sides, strict=True))

    def answer(scale: int) -> dict[str, Any]:
        edges = [scale * each for each in (10, 5, 20, 8)]
        celebrity = {"name": "Ada", "confidence": 0.9, "faceRectangle": face(*edges)}
        landmarks = [{"name": "a bridge", "confidence": 0.9}]
        return {
            "categories": [{"name": "people_", "detail": {"celebrities": [celebrity], "landmarks": landmarks}}],
            "objects": [{"object": "cup", "rectangle": box(*edges), "parent": {"object": "thing", "confidence": 0.5}}],
            "brands": [{"name": "x", "rectangle": box(*edges)}],
            "faces": [{"age": 36, "faceRectangle": face(*edges)}],
            "result": {"celebrities": [celebrity]},
            "areaOfInterest": box(*edges),
            "tags": [{"name": "width", "confidence": 10}],
            "metadata": {"width": scale * 100, "height": scale * 60, "format": "Jpeg"},
            "requestId": "r1",
        }

    before = answer(1)
    kept = copy.deepcopy(before)
    assert mapping.mapped(before, Frame((100, 60), (400, 240))) == answer(4)
    assert before == kept


def test_a_read_of_a_copy_is_scaled_and_a_page_in_inches_left_as_it_is() -> None:
    frame = Frame((100, 50), (250, 125))
    mapped = mapping.mapped(read(100, 50, [line([1, 2, 31, 2, 31, 12, 1, 12])], angle=1.5), frame)
    (page,) = mapped["analyzeResult"]["readResults"]
    assert (page["width"], page["height"], page["angle"]) == (250, 125, 1.5)
    assert page["lines"] == [line([2, 5, 78, 5, 78, 30, 2, 30])]
    inches = read(8, 11, [line([2.9772, 7.8761, 3.3314, 7.8761, 3.3314, 8.1, 2.9772, 8.1])], unit="inch")
    assert mapping.mapped(inches, frame) == inches


def test_corners_between_pixels_stay_between_them() -> None:
    (page,) = mapping.mapped(read(3, 3, [line([0.5] * 8)]), Frame((3, 3), (10, 10)))["analyzeResult"]["readResults"]
    assert page["lines"][0]["boundingBox"] == [1.67] * 8


@given(
    orientation=st.integers(1, 8),
    sides=st.tuples(st.integers(50, 20_000), st.integers(50, 20_000)),
    sent=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    edges=st.tuples(*[st.integers(-50, 5000)] * 4),
)
def test_every_rectangle_comes_to_lie_in_the_picture(
    orientation: int, sides: tuple[int, int], sent: tuple[int, int], edges: tuple[int, ...]
) -> None:
    x, y, width, height = rectangle_of(Frame(sent, sides, orientation), *edges)
    assert all(type(each) is int for each in (x, y, width, height))
    assert 0 <= x <= x + width <= sides[0]
    assert 0 <= y <= y + height <= sides[1]


@given(
    orientation=st.integers(1, 8),
    sides=st.tuples(st.integers(50, 20_000), st.integers(50, 20_000)),
    scale=st.floats(0.02, 1.0),
    shares=st.tuples(*[st.floats(0.0, 1.0)] * 4),
)
def test_a_rectangle_goes_there_and_back(
    orientation: int, sides: tuple[int, int], scale: float, shares: tuple[float, float, float, float]
) -> None:
    """What the service sees of a copy lies where it lay in the original, to the pixel of the copy."""
    turned = (sides[1], sides[0]) if orientation >= 5 else sides
    sent = max(1, round(turned[0] * scale)), max(1, round(turned[1] * scale))
    left, right = sorted(round(share * sides[0]) for share in shares[:2])
    top, bottom = sorted(round(share * sides[1]) for share in shares[2:])
    seen = rectangle_of(Frame(sides, sent, UNDOING[orientation]), left, top, right - left, bottom - top)
    x, y, width, height = rectangle_of(Frame(sent, sides, orientation), *seen)
    across = sent if orientation < 5 else sent[::-1]
    slack = [most / pixels + 1 for most, pixels in zip(sides, across, strict=True)]
    for found, edge, most in ((x, left, 0), (x + width, right, 0), (y, top, 1), (y + height, bottom, 1)):
        assert abs(found - edge) <= slack[most]


def test_what_has_a_width_keeps_a_pixel_of_it() -> None:
    assert rectangle_of(Frame((1000, 1000), (100, 100)), 999, 4, 1, 1) == (99, 0, 1, 1)
    assert rectangle_of(Frame((1000, 1000), (100, 100)), 500, 500, 0, 0) == (50, 50, 0, 0)


@pytest.mark.parametrize(
    "odd",
    [None, "10,5,20,10", [], {}, {"x": 1}, {"x": True, "y": 0, "w": 1, "h": 1}, {"x": "1", "y": 0, "w": 1, "h": 1}]
    + [{"x": number, "y": 0, "w": 1, "h": 1} for number in (float("nan"), float("inf"), 10**400)],
)
def test_what_is_no_place_is_left_for_others_to_refuse(odd: Any) -> None:
    frame = Frame((10, 10), (20, 20))
    body = {"objects": [{"rectangle": odd}]}
    assert repr(mapping.mapped(body, frame)) == repr(body)
    mapped = mapping.mapped(read(10, 10, [line([odd] * 8), line([1, 2, 3])]), frame)
    assert [each["boundingBox"] for each in mapped["analyzeResult"]["readResults"][0]["lines"]] == [
        [odd] * 8,
        [1, 2, 3],
    ]
    for body in ({"metadata": odd}, {"analyzeResult": odd}, {"analyzeResult": {"readResults": odd}}):
        assert json.dumps(mapping.mapped(body, frame)) == json.dumps(body)
        assert json.dumps(mapping.upright(body, frame)) == json.dumps(body)


def test_json_nested_deeper_than_any_answer_is_no_answer() -> None:
    body: Any = {}
    for _ in range(5000):
        body = {"a": body}
    with pytest.raises(UnexpectedAnswerError, match="nested too deep"):
        mapping.mapped(body, Frame((10, 10), (20, 20)))


# What the service's own sides tell of a picture of 60x100 upright pixels that was sent as it is stored.
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"width": 100, "height": 60}, (45, 10, 10, 20)),
        ({"width": 60, "height": 100}, (10, 5, 20, 10)),
        ({}, (10, 5, 20, 10)),
    ],
    ids=["as stored", "turned by the service", "not told"],
)
def test_only_what_is_in_stored_pixels_is_turned(told: dict[str, int], expected: tuple[int, ...]) -> None:
    frame = Frame.of_stored((60, 100), 6)
    body = {"areaOfInterest": {"x": 10, "y": 5, "w": 20, "h": 10}, "metadata": told}
    turned = mapping.upright(body, frame)
    assert tuple(turned["areaOfInterest"].values()) == expected
    assert turned["metadata"] == ({"width": 60, "height": 100} if told else {})


def test_a_read_in_stored_pixels_is_turned_and_one_that_the_service_turned_is_not() -> None:
    frame = Frame.of_stored((60, 100), 6)
    stored, turned = (read(*sides, [line([10, 5, 30, 5, 30, 15, 10, 15])]) for sides in ((100, 60), (60, 100)))
    (page,) = mapping.upright(stored, frame)["analyzeResult"]["readResults"]
    assert (page["width"], page["height"], page["angle"]) == (60, 100, 90.0)
    assert page["lines"][0]["boundingBox"] == [55, 10, 55, 30, 45, 30, 45, 10]
    assert mapping.upright(turned, frame) == turned
