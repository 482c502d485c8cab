"""Whether a thumbnail of a photograph is upright, in the right colours and about its subject."""

from doubles.photographs import Photograph, as_image
from doubles.scenes import PLACES, Place, colour_inside, find, opened

# Largest difference of a channel: what JPEG and a profile's rounding do to a flat colour is below 6, a profile that is
# left out makes more than 20.
COLOUR_TOLERANCE = 12
# In pixels of the thumbnail: half a pixel of scaling and one of a soft edge.
PLACE_TOLERANCE = 2.5


def check_thumbnail(
    data: bytes, photograph: Photograph, size: tuple[int, int], form: str = "JPEG", *, knows_faces: bool = True
) -> None:
    """
    Assert all that; *size* is what was asked for, and the picture has at least as many pixels.

    Faces are kept whole where they fit, if it was known that they are faces (*knows_faces*).

    The cut is the largest of its shape, so it is known how large each thing is in it, and where across the side that
    was not cut; along the other one, how far the thing and the face are from each other.
    """
    image = as_image(data)
    assert (image.format, image.size) == (form, size)
    pixels = opened(image)
    # A sliver at the edge tells no place.
    found = {what: place for what, place in find(pixels).items() if min(place.width, place.height) >= 10}
    scale = max(side / of for side, of in zip(size, photograph.sides, strict=True))
    expected = {
        what: Place(*(scale * number for number in place.of(photograph.sides)))
        for what, place in PLACES.items()
        if what == "thing" or photograph.has_face
    }
    # The side along which the window slides: 0 for x, 1 for y.
    sliding = 0 if photograph.sides[0] * scale - size[0] > 0.5 else 1
    assert found, "nothing of the subject is in it"
    for what, place in found.items():
        _check_across(place, expected[what], 1 - sliding)
        assert _differ(colour_inside(pixels, place), photograph.paint.rgb(what)) <= COLOUR_TOLERANCE, what
    # What fits is kept: all of the subject, or else the face.
    kept = [
        what
        for what in expected
        if _fits(_around(expected), size) or (what == "face" and knows_faces and _fits(expected[what], size))
    ]
    for what in kept:
        assert abs(_length(found[what], sliding) - _length(expected[what], sliding)) <= PLACE_TOLERANCE, what
    if len(kept) == 2:
        there, wanted = ({what: each[what].edges[sliding] for what in kept} for each in (found, expected))
        assert abs((there["face"] - there["thing"]) - (wanted["face"] - wanted["thing"])) <= 2 * PLACE_TOLERANCE
    if sliding == 0:
        above = pixels[: size[1] // 20 + 1].mean(axis=(0, 1))
        assert _differ(tuple(above), photograph.paint.rgb("ground")) <= COLOUR_TOLERANCE


def _check_across(place: Place, wanted: Place, axis: int) -> None:
    for there, expected in zip(place.edges[axis::2], wanted.edges[axis::2], strict=True):
        assert abs(there - expected) <= PLACE_TOLERANCE, (place, wanted)


def _around(places: dict[str, Place]) -> Place:
    lefts, tops, rights, bottoms = zip(*(place.edges for place in places.values()), strict=True)
    return Place(min(lefts), min(tops), max(rights) - min(lefts), max(bottoms) - min(tops))


def _fits(place: Place, size: tuple[int, int]) -> bool:
    return place.width <= size[0] and place.height <= size[1]


def _length(place: Place, axis: int) -> float:
    return place[2 + axis]


def _differ(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
