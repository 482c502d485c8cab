"""
Where a thumbnail is cut: the part of a picture that has the thumbnail's shape and keeps the most of the subject.

Geometry alone; all places are upright pixels. The largest window of a shape fills the picture on one side and slides
along the other. The share of the subject that it shows is piecewise linear in its place. So in the best place an edge
of it meets an edge of a box, and only these places are looked at, however many pixels there are.
"""

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from shared.pictures.attention import Attention

# Values that are closer are the same: in pixels, and in digits of a share.
_EPSILON = 1e-6
_DIGITS = 9
# How many places attention compares, what its edge counts in a window, and how much the favourite place of all counts.
_STEPS, _RIM, _FAVOUR = 40, 0.15, 0.15


class Box(NamedTuple):
    """A rectangle in pixels: its left upper corner and its sides."""

    left: float
    top: float
    width: float
    height: float


class Subject(NamedTuple):
    """
    What a picture is about.

    Attributes:
        things: the boxes of what it shows; the larger one counts more.
        faces: these are kept whole where they fit. They count as things too.
    """

    things: tuple[Box, ...] = ()
    faces: tuple[Box, ...] = ()


class Point(NamedTuple):
    """A place in a picture: fractions of its width and height, from the left and from the top, of 0 to 1."""

    x: float
    y: float


def around(sides: tuple[int, int], shape: tuple[int, int], point: Point) -> Box:
    """
    The largest part of a picture with that shape that has a point in its middle, or as near as the edges let it.

    Args:
        sides: width and height of the picture in pixels, both above 0.
        shape: width and height of the thumbnail, both above 0.
        point: the point.

    Returns:
        The part, as `window` does.
    """
    across, along = _free(sides, shape)
    length = _length(sides, shape, across, along)
    return _placed(sides, along, length, min(max(point[along] * sides[along] - length / 2, 0.0), sides[along] - length))


def window(
    sides: tuple[int, int],
    shape: tuple[int, int],
    subject: Subject | None = None,
    attention: Attention | None = None,
) -> Box:
    """
    The largest part of a picture with that shape that keeps the most of the subject; without one, its middle.

    Of all places it has the one with, in this order: the largest area of faces that are whole; the largest area of
    the subject, where boxes that overlap count once; the largest share of each single box, so that a cup on a table
    counts; and what it shows in its middle. Inside of a box that is wider than the window all places may be as good as
    each other; then it is where the most stands out. Boxes are clipped to the picture; those that are then empty, or no
    numbers, are ignored.

    Args:
        sides: width and height of the picture in pixels, both above 0.
        shape: width and height of the thumbnail, both above 0.
        subject: the boxes to keep, in pixels of the picture.
        attention: what stands out in the picture; without it, the middle of such a box is taken.

    Returns:
        The part. It has that shape but where a side would be under one pixel; its place and sides are fractions.
    """
    across, along = _free(sides, shape)
    length = _length(sides, shape, across, along)
    return _placed(sides, along, length, _offset(sides, along, length, subject or Subject(), attention))


def _length(sides: tuple[int, int], shape: tuple[int, int], across: int, along: int) -> float:
    """How long the window is along the axis on which it slides."""
    return min(sides[along], max(1.0, sides[across] * shape[along] / shape[across]))


def _placed(sides: tuple[int, int], along: int, length: float, offset: float) -> Box:
    if along:
        return Box(0.0, offset, float(sides[0]), length)
    return Box(offset, 0.0, length, float(sides[1]))


def _free(sides: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    """The axis that the window fills, and the one along which it slides: 0 is the width."""
    return (1, 0) if sides[0] * shape[1] >= sides[1] * shape[0] else (0, 1)


class _Span(NamedTuple):
    """A box as the window meets it: from where to where along its axis, and the same across it."""

    start: float
    end: float
    low: float
    high: float

    @property
    def area(self) -> float:
        return (self.end - self.start) * (self.high - self.low)


def _spans(boxes: Iterable[Box], sides: tuple[int, int], along: int) -> list[_Span]:
    """What of the boxes lies in the picture; a box that is named twice counts once."""
    found: dict[_Span, None] = {}
    for box in boxes:
        if all(map(math.isfinite, box)) and min(box.width, box.height) > 0:
            edges = [
                (max(0.0, box[axis]), min(float(sides[axis]), box[axis] + box[2 + axis])) for axis in (along, 1 - along)
            ]
            # Less than that is nothing to be seen, and no number to divide by.
            if all(end - start > _EPSILON for start, end in edges):
                found[_Span(*edges[0], *edges[1])] = None
    return list(found)


def _offset(sides: tuple[int, int], along: int, length: float, subject: Subject, attention: Attention | None) -> float:
    """Where the window of that length begins."""
    last = sides[along] - length
    faces = _spans(subject.faces, sides, along)
    boxes = list(dict.fromkeys([*_spans(subject.things, sides, along), *faces]))
    if not boxes or last <= 0:
        return last / 2
    shown = _Shown(boxes, [face for face in faces if face.end - face.start <= length + _EPSILON], length)
    meets = chain.from_iterable((box.start, box.end, box.start - length, box.end - length) for box in boxes)
    stops = sorted({0.0, last, *(stop for stop in meets if 0 < stop < last)})
    scores = [shown.score(stop) for stop in stops]
    best = max(scores)
    equal = [(stop, stop) for stop, score in zip(stops, scores, strict=True) if score == best]
    # Two places can be as good as each other with worse ones between them: each of them shows another face.
    equal += [
        (start, end)
        for (start, one), (end, other) in pairwise(zip(stops, scores, strict=True))
        if one == other == best == shown.score((start + end) / 2)
    ]
    strips = attention[along] if attention else ()
    found = []
    for start, end in _joined(equal):
        middle = _middle_of_shown((start + end) / 2, boxes, length)
        if middle is None:
            found.append(_most_outstanding(start, end, strips, sides, along, length))
        else:
            found.append(min(end, max(start, middle - length / 2)))
    return min(found, key=lambda offset: (round(abs(offset - last / 2), 6), offset))


def _joined(ranges: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The ranges, those that touch as one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _middle_of_shown(offset: float, boxes: Sequence[_Span], length: float) -> float | None:
    """The middle of what a window there shows whole; None if it shows parts alone."""
    whole = [box for box in boxes if box.start >= offset - _EPSILON and box.end <= offset + length + _EPSILON]
    return (min(box.start for box in whole) + max(box.end for box in whole)) / 2 if whole else None


def _most_outstanding(
    start: float, end: float, strips: Sequence[float], sides: tuple[int, int], along: int, length: float
) -> float:
    """
    Of places that are as good as each other the one where the most stands out, in its middle rather than at its edge.

    Where little does, it is the middle of them, or a third from above: heads are above.
    """
    if not any(strips) or start == end:
        return (start + end) / 2
    breadth = sides[along] / len(strips)
    parts = [step / _STEPS for step in range(_STEPS + 1)]
    shown = [
        sum(
            value * _weight(((at + 0.5) * breadth - start - part * (end - start)) / length)
            for at, value in enumerate(strips)
        )
        for part in parts
    ]
    most, favourite = max(shown) or 1.0, 1 / 3 if along else 1 / 2
    scores = [each / most - _FAVOUR * abs(part - favourite) for each, part in zip(shown, parts, strict=True)]
    return start + parts[scores.index(max(scores))] * (end - start)


def _weight(place: float) -> float:
    """How much counts what a window shows at a place, of 0 to 1."""
    return _RIM + (1 - _RIM) * math.sin(math.pi * place) ** 2 if 0 < place < 1 else 0.0


class _Shown:
    """
    How much of a subject a window of some length shows, by where it begins.

    Args:
        boxes: all that counts.
        faces: those of them that are faces and fit.
        length: of the window.
    """

    def __init__(self, boxes: Sequence[_Span], faces: Sequence[_Span], length: float) -> None:
        self._faces, self._length = faces, length
        self._edges = sorted({edge for box in boxes for edge in (box.start, box.end)})
        strips = list(_strips(boxes, self._edges))
        widths = [end - start for start, end in pairwise(self._edges)]
        self._strips: list[tuple[float, ...]] = list(zip(*strips, strict=True))
        # Of everything before each edge.
        self._before: list[list[float]] = [
            list(accumulate((width * each for width, each in zip(widths, strip, strict=True)), initial=0.0))
            for strip in self._strips
        ]

    def score(self, offset: float) -> tuple[float, float, float]:
        """What a window there shows: area of whole faces, area of all, and the sum of each box's share."""
        end = offset + self._length
        whole = sum(face.area for face in self._faces if face.start >= offset - _EPSILON and face.end <= end + _EPSILON)
        area, shares = (
            (self._until(end, which) - self._until(offset, which)) / self._before[which][-1] for which in (0, 1)
        )
        # Sums of the same boxes in another order differ in their last digits.
        return round(whole, 3), round(area, _DIGITS), round(shares, _DIGITS)

    def _until(self, place: float, which: int) -> float:
        """How much lies before a place."""
        at = bisect_right(self._edges, place) - 1
        if at < 0:
            return 0.0
        if at == len(self._edges) - 1:
            return self._before[which][-1]
        return self._before[which][at] + (place - self._edges[at]) * self._strips[which][at]


def _strips(boxes: Sequence[_Span], edges: Sequence[float]) -> Iterable[tuple[float, float]]:
    """For each strip between two edges: how much of its breadth is covered, and the shares of boxes per pixel."""
    begins, ends = sorted(boxes), sorted(boxes, key=lambda box: box.end)
    begun = ended = 0
    # By their lower side, as `_covered` needs them.
    open_now: list[tuple[float, float, _Span]] = []
    for edge in edges[:-1]:
        while ended < len(ends) and ends[ended].end <= edge:
            open_now.remove((ends[ended].low, ends[ended].high, ends[ended]))
            ended += 1
        while begun < len(begins) and begins[begun].start <= edge:
            insort(open_now, (begins[begun].low, begins[begun].high, begins[begun]))
            begun += 1
        yield _covered(open_now), sum(1 / (box.end - box.start) for _, _, box in open_now)


def _covered(ranges: Iterable[tuple[float, float, _Span]]) -> float:
    """How much sorted ranges cover; where they overlap it counts once."""
    covered, reached = 0.0, -math.inf
    for low, high, _ in ranges:
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return covered
