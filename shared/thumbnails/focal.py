"""
The focal point of an image: the place that a correction names, around which all of its thumbnails are cut.
"""

import json
from contextlib import suppress

from shared import names
from shared.pictures.crops import Point
from shared.storage.blobs import Blobs


def read(images: Blobs, name: str) -> Point | None:
    """The focal point that the image's correction names; None if there is none."""
    blob = images.read(names.CORRECTIONS, names.correction(name))
    if blob is None:
        return None
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        x, y = json.loads(blob.data)["focal"]
        if 0 <= x <= 1 and 0 <= y <= 1:
            return Point(float(x), float(y))
    return None


def written(point: Point) -> str:
    """As the metadata of a thumbnail tell it."""
    return f"{point.x:.6g},{point.y:.6g}"
