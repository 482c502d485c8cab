"""
How the lines of a page lie: which way the page was turned, its tilt, and the order in which its lines are read.

Lines are quads in pixels of the page as it came; nothing is rotated but the corners they begin with.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from local.vision.text.recognition import Quad, Recognized

LONG = 1.5  # a box so much wider than high shows which way its line runs
SAMPLED_LINES = 4
# Mean confidence of the longest lines. Upright print was at 0.95 and more, upside down at 0.82 and less.
SURELY_UPRIGHT = 0.92
SAME_ROW = 0.5  # lines whose middles are closer than this share of the lower one's height stand in one row
MIN_COLUMN_LINES = 3
MIN_COLUMN_WIDTH = 6.0  # in heights of a line: prices beside a list are no column of text
MIN_GUTTER = 0.8  # in heights of a line

Point = NDArray[np.float64]
Recognize = Callable[[Quad], Recognized]


def upright_quads(quads: Sequence[Quad], recognize: Recognize) -> list[Quad]:
    """
    Return *quads* with each one's first corner where its text begins.

    The slope of the lines is told by the boxes' long sides, which end they begin at by *recognize* on the longest.
    """
    if not quads:
        return []
    axis = _axis(quads)
    turned = [_begun_along(_clockwise(quad), axis) for quad in quads]
    sample = sorted(turned, key=_length, reverse=True)[:SAMPLED_LINES]
    certain = _certainty(sample, recognize)
    if certain < SURELY_UPRIGHT and _certainty([_reversed(quad) for quad in sample], recognize) > certain:
        return [_reversed(quad) for quad in turned]
    return turned


def page_angle(quads: Sequence[Quad]) -> float:
    """Return the angle in degrees, clockwise, in (-180, 180], at which most of the text runs."""
    if not quads:
        return 0.0
    lines = [quad for quad in quads if _is_long(quad)] or quads
    runs = np.sum([quad[1] - quad[0] + quad[2] - quad[3] for quad in lines], axis=0)
    angle = float(np.degrees(np.arctan2(runs[1], runs[0])))
    return 180.0 if angle <= -180 else angle


def reading_order(quads: Sequence[Quad], *, angle: float, by_columns: bool) -> list[int]:
    """
    Return the indices of *quads* in the order of reading.

    Row by row from the left; *by_columns* reads columns of text one after the other.
    """
    boxes = np.array([_straight(quad, angle) for quad in quads]).reshape(-1, 4)
    lines = list(range(len(boxes)))
    return _by_columns(lines, boxes) if by_columns else _by_rows(lines, boxes)


def _by_rows(lines: Sequence[int], boxes: Quad) -> list[int]:
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    heights = boxes[:, 3] - boxes[:, 1]
    rows: list[list[int]] = []
    for line in sorted(lines, key=lambda line: float(middles[line])):
        last = rows[-1][-1] if rows else None
        if last is not None and middles[line] - middles[last] < SAME_ROW * min(heights[line], heights[last]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: float(boxes[line, 0]))]


def _by_columns(lines: Sequence[int], boxes: Quad) -> list[int]:
    if len(lines) < 2:
        return list(lines)
    height = float(np.median([boxes[line, 3] - boxes[line, 1] for line in lines]))
    parts = _cut(lines, boxes, axis=0, gap=MIN_GUTTER * height)
    if parts and all(_is_column(part, boxes, height) for part in parts):
        return [line for part in parts for line in _by_columns(part, boxes)]
    blocks = _cut(lines, boxes, axis=1, gap=0.0)
    if blocks:
        return [line for block in blocks for line in _by_columns(block, boxes)]
    return _by_rows(lines, boxes)


def _cut(lines: Sequence[int], boxes: Quad, *, axis: int, gap: float) -> tuple[list[int], list[int]] | None:
    """Cut at the widest gap along *axis* (0 from left to right, 1 downwards) if it is wider than *gap*."""
    ordered = sorted(lines, key=lambda line: float(boxes[line, axis]))
    ends = np.maximum.accumulate([boxes[line, axis + 2] for line in ordered])
    gaps = [float(boxes[line, axis] - end) for line, end in zip(ordered[1:], ends, strict=False)]
    widest = max(gaps, default=0.0)
    if widest <= gap:
        return None
    at = gaps.index(widest) + 1
    return ordered[:at], ordered[at:]


def _is_column(lines: Sequence[int], boxes: Quad, height: float) -> bool:
    widths = [boxes[line, 2] - boxes[line, 0] for line in lines]
    return len(lines) >= MIN_COLUMN_LINES and float(np.median(widths)) >= MIN_COLUMN_WIDTH * height


def _straight(quad: Quad, angle: float) -> Quad:
    """Return left, top, right, bottom of *quad* in a page turned back by *angle* degrees."""
    turn = np.radians(-angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = quad @ rotation
    # Of a line that is tilted against the page its middle counts, not the box around it.
    middle, height = corners.mean(axis=0), float(np.linalg.norm(quad[3] - quad[0]))
    return np.array([corners[:, 0].min(), middle[1] - height / 2, corners[:, 0].max(), middle[1] + height / 2])


def _certainty(quads: Sequence[Quad], recognize: Recognize) -> float:
    return float(np.average([recognize(quad).confidence for quad in quads], weights=[_length(quad) for quad in quads]))


def _reversed(quad: Quad) -> Quad:
    return np.roll(quad, 2, axis=0)


def _sides(quad: Quad) -> tuple[float, float]:
    return float(np.linalg.norm(quad[1] - quad[0])), float(np.linalg.norm(quad[3] - quad[0]))


def _length(quad: Quad) -> float:
    return max(_sides(quad))


def _clockwise(quad: Quad) -> Quad:
    """Return the corners of *quad* in the order of a clock's hand on the screen."""
    around = quad - quad.mean(axis=0)
    return np.asarray(quad[np.argsort(np.arctan2(around[:, 1], around[:, 0]))], np.float64)


def _axis(quads: Sequence[Quad]) -> Point:
    """Return the direction, to the right or down, in which most lines run by the shape of their boxes."""
    total = 0j
    for quad in quads:
        corners = _clockwise(quad)
        first, second = (complex(*(corners[at + 1] - corners[at])) for at in (0, 1))
        side = max(first, second, key=abs)
        # Squared, both directions of a line are one; squares count little: they run in neither.
        total += side**2 / max(abs(side), 1.0) * (1 - min(abs(first), abs(second)) / max(abs(side), 1.0))
    axis = np.sqrt(total / abs(total)) if abs(total) > 0 else 1 + 0j
    axis = -axis if np.degrees(np.angle(axis)) <= -45 else axis
    return np.array([axis.real, axis.imag])


def _begun_along(quad: Quad, axis: Point) -> Quad:
    """Return *quad* with that corner first from which a side runs most along *axis*."""
    sides = np.roll(quad, -1, axis=0) - quad
    along = (sides @ axis) / np.maximum(np.linalg.norm(sides, axis=1), 1e-9)
    return np.roll(quad, -int(np.argmax(along)), axis=0)


def _is_long(quad: Quad) -> bool:
    width, height = _sides(quad)
    return width > LONG * height
