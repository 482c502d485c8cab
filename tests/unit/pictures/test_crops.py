import gc
import math
import sys
from collections import Counter
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pictures.attention import Attention
from shared.pictures.crops import Box, Subject, window

LANDSCAPE, PORTRAIT = (400, 100), (100, 400)


def kept(of: Box, boxes: tuple[Box, ...], sides: tuple[int, int]) -> float:
    """The area of the boxes in the picture that lies in the window too, counted cell by cell between all edges."""
    frame = Box(0, 0, *sides)
    total = 0.0
    columns = edges(of, frame, *boxes, axis=0)
    rows = edges(of, frame, *boxes, axis=1)
    for (left, right), (top, bottom) in product(pairwise(columns), pairwise(rows)):
        spot = ((left + right) / 2, (top + bottom) / 2)
        if holds(of, spot) and holds(frame, spot) and any(holds(box, spot) for box in boxes):
            total += (right - left) * (bottom - top)
    return total


def edges(*boxes: Box, axis: int) -> list[float]:
    return sorted({edge for box in boxes for edge in (box[axis], box[axis] + box[axis + 2])})


def holds(box: Box, spot: tuple[float, float]) -> bool:
    return all(box[axis] <= spot[axis] <= box[axis] + box[axis + 2] for axis in (0, 1))


def is_whole(face: Box, inside: Box) -> bool:
    return all(
        inside[axis] - 1e-5 <= face[axis] and face[axis] + face[axis + 2] <= inside[axis] + inside[axis + 2] + 1e-5
        for axis in (0, 1)
    )


def mirrored(box: Box, sides: tuple[int, int]) -> Box:
    return Box(sides[0] - box.left - box.width, sides[1] - box.top - box.height, box.width, box.height)


def things(*boxes: tuple[float, float, float, float]) -> Subject:
    return Subject(tuple(Box(*box) for box in boxes))


# By hand.


@pytest.mark.parametrize(
    ("sides", "shape", "cut"),
    [
        ((400, 100), (100, 100), Box(150, 0, 100, 100)),
        ((100, 400), (100, 100), Box(0, 150, 100, 100)),
        ((400, 100), (50, 25), Box(100, 0, 200, 100)),
        ((400, 300), (4, 3), Box(0, 0, 400, 300)),
        ((400, 100), (4096, 1), Box(0, 49.951171875, 400, 0.09765625)),
        ((100, 100), (1, 3), Box(100 / 3, 0, 100 / 3, 100)),
        ((1, 1), (3, 2), Box(0, 0, 1, 1)),
    ],
)
def test_without_a_subject_it_is_the_middle_and_never_under_a_pixel(
    sides: tuple[int, int], shape: tuple[int, int], cut: Box
) -> None:
    if cut.height < 1:
        cut = Box(0, (sides[1] - 1) / 2, cut.width, 1)
    assert window(sides, shape) == pytest.approx(cut)
    assert window(sides, shape, Subject()) == pytest.approx(cut)


@pytest.mark.parametrize(
    ("boxes", "left"),
    [
        # It fits, and is shown in the middle where the picture goes on.
        ([(300, 20, 40, 40)], 270),
        ([(350, 20, 50, 40)], 300),
        ([(0, 20, 50, 40)], 0),
        ([(10, 0, 60, 100), (60, 20, 40, 20)], 5),
        # It is wider than the window.
        ([(100, 0, 200, 100)], 150),
        # The larger of two that do not fit both.
        ([(0, 0, 80, 50), (310, 0, 90, 50)], 300),
        ([(0, 0, 80, 50), (310, 0, 60, 50)], 0),
        # Boxes that overlap count once: 90 x 50 of one thing is more than three times the same 80 x 50.
        ([(0, 0, 80, 50), (1, 0, 79, 50), (0, 1, 80, 49), (310, 0, 90, 50)], 300),
        # What is inside of something wide counts where the wide one does not decide.
        ([(0, 50, 400, 50), (320, 20, 40, 60)], 290),
        ([(0, 0, 400, 100), (320, 20, 40, 60)], 290),
        # What lies outside the picture counts for nothing.
        ([(-200, 0, 210, 100), (300, 20, 40, 40)], 270),
        ([(390, 0, 1000, 100), (100, 20, 40, 40)], 70),
    ],
)
def test_it_slides_to_where_the_most_of_the_things_is(boxes: list[tuple[int, int, int, int]], left: float) -> None:
    assert window(LANDSCAPE, (1, 1), things(*boxes)) == pytest.approx(Box(left, 0, 100, 100))
    turned = things(*((y, x, height, width) for x, y, width, height in boxes))
    assert window(PORTRAIT, (1, 1), turned) == pytest.approx(Box(0, left, 100, 100))


@pytest.mark.parametrize(
    ("faces", "left"),
    [
        # The face is whole, though more of the things is elsewhere; and then as much of them as it allows.
        ([(120, 10, 30, 30)], 120),
        # Two of the same size are more than one of it.
        ([(0, 0, 30, 30), (10, 50, 30, 30), (300, 0, 30, 30)], 0),
        # The larger one of two.
        ([(0, 0, 30, 30), (300, 0, 40, 40)], 240),
        # Together they do not fit: the larger, and then as much of the other as it allows.
        ([(60, 0, 30, 30), (140, 0, 40, 40)], 140),
    ],
)
def test_faces_are_whole_where_they_fit(faces: list[tuple[int, int, int, int]], left: float) -> None:
    subject = Subject((Box(200, 0, 100, 100),), tuple(Box(*face) for face in faces))
    assert window(LANDSCAPE, (1, 1), subject).left == pytest.approx(left)


def test_a_face_that_does_not_fit_counts_as_a_thing() -> None:
    assert window(LANDSCAPE, (1, 1), Subject(faces=(Box(50, 0, 140, 90),))).left == pytest.approx(70)
    assert window(LANDSCAPE, (1, 1), Subject((), (Box(250, 0, 140, 90), Box(0, 0, 20, 20)))).left == pytest.approx(0)


def test_a_person_wider_than_the_window_has_the_face_in_the_middle() -> None:
    assert window(LANDSCAPE, (1, 1), Subject((Box(0, 0, 400, 100),), (Box(200, 10, 30, 30),))).left == 165


def attention(*, right: float = 0.5, below: float = 0.5) -> Attention:
    """One strip of a hundred stands out, at these shares of the breadth and of the height."""
    return Attention(
        tuple(float(at == round(right * 100)) for at in range(100)),
        tuple(float(at == round(below * 100)) for at in range(100)),
    )


ALL = things((0, 0, 400, 400))


def test_in_a_box_that_is_wider_than_the_window_it_is_where_the_most_stands_out() -> None:
    assert window(LANDSCAPE, (1, 1), ALL, attention(right=0.75)).left == pytest.approx(250, abs=10)
    assert window(LANDSCAPE, (1, 1), ALL, attention(right=0.05)).left == 0
    assert window(PORTRAIT, (1, 1), ALL, attention(below=0.75)).top == pytest.approx(250, abs=10)
    # In the box, and not farther.
    box = things((100, 0, 200, 100))
    assert window(LANDSCAPE, (1, 1), box, attention(right=0.72)).left == pytest.approx(200)


def test_where_nothing_stands_out_it_is_the_middle_of_such_a_box_and_where_little_does_a_third_from_above() -> None:
    plain, even = Attention((0.0,) * 10, (0.0,) * 10), Attention((1.0,) * 100, (1.0,) * 100)
    for nothing in (None, plain, Attention((), ())):
        assert window(LANDSCAPE, (1, 1), ALL, nothing).left == 150
        assert window(PORTRAIT, (1, 1), ALL, nothing).top == 150
    assert window(LANDSCAPE, (1, 1), ALL, even).left == pytest.approx(150, abs=10)
    assert window(PORTRAIT, (1, 1), ALL, even).top == pytest.approx(100, abs=8)


def test_what_stands_out_never_wins_over_the_subject() -> None:
    elsewhere = attention(right=0.05)
    assert window(LANDSCAPE, (1, 1), things((300, 20, 40, 40)), elsewhere).left == 270
    assert window(LANDSCAPE, (1, 1), Subject((Box(0, 0, 400, 100),), (Box(200, 10, 30, 30),)), elsewhere).left == 165
    assert window(LANDSCAPE, (1, 1), None, elsewhere).left == 150


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", range(4))
def test_boxes_that_are_no_boxes_are_ignored(number: float, at: int) -> None:
    numbers = [300.0, 0.0, 50.0, 50.0]
    numbers[at] = number
    absurd = Subject((Box(*numbers), Box(0, 0, 0, 50), Box(0, 0, -5, 5), Box(500, 0, 9, 9)), (Box(*numbers),))
    assert window(LANDSCAPE, (1, 1), absurd).left == 150
    with_one = Subject((*absurd.things, Box(300, 0, 50, 50)), absurd.faces)
    assert window(LANDSCAPE, (1, 1), with_one).left == 275


def test_two_that_are_as_good_as_each_other_are_decided_always_alike() -> None:
    pair = things((0, 0, 50, 50), (350, 0, 50, 50))
    assert {window(LANDSCAPE, (1, 1), Subject(order)).left for order in (pair.things, pair.things[::-1])} == {0}
    nearer = things((0, 0, 50, 50), (320, 0, 50, 50))
    assert window(LANDSCAPE, (1, 1), nearer).left == 295


def calls_of(scale: int) -> int:
    """How many functions a window around 300 boxes calls."""
    boxes = tuple(Box(x * 37 % 290 * scale, x * 53 % 290 * scale, 9 * scale, 7 * scale) for x in range(300))
    counted = Counter[str]()
    before = sys.getprofile()
    # What other tests have left behind is not cleared away, and counted, in the middle of it.
    gc.collect()
    gc.disable()
    sys.setprofile(lambda frame, event, _: counted.update([event]))
    try:
        window((300 * scale, 300 * scale), (2, 1), Subject(boxes, boxes[:100]))
    finally:
        sys.setprofile(before)
        gc.enable()
    return counted["call"] + counted["c_call"]


def test_hundreds_of_boxes_stay_cheap_however_large_the_picture() -> None:
    # Objects that go out of use at that moment may add a few calls.
    assert calls_of(100) < 1.1 * calls_of(1) < 300 * 1000


# For any boxes.

SIDES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
SHAPES = st.tuples(st.integers(1, 4096), st.integers(1, 4096))


@st.composite
def boxes(draw: st.DrawFn, most: int = 4) -> tuple[tuple[int, int], tuple[Box, ...]]:
    """A picture and boxes in it, over its edges and outside."""
    sides = draw(SIDES)
    places = [st.floats(-0.5 * side, 1.5 * side) for side in sides]
    lengths = [st.floats(0.01 * side, 1.2 * side) for side in sides]
    return sides, tuple(draw(st.lists(st.builds(Box, *places, *lengths), max_size=most)))


@given(boxes(), SHAPES, st.data())
def test_the_window_is_in_the_picture_and_has_the_shape(
    pictured: tuple[tuple[int, int], tuple[Box, ...]], shape: tuple[int, int], data: st.DataObject
) -> None:
    sides, things = pictured
    faces = tuple(data.draw(st.lists(st.sampled_from(things), max_size=3))) if things else ()
    found = window(sides, shape, Subject(things, faces))
    assert min(found.left, found.top) >= 0
    assert min(found.width, found.height) >= 1
    assert found.left + found.width <= sides[0] * (1 + 1e-12)
    assert found.top + found.height <= sides[1] * (1 + 1e-12)
    # The largest: one side is the picture's, and the other is as the shape says, but for the one pixel that is left.
    wanted = (sides[1] * shape[0] / shape[1], sides[0] * shape[1] / shape[0])
    assert found[2:] == pytest.approx([max(1, min(side, own)) for side, own in zip(sides, wanted, strict=True)])


@given(boxes(), SHAPES, st.floats(0, 1))
def test_no_other_window_keeps_more(
    pictured: tuple[tuple[int, int], tuple[Box, ...]], shape: tuple[int, int], at: float
) -> None:
    sides, things = pictured
    found = window(sides, shape, Subject(things))
    middle = window(sides, shape)
    other = found._replace(left=(sides[0] - found.width) * at, top=(sides[1] - found.height) * at)
    here, total = kept(found, things, sides), kept(Box(0, 0, *sides), things, sides)
    assert here >= kept(middle, things, sides) - 1e-6 * total
    assert here >= kept(other, things, sides) - 1e-6 * total


@given(boxes(), SHAPES, st.data())
def test_all_faces_are_whole_where_one_window_holds_them_all(
    pictured: tuple[tuple[int, int], tuple[Box, ...]], shape: tuple[int, int], data: st.DataObject
) -> None:
    sides, things = pictured
    size = window(sides, shape)
    place = [data.draw(st.floats(0, side - own)) for side, own in zip(sides, size[2:], strict=True)]
    shares = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.05, 0.1), st.floats(0.05, 0.1))
    faces = tuple(
        Box(place[0] + x * size.width, place[1] + y * size.height, width * size.width, height * size.height)
        for x, y, width, height in data.draw(st.lists(shares, min_size=1, max_size=4))
    )
    found = window(sides, shape, Subject(things, faces))
    assert all(is_whole(face, found) for face in faces)


@given(boxes(most=1), SHAPES)
def test_of_a_mirrored_picture_it_is_the_mirrored_window(
    pictured: tuple[tuple[int, int], tuple[Box, ...]], shape: tuple[int, int]
) -> None:
    sides, things = pictured
    found = window(sides, shape, Subject(things))
    other = window(sides, shape, Subject(tuple(mirrored(box, sides) for box in things)))
    assert mirrored(other, sides) == pytest.approx(found, abs=1e-3)


@given(boxes(), SHAPES)
def test_of_a_mirrored_picture_with_many_things_it_shows_as_much(
    pictured: tuple[tuple[int, int], tuple[Box, ...]], shape: tuple[int, int]
) -> None:
    """Two windows can be as good as each other, and the mirror cannot tell which one it has before it."""
    sides, things = pictured
    found = window(sides, shape, Subject(things, things[:2]))
    turned = tuple(mirrored(box, sides) for box in things)
    other = mirrored(window(sides, shape, Subject(turned, turned[:2])), sides)
    total = kept(Box(0, 0, *sides), things, sides)
    assert kept(other, things, sides) == pytest.approx(kept(found, things, sides), abs=1e-6 * total)
