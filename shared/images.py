"""An image as a question is asked about it: its bytes, an address, or a name in the container `images`."""

import hashlib
from functools import cached_property
from typing import NamedTuple

from shared import names
from shared.pictures import inspection
from shared.pictures.fitting import Sent
from shared.pictures.inspection import ImageHeader


class Owner(NamedTuple):
    """The image of the container `images` that bytes are of, and an ETag, unquoted, under which it has them."""

    name: str
    etag: str


def asker(name: str) -> str:
    """Which image asks, for a claim: a digest of its name, because answers outlive an image, and its name must not."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class ImageBytes:
    """
    An image as bytes.

    Attributes:
        data: the bytes.
        owner: the image in the container that they are of; None where they came over HTTP.
        is_owned: whether it was noted that this image has them.
        sent: what the image operations are sent of it, once that was made.
        kept: the keys of the questions about it that have a claim, once these were listed.
    """

    def __init__(self, data: bytes, owner: Owner | None = None) -> None:
        self.data = data
        self.owner = owner
        self.is_owned = False
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

    @property
    def asker(self) -> str:
        """Who asks about it (`asker`); empty where it is no image of the container."""
        return asker(self.owner.name) if self.owner else ""

    @cached_property
    def md5(self) -> str:
        """The MD5 of the bytes, in hex."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    def describe(self, etag: str) -> dict[str, str]:
        """What metadata tell of the version of an image that has these bytes, under that ETag."""
        return {
            names.SOURCE_ETAG: etag,
            names.SOURCE_SHA256: self.subject,
            names.SOURCE_MD5: self.md5,
            names.SOURCE_BYTES: str(len(self.data)),
        }


class ImageUrl:
    """An image that Computer Vision fetches by itself; the app never does. `kept` is as for `ImageBytes`."""

    PREFIX = "url-"
    asker = ""

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


Image = ImageBytes | ImageUrl | ImageBlob
