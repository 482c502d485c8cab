"""
What a service takes of pictures, and what it is sent of one that it does not take as it is.

A picture that is upright, of a kind that the service takes and within its limits goes untouched, byte for byte. Of any
other the service is sent a working copy: upright, sRGB, without transparency, a JPEG within its limits.
"""

from typing import NamedTuple

from shared.contract import MAX_IMAGE_BYTES, MAX_READ_BYTES, MAX_READ_SIDE_PIXELS, MAX_SIDE_PIXELS
from shared.json_types import Json
from shared.pictures import kinds
from shared.pictures.inspection import ImageHeader

# How copies are made. It is part of the question that is asked of a copy, so a better way one day asks anew.
FIT = "1"


class Limits(NamedTuple):
    """
    What a service takes.

    Attributes:
        kinds: the names of the kinds.
        bytes: fewer than so many.
        side: at most so many pixels a side.
        pixels: a copy has no more; what more would tell is not worth its way.
    """

    kinds: frozenset[str]
    bytes: int
    side: int
    pixels: int


# The image operations, and Read, of v3.2.
ANALYSIS = Limits(
    frozenset(kind.name for kind in (kinds.JPEG, kinds.PNG, kinds.GIF, kinds.BMP)),
    MAX_IMAGE_BYTES,
    MAX_SIDE_PIXELS,
    4_000_000,
)
READ = Limits(
    frozenset(kind.name for kind in (kinds.JPEG, kinds.PNG, kinds.BMP, kinds.TIFF)),
    MAX_READ_BYTES,
    MAX_READ_SIDE_PIXELS,
    24_000_000,
)


class Sent(NamedTuple):
    """What a service is sent of a picture: the picture itself, untouched, or a copy. The sides are upright pixels."""

    data: bytes
    kind: str
    width: int
    height: int
    untouched: bool

    def describe(self) -> Json:
        """As records tell it."""
        return {
            "kind": self.kind,
            "width": self.width,
            "height": self.height,
            "bytes": len(self.data),
            "untouched": self.untouched,
        }


def takes(limits: Limits, header: ImageHeader, size: int) -> bool:
    """
    Whether a service with these limits takes a picture of that header, of so many bytes, as it is.

    A document (`inspection.is_document`) has no such header, and is not asked for here: Read takes it as it is.
    """
    return (
        header.kind in limits.kinds
        and header.orientation == 1
        and size < limits.bytes
        and max(header.width, header.height) <= limits.side
    )
