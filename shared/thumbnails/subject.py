"""
What a picture is about, by what Computer Vision has said of it: the boxes of objects and faces, or an area of interest.
"""

import json
from collections.abc import Iterator
from contextlib import suppress

from shared.errors import UnexpectedAnswerError
from shared.json_types import Json
from shared.pictures.crops import Box, Subject
from shared.pictures.inspection import ImageHeader
from shared.vision import mapping
from shared.vision.fields import typed
from shared.vision.mapping import Frame
from shared.vision.models import Analysis, AreaOfInterest, Rectangle

# An object of less confidence is often none.
_CONFIDENCE = 0.5
# What covers less of the picture is seldom its subject: an object of a scene, a face of a crowd.
_SHARE_OF_THING, _SHARE_OF_FACE = 1 / 200, 1 / 2000


def of_record(record: bytes, header: ImageHeader) -> Subject | None:
    """
    The subject that an analysis record names, in upright pixels; None if it names none.

    A record without `sent` is the version before's, which sent a picture as it is stored: its boxes are turned.
    """
    with suppress(ValueError, KeyError, TypeError, UnexpectedAnswerError):
        content = json.loads(record)
        result = typed(content["result"], dict, "the record's result")
        if "sent" not in content and header.orientation != 1:
            result = dict(mapping.upright(result, Frame.of_stored((header.width, header.height), header.orientation)))
        return of_analysis(result, header)
    return None


def of_analysis(result: Json, header: ImageHeader) -> Subject | None:
    """
    The same of an answer to `analyze`; None too of one that has not the form of one.

    The answer is kept, so to ask again would bring the same.
    """
    with suppress(UnexpectedAnswerError):
        analysis, sides = Analysis.of(result), (header.width, header.height)
        found = (each.rectangle for each in analysis.objects if (each.confidence or 0.0) >= _CONFIDENCE)
        things = tuple(_boxes((each for each in found if each), sides, _SHARE_OF_THING))
        faces = tuple(_boxes(iter(analysis.faces), sides, _SHARE_OF_FACE))
        return Subject(things, faces) if things or faces else None
    return None


def of_area(result: Json, header: ImageHeader) -> Subject | None:
    """The same of an answer to `areaOfInterest`, of whatever size."""
    with suppress(UnexpectedAnswerError):
        area = AreaOfInterest.of(result).rectangle
        things = tuple(_boxes(iter([area]), (header.width, header.height), 0.0))
        return Subject(things) if things else None
    return None


def _boxes(found: Iterator[Rectangle], sides: tuple[int, int], share: float) -> Iterator[Box]:
    """Those that cover more than that share of the picture, as far as they lie in it."""
    width, height = sides
    for each in found:
        left, top = max(0, each.x), max(0, each.y)
        box = Box(left, top, min(width, each.x + each.width) - left, min(height, each.y + each.height) - top)
        if min(box.width, box.height) > 0 and box.width * box.height >= share * width * height:
            yield box
