"""
Records of one image: which it is, whether a record is of it, and how one is written by whoever was last right.

A record is one blob. It carries in its metadata which version of the image it was made from and which question it
answers, so a HEAD tells whether it still holds. It is written only if it is still what was read before the work; after
that the image is asked for once more, because it may have been overwritten or deleted meanwhile.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from shared import image_blobs, names
from shared.errors import BusyError, ConflictError
from shared.image_blobs import Withheld
from shared.images import ImageBytes, Picture, inspect
from shared.storage import BlobInfo, Blobs, IfEtag
from shared.vision.questions import Question

# Each round is lost only to a writer that got its own record in; that many in a row mean that something else is wrong.
MAX_ROUNDS = 8


class SourceChangedError(Exception):
    """The image was overwritten (or deleted, if `deleted`) while it was worked on."""

    def __init__(self, *, deleted: bool) -> None:
        super().__init__("deleted" if deleted else "overwritten")
        self.deleted = deleted


class Version:
    """One version of an image in the container `images`: its name, its ETag (unquoted), its digest and its size."""

    def __init__(self, name: str, etag: str, sha256: str, size: int) -> None:
        self.name = name
        self.etag = etag
        self.sha256 = sha256
        self.size = size

    def describe(self) -> dict[str, object]:
        """The head of its records."""
        return {"name": self.name, "etag": self.etag, "sha256": self.sha256, "bytes": self.size}


class UnreadVersion(Version):
    """A version whose bytes nobody has read, so that nobody knows their digest."""

    def __init__(self, name: str, etag: str, size: int) -> None:
        super().__init__(name, etag, "", size)

    def describe(self) -> dict[str, object]:
        """The head of its records, without a digest."""
        return {"name": self.name, "etag": self.etag, "bytes": self.size}


class WithheldVersion(UnreadVersion):
    """A version whose bytes cannot be had, with the reason."""

    def __init__(self, withheld: Withheld) -> None:
        super().__init__(withheld.info.name, withheld.info.etag, withheld.info.size)
        self.problem = withheld.problem


class Source(Version):
    """A version with its bytes at hand."""

    def __init__(self, name: str, etag: str, image: ImageBytes) -> None:
        super().__init__(name, etag, image.subject, len(image.data))
        self.image = image

    @cached_property
    def picture(self) -> Picture:
        """What its header says; raises as `images.inspect` does."""
        return inspect(self.image.data)


class Recipe(NamedTuple):
    """
    Where one record of an image lies and what it answers.

    Attributes:
        container, name: where it lies.
        question: what is asked for it.
        content_type, cache_control: what it is stored with.
    """

    container: str
    name: str
    question: Question
    content_type: str
    cache_control: str | None = None

    def holds(self, record: BlobInfo | None, etag: str) -> bool:
        """Whether the record is of that version of the image and answers this very question."""
        return (
            record is not None
            and record.metadata.get(names.SOURCE_ETAG) == etag
            and record.metadata.get(names.REQUEST) == self.question.key
        )


def identify(blobs: Blobs, name: str, data: bytes | None) -> Source | WithheldVersion | None:
    """
    The version of the image that these bytes are, or the current one; None if the image is gone, or is a folder.

    A blob trigger hands over bytes and a name, but no ETag that can be trusted: it is the blob's own if its MD5 agrees
    with the bytes, else content and ETag are read together.
    """
    if data:  # to read what is empty costs no more than to compare it
        info = image_blobs.head(blobs, name)
        if info is None:
            return None
        if info.size == len(data) and info.md5 == hashlib.md5(data, usedforsecurity=False).digest():
            return Source(name, info.etag, ImageBytes(data))
    found = image_blobs.look(blobs, name)
    if isinstance(found, Withheld):
        return WithheldVersion(found)
    return Source(name, found.info.etag, ImageBytes(found.data)) if found else None


def whole(source: Source | WithheldVersion) -> Source:
    """The version with its bytes; raises the reason why they cannot be had."""
    if isinstance(source, WithheldVersion):
        raise source.problem
    return source


def confirm(blobs: Blobs, source: Version) -> None:
    """
    Check that the image still is that version.

    Raises:
        SourceChangedError: it is not.
    """
    info = image_blobs.head(blobs, source.name)
    if info is None or info.etag != source.etag:
        raise SourceChangedError(deleted=info is None)


def confirm_gone(blobs: Blobs, name: str) -> None:
    """
    Check that there is no such image.

    Raises:
        SourceChangedError: there is one (again).
    """
    if image_blobs.head(blobs, name) is not None:
        raise SourceChangedError(deleted=False)


def make(
    blobs: Blobs,
    source: Version,
    recipe: Recipe,
    fill: Callable[[], bytes],
    told: Mapping[str, str] = MappingProxyType({}),
) -> bytes | None:
    """
    Have the record made unless it is there.

    Args:
        blobs: the account with the images.
        source: the version of the image that it is to be of.
        recipe: which record.
        fill: makes its content; called only if it is missing, and again if another writer was faster.
        told: what its metadata is to tell besides version and question, in ASCII.

    Returns:
        Its content if it was made now; None if it was there.

    Raises:
        SourceChangedError: the image is another one by now, and another writer's record stands.
        BlobsightError: what *fill* or storing raised.
    """
    for _ in range(MAX_ROUNDS):
        record = blobs.head(recipe.container, recipe.name)
        if recipe.holds(record, source.etag):
            return None
        if record is not None:
            # An older version's, or a newer one's? The image itself says; asked after the record was looked at, so
            # that nothing newer than what was looked at can be overwritten.
            confirm(blobs, source)
        data = fill()
        try:
            write(blobs, source, recipe, data, IfEtag(record.etag if record else None), told)
        except ConflictError:
            continue  # another delivery was faster: look again
        return data
    raise BusyError(f"The record {recipe.container}/{recipe.name} is written by others again and again.")


def write(
    blobs: Blobs,
    source: Version,
    recipe: Recipe,
    data: bytes,
    condition: IfEtag,
    told: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the record on the condition; ConflictError if it does not hold."""
    return blobs.write(
        recipe.container,
        recipe.name,
        data,
        content_type=recipe.content_type,
        cache_control=recipe.cache_control,
        metadata={names.SOURCE_ETAG: source.etag, names.REQUEST: recipe.question.key, **told},
        condition=condition,
    )


def sweep(
    blobs: Blobs,
    places: Iterable[tuple[str, str]],
    check: Callable[[], None],
    wanted: Callable[[BlobInfo], bool] = lambda info: True,
) -> None:
    """
    Delete the wanted blobs that lie in these places (container, name).

    The order is what makes it safe beside other writers: look, then check that the image is (still) what makes them
    outdated, then delete exactly what was looked at. What was written since has another ETag and stays.

    Raises:
        SourceChangedError: what *check* raised; nothing was deleted.
    """
    seen = [(container, name, blobs.head(container, name)) for container, name in places]
    outdated = [(container, name, info.etag) for container, name, info in seen if info and wanted(info)]
    check()
    for container, name, etag in outdated:
        with suppress(ConflictError):
            blobs.delete(container, name, etag=etag)
