"""The record that a thumbnail is: its place, its question, and how long others may keep it."""

from typing import NamedTuple

from shared import names
from shared.records.record_store import RecordSpec
from shared.settings import Settings
from shared.vision import questions

# A thumbnail's address stays the same when its image is overwritten, so it may be kept only for a while.
CACHE_CONTROL = "private, max-age=300"


class Size(NamedTuple):
    """The pixels wanted, and whether to crop around what matters."""

    width: int
    height: int
    smart: bool

    def __str__(self) -> str:
        """As settings and records write it, without the way of cropping."""
        return f"{self.width}x{self.height}"


def sizes(settings: Settings) -> list[Size]:
    """The thumbnails that every image gets."""
    return [Size(width, height, settings.thumbnail_smart) for width, height in settings.thumbnail_sizes]


def spec(name: str, size: Size) -> RecordSpec:
    """Where the thumbnail of an image lies."""
    return _spec(names.thumbnail(name, width=size.width, height=size.height, smart=size.smart), size)


def spec_of_digest(digest: str, size: Size) -> RecordSpec:
    """Where the thumbnail of bytes or of an address lies, which have no name: under their SHA-256, in hex."""
    return _spec(names.thumbnail_of_digest(digest, width=size.width, height=size.height, smart=size.smart), size)


def _spec(place: str, size: Size) -> RecordSpec:
    question = questions.thumbnail(size.width, size.height, smart_cropping=size.smart)
    return RecordSpec(names.THUMBNAILS, place, question, names.THUMBNAIL_TYPE, CACHE_CONTROL)
