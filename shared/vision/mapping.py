"""
Every place in an answer, from pixels of what the service was sent to upright pixels of the original.

The places of v3.2 are the rectangles of objects, brands, faces, celebrities and the area of interest. The corners of
lines and words that Read has found in pixels are places too; its pages in inches are of PDFs, which go as they are.
With the places go the sides that an answer tells. A place lies within the picture afterwards, and has whole numbers
where it had them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from shared.errors import UnexpectedAnswerError
from shared.vision.fields import Json

# By the member's name: its left and upper edge, its width and height.
_RECTANGLES = {
    "rectangle": ("x", "y", "w", "h"),
    "areaOfInterest": ("x", "y", "w", "h"),
    "faceRectangle": ("left", "top", "width", "height"),
}
_SIDES = ("width", "height")
# What a number must be below to be a place; a picture has at most some ten thousand pixels a side.
_BEYOND_ANY_PICTURE = 1e9
# Of each orientation that mirrors: the corners of a line in the order that is clockwise again.
_MIRRORING = (2, 4, 5, 7)
_MIRRORED_CORNERS = (1, 0, 3, 2)
# Of each orientation: the sign of a line's angle, and the degrees that are added.
_ANGLES = {1: (1, 0), 2: (-1, 0), 3: (1, 180), 4: (-1, 180), 5: (-1, -90), 6: (1, 90), 7: (-1, 90), 8: (1, -90)}


class Frame(NamedTuple):
    """
    How the pixels of what was sent become those of the original.

    Attributes:
        sent: width and height of what was sent, as its pixels lie.
        upright: width and height of the original, upright.
        orientation: how what was sent has to be turned to be upright, as Exif counts it; 1 is not at all.
    """

    sent: tuple[int, int]
    upright: tuple[int, int]
    orientation: int = 1

    @classmethod
    def of_stored(cls, upright: tuple[int, int], orientation: int) -> "Frame":
        """The frame of a picture that was sent as it is stored, to be turned by its orientation."""
        width, height = upright
        return cls((height, width) if orientation >= 5 else upright, upright, orientation)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """The same point in the original, or the nearest one of it."""
        width, height = self.sent
        x, y = {
            2: (width - x, y),
            3: (width - x, height - y),
            4: (x, height - y),
            5: (y, x),
            6: (height - y, x),
            7: (height - y, width - x),
            8: (y, width - x),
        }.get(self.orientation, (x, y))
        if self.orientation >= 5:
            width, height = height, width
        return _scaled(x, width, self.upright[0]), _scaled(y, height, self.upright[1])


def mapped(answer: Json, frame: Frame) -> dict[str, Any]:
    """
    The answer with its places and sides in upright pixels of the original.

    Raises:
        UnexpectedAnswerError: it is nested deeper than any answer of v3.2.
    """
    try:
        return {key: _member(key, value, frame) for key, value in answer.items()}
    except RecursionError as error:
        raise UnexpectedAnswerError("Computer Vision answered 200, but its JSON is nested too deep.") from error


def upright(answer: Json, frame: Frame) -> Json:
    """
    The answer about a picture that was sent as it is stored, turned upright.

    Whether the service turns a picture by its orientation is not documented. Only what its own sides show to be in
    stored pixels is turned; all else is as it came.
    """
    metadata = answer.get("metadata")
    pages = _pages(answer)
    told = [metadata] if isinstance(metadata, Mapping) else pages
    as_stored = bool(told) and all(tuple(each.get(side) for side in _SIDES) == frame.sent for each in told)
    return mapped(answer, frame) if as_stored else answer


def _pages(answer: Json) -> list[Json]:
    result = answer.get("analyzeResult")
    pages = result.get("readResults") if isinstance(result, Mapping) else None
    return [each for each in pages if isinstance(each, Mapping)] if isinstance(pages, list) else []


def _member(key: str, value: Any, frame: Frame) -> Any:
    if key == "readResults" and isinstance(value, list):
        return [_page(each, frame) if isinstance(each, dict) else each for each in value]
    if key in _RECTANGLES and isinstance(value, dict):
        return _rectangle(value, _RECTANGLES[key], frame)
    if key == "metadata" and isinstance(value, dict):
        return _with_sides(value, frame)
    return _within(value, frame)


def _within(value: Any, frame: Frame) -> Any:
    if isinstance(value, dict):
        return {key: _member(key, each, frame) for key, each in value.items()}
    return [_within(each, frame) for each in value] if isinstance(value, list) else value


def _with_sides(value: Json, frame: Frame) -> dict[str, Any]:
    return {**value, **{name: side for name, side in zip(_SIDES, frame.upright, strict=True) if name in value}}


def _rectangle(value: Json, names: Sequence[str], frame: Frame) -> Json:
    places = [value.get(name) for name in names]
    if not _are_places(places):
        return value
    x, y, width, height = places
    (ax, ay), (bx, by) = frame.point(x, y), frame.point(x + width, y + height)
    columns, rows = (min(ax, bx), max(ax, bx)), (min(ay, by), max(ay, by))
    if _are_whole(places):
        columns, rows = (_rounded(edges, most) for edges, most in zip((columns, rows), frame.upright, strict=True))
    box = (columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
    return {**value, **dict(zip(names, box, strict=True))}


def _rounded(edges: tuple[float, float], most: int) -> tuple[int, int]:
    """The edges in whole pixels; what has a width keeps one."""
    first, last = (round(edge) for edge in edges)
    if first < last or edges[0] == edges[1]:
        return first, last
    first = min(first, most - 1)
    return first, first + 1


def _page(page: Json, frame: Frame) -> Json:
    if page.get("unit", "pixel") != "pixel":
        return page
    told = _with_sides(page, frame)
    angles = [page.get("angle")]
    if frame.orientation != 1 and _are_places(angles):
        sign, degrees = _ANGLES[frame.orientation]
        told["angle"] = _half_circle(sign * angles[0] + degrees)
    if isinstance(page.get("lines"), list):
        told["lines"] = [_text(line, frame) for line in page["lines"]]
    return told


def _half_circle(degrees: float) -> float:
    """The same angle, above -180 and up to 180."""
    return round(180 - (180 - degrees) % 360, 4)


def _text(found: Any, frame: Frame) -> Any:
    """A line or a word, and the words of a line."""
    if not isinstance(found, dict):
        return found
    told = {**found, "boundingBox": _corners(found["boundingBox"], frame)} if "boundingBox" in found else {**found}
    if isinstance(found.get("words"), list):
        told["words"] = [_text(word, frame) for word in found["words"]]
    return told


def _corners(box: Any, frame: Frame) -> Any:
    """Eight numbers: the corners clockwise, from the upper left one of the text as it is read."""
    if not isinstance(box, list) or len(box) != 8 or not _are_places(box):
        return box
    corners = [frame.point(x, y) for x, y in zip(box[::2], box[1::2], strict=True)]
    if frame.orientation in _MIRRORING:
        corners = [corners[each] for each in _MIRRORED_CORNERS]
    places = [place for corner in corners for place in corner]
    return [round(place) if _are_whole(box) else round(place, 2) for place in places]


def _scaled(place: float, before: int, after: int) -> float:
    """The place on a side of another length, kept on it."""
    return min(max(place * after / before, 0.0), float(after))


def _are_whole(places: Sequence[float]) -> bool:
    return all(isinstance(place, int) for place in places)


def _are_places(values: Sequence[Any]) -> TypeGuard[Sequence[float]]:
    # Python takes True for a number, and its parser of JSON takes NaN for one, which is below nothing.
    return all(type(value) in (int, float) and abs(value) < _BEYOND_ANY_PICTURE for value in values)
