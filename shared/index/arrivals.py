"""
What the index knows of an image before it has any record: that it is there, which its state makes `pending`.
"""

from contextlib import suppress
from datetime import UTC, datetime

from shared import names
from shared.errors import ImageRejectedError
from shared.images import ImageBytes
from shared.index import parts
from shared.index.entry import IMAGE, ImagePart, Line
from shared.pictures import taken
from shared.pictures.inspection import kind_of


def line_of(name: str, image: ImageBytes, at: float) -> Line:
    """
    The line of an image that was stored with these bytes.

    Records of other bytes count for nothing from then on. Records of these bytes count as before.

    Args:
        name: the image's name.
        image: its bytes.
        at: the moment before it was stored, as `times.moment` tells it.
    """
    return {"stem": names.stem(name), "at": at, "parts": {IMAGE: _part(name, image, datetime.fromtimestamp(at, UTC))}}


def _part(name: str, image: ImageBytes, uploaded: datetime) -> ImagePart:
    """As `parts` makes it of the head of an analysis, as far as the bytes tell it."""
    told: ImagePart = {"bytes": len(image.data), "uploaded": uploaded.isoformat()}
    told["v"] = image.subject[: parts.VERSION_CHARACTERS]
    if names.stem(name) != name:
        told["name"] = name
    if kind := kind_of(image.data):
        told["kind"] = parts.kind_of_type(kind.content_type)
        if when := taken.of_bytes(image.data, kind.name):
            told["taken"] = when
    with suppress(ImageRejectedError):
        told["width"], told["height"] = image.header.width, image.header.height
    return told
