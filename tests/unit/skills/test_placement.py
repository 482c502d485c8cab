"""Places of a normalized image, mapped back as Microsoft's page says, and forward again as an indexer has turned it."""

from typing import Any

import pytest
from doubles.fuzz import fuzzed
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.skills import placement
from shared.vision import mapping

SIDES = st.integers(1, 4000)


def normalized(width: int, height: int, original_width: int, original_height: int, angle: Any) -> dict[str, Any]:
    sides = {"width": width, "height": height, "originalWidth": original_width, "originalHeight": original_height}
    return {"data": "...", **sides, "rotationFromOriginal": angle, "contentOffset": 500, "pageNumber": 2}


def microsofts(x: float, y: float, image: dict[str, Any]) -> tuple[float, float]:
    """
    A point of the original, by the rules of `GetOriginalCoordinates`, with exact divisions.

    https://learn.microsoft.com/azure/search/cognitive-search-concept-image-scenarios, "Visualize bounding boxes": turn
    by the angle, then scale by one factor.
    """
    width, height, angle = image["width"], image["height"], image["rotationFromOriginal"] % 360
    turned = {0: (x, y), 90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[angle]
    factor = image["originalHeight"] / (height if angle % 180 == 0 else width)
    return turned[0] * factor, turned[1] * factor


def forward(x: float, y: float, image: dict[str, Any]) -> tuple[float, float]:
    """Where a point of the original lies in the normalized image: scaled first, then turned."""
    width, height, angle = image["width"], image["height"], image["rotationFromOriginal"] % 360
    columns, rows = (width, height) if angle % 180 == 0 else (height, width)
    x, y = x * columns / image["originalWidth"], y * rows / image["originalHeight"]
    return {0: (x, y), 90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}[angle]


@fuzzed
@given(data=st.data(), angle=st.sampled_from([0, 90, 180, 270, 360, 450, -90]), factor=st.integers(1, 8))
def test_places_are_those_of_microsofts_formula(data: st.DataObject, angle: int, factor: int) -> None:
    width, height = data.draw(SIDES), data.draw(SIDES)
    original = (width, height) if angle % 180 == 0 else (height, width)
    image = normalized(width, height, original[0] * factor, original[1] * factor, angle)
    frame = placement.of(image).frame
    assert frame is not None
    x, y = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    assert frame.point(x, y) == pytest.approx(microsofts(x, y, image))


@fuzzed
@given(data=st.data(), angle=st.sampled_from([0, 90, 180, 270]))
def test_forward_and_back_is_the_same_point(data: st.DataObject, angle: int) -> None:
    image = normalized(*(data.draw(SIDES) for _ in range(4)), angle=angle)
    frame = placement.of(image).frame
    assert frame is not None
    x = data.draw(st.floats(0, image["originalWidth"]))
    y = data.draw(st.floats(0, image["originalHeight"]))
    assert frame.point(*forward(x, y, image)) == pytest.approx((x, y), abs=1e-6)


@fuzzed
@given(data=st.data(), angle=st.sampled_from([0, 90, 180, 270]))
def test_a_rectangle_of_the_original_is_found_again(data: st.DataObject, angle: int) -> None:
    """As it is where nothing was made smaller, and to a pixel of the normalized image where it was."""
    width, height = data.draw(SIDES), data.draw(SIDES)
    assume(width > 1 and height > 1)
    turned = (width, height) if angle % 180 == 0 else (height, width)
    image = normalized(*turned, width, height, angle)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = {"x": x, "y": y, "w": data.draw(st.integers(1, width - x)), "h": data.draw(st.integers(1, height - y))}
    corners = [forward(x, y, image), forward(x + box["w"], y + box["h"], image)]
    left, top = (min(each[side] for each in corners) for side in (0, 1))
    right, bottom = (max(each[side] for each in corners) for side in (0, 1))
    seen = {"x": round(left), "y": round(top), "w": round(right - left), "h": round(bottom - top)}
    frame = placement.of(image).frame
    assert frame is not None
    assert mapping.mapped({"objects": [{"rectangle": seen}]}, frame)["objects"][0]["rectangle"] == box


@pytest.mark.parametrize("image", [{"data": "..."}, dict.fromkeys(placement.MEMBERS)])
def test_without_members_nothing_is_mapped_and_nothing_is_said(image: dict[str, Any]) -> None:
    assert placement.of(image) == (None, None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[(side, value) for side in placement.MEMBERS[:4] for value in (None, 0, -1, 1.5, "500", True, 10**9, [])],
        *[("rotationFromOriginal", value) for value in (45, 12.5, "90", True, [], 1)],
    ],
)
def test_members_that_cannot_be_meant_leave_places_as_they_are_and_say_so(member: str, value: Any) -> None:
    found = placement.of({**normalized(500, 300, 5000, 3000, 0), member: value})
    assert found.frame is None
    assert found.warning
    assert found.warning.startswith("Places are in pixels of the normalized image")


def test_without_a_rotation_there_is_none() -> None:
    frame = placement.of(normalized(500, 300, 5000, 3000, None)).frame
    assert frame is not None
    assert frame.point(50, 30) == (500, 300)


def test_an_image_of_other_sides_than_its_members_say_is_not_mapped() -> None:
    told = placement.of(normalized(500, 300, 5000, 3000, 0))
    assert placement.checked(told, 500, 300) == told
    other = placement.checked(told, 64, 48)
    assert other.frame is None
    assert "64x48" in str(other.warning)
    assert "500x300" in str(other.warning)


def test_nothing_to_map_is_not_checked() -> None:
    assert placement.checked(placement.Placement(), 64, 48) == (None, None)
