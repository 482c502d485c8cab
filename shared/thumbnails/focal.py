"""
The focal point of an image: the place that its correction names, around which all of its thumbnails are cut.
"""

from shared.pictures.crops import Point
from shared.records import corrections
from shared.storage.blobs import Blobs


def read(images: Blobs, name: str) -> Point | None:
    """The focal point that the image's correction names; None if there is none."""
    found = corrections.focal_of(images, name)
    return Point(*found) if found else None


def written(point: Point) -> str:
    """As the metadata of a thumbnail tell it."""
    return corrections.written(point)
