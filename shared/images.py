"""An image as a question is asked about it: its bytes, an address, or a name in the container `images`."""

import hashlib
from functools import cached_property
from typing import NamedTuple

from shared.pictures import inspection
from shared.pictures.fitting import Sent
from shared.pictures.inspection import ImageHeader


class ImageBytes:
    """
    An image as bytes.

    Attributes:
        data: the bytes.
        sent: what the image operations are sent of it, once that was made.
        kept: the keys of the questions about it that have a claim, once these were listed.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sent: Sent | None = None
        self.kept: frozenset[str] | None = None

    @cached_property
    def header(self) -> ImageHeader:
        """What its header says; raises as `inspection.inspect` does."""
        return inspection.inspect(self.data)

    @cached_property
    def subject(self) -> str:
        """What a question about it is filed under: the SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


class ImageUrl:
    """An image that Computer Vision fetches by itself; the app never does. `kept` is as for `ImageBytes`."""

    PREFIX = "url-"

    def __init__(self, url: str) -> None:
        self.url = url
        self.kept: frozenset[str] | None = None

    @cached_property
    def subject(self) -> str:
        """What a question about it is filed under: the SHA-256 of the address, marked as such."""
        return self.PREFIX + hashlib.sha256(self.url.encode()).hexdigest()


class ImageBlob(NamedTuple):
    """An image that lies in the container `images`, by its name."""

    name: str
