"""
Records of one image: which it is, whether a record is of it, and how one is written by whoever was last right.

A record is one blob. It carries in its metadata which version of the image it was made from and which question it
answers, so a HEAD tells whether it still holds. It is written only if it is still what was read before the work; after
that the image is asked for once more, because it may have been overwritten or deleted meanwhile.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from shared import former, names
from shared.contract import MAX_READ_BYTES
from shared.errors import BusyError, ConflictError, ImageArchivedError
from shared.images import ImageBytes
from shared.pictures.inspection import Picture, inspect
from shared.storage import image_blobs
from shared.storage.azure import BlobInfo, Blobs, IfEtag
from shared.storage.image_blobs import Withheld
from shared.vision.questions import Question

# Each round is lost only to a writer that got its own record in; that many in a row mean that something else is wrong.
MAX_ROUNDS = 8


class SourceChangedError(Exception):
    """The image was overwritten (or deleted, if `deleted`) while it was worked on."""

    def __init__(self, *, deleted: bool) -> None:
        super().__init__("deleted" if deleted else "overwritten")
        self.deleted = deleted


class Version:
    """
    One version of an image in the container `images`: the same bytes are the same version.

    Who edits an image's metadata or content type gives it another ETag, but no other bytes.

    Attributes:
        name: the image.
        etag: an ETag of these bytes, unquoted; `etags` are all that are known.
        sha256, md5: of the bytes that the app has read, in hex; empty where they are not known.
        size: in bytes.
        modified: when the blob was last written, as `confirm` has last seen it; None before.
    """

    modified: datetime | None = None

    def __init__(self, name: str, etag: str, sha256: str, size: int, md5: str = "") -> None:
        self.name = name
        self.etag = etag
        self.etags = {etag}
        self.sha256 = sha256
        self.size = size
        self.md5 = md5

    def age_seconds(self, now: datetime) -> float | None:
        """Seconds from its upload until *now*, never negative; None where it was not confirmed yet."""
        return max(0.0, round((now - self.modified).total_seconds(), 1)) if self.modified else None

    def describe(self) -> dict[str, object]:
        """The head of its records."""
        return {"name": self.name, "etag": self.etag, "sha256": self.sha256, "bytes": self.size}

    def told(self) -> dict[str, str]:
        """What the metadata of its records tells of it."""
        known = {names.SOURCE_SHA256: self.sha256, names.SOURCE_MD5: self.md5, names.SOURCE_BYTES: str(self.size)}
        return {names.SOURCE_ETAG: self.etag, **{key: value for key, value in known.items() if value}}

    def made(self, blobs: Blobs, record: BlobInfo) -> bool:
        """Whether the record was made from it: the SHA-256 decides, and the ETag where one of the two has none."""
        sha256, etag = (record.metadata.get(key, "") for key in (names.SOURCE_SHA256, names.SOURCE_ETAG))
        if not self.sha256 or (not sha256 and etag in self.etags):
            return etag in self.etags
        return (sha256 or former.sha256_of(blobs, self.name, etag)) == self.sha256

    def is_described(self, head: Mapping[str, object]) -> bool:
        """The same of the head of a record."""
        return head["sha256"] == self.sha256 if self.sha256 and head.get("sha256") else head["etag"] in self.etags


class UnreadVersion(Version):
    """A version whose bytes the app has not read, so that only its ETag can tell it from others."""

    def __init__(self, name: str, etag: str, size: int) -> None:
        super().__init__(name, etag, "", size)

    def describe(self) -> dict[str, object]:
        """The head of its records, without a digest."""
        return {"name": self.name, "etag": self.etag, "bytes": self.size}


class LookedAt(UnreadVersion):
    """
    A version of which only the blob's properties are known. Their MD5 is the uploader's word.

    That is enough to show a state or to hand out a record. Nothing is written or paid because of it.
    """

    def __init__(self, info: BlobInfo) -> None:
        super().__init__(info.name, info.etag, info.size)
        self._said = info.md5.hex() if info.md5 else ""

    def made(self, blobs: Blobs, record: BlobInfo) -> bool:
        """Whether the record was made from it, as far as ETag, MD5 and length tell."""
        of_bytes = tuple(record.metadata.get(key) for key in (names.SOURCE_MD5, names.SOURCE_BYTES))
        return super().made(blobs, record) or (bool(self._said) and of_bytes == (self._said, str(self.size)))

    def may_have_made(self, record: BlobInfo) -> bool:
        """Whether the bytes have to be read to know it."""
        told = record.metadata
        if told.get(names.SOURCE_ETAG) == self.etag or (self._said and told.get(names.SOURCE_MD5)):
            return False
        return told.get(names.SOURCE_BYTES, str(self.size)) == str(self.size)


class WithheldVersion(UnreadVersion):
    """A version whose bytes cannot be had, with the reason; see `image_blobs.Withheld`."""

    def __init__(self, withheld: Withheld) -> None:
        super().__init__(withheld.info.name, withheld.info.etag, withheld.info.size)
        self.problem = withheld.problem
        self.beginning = withheld.beginning


class Source(Version):
    """A version with its bytes at hand."""

    def __init__(self, name: str, etag: str, image: ImageBytes) -> None:
        md5 = hashlib.md5(image.data, usedforsecurity=False).hexdigest()
        super().__init__(name, etag, image.subject, len(image.data), md5)
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

    def holds(self, blobs: Blobs, record: BlobInfo | None, version: Version) -> bool:
        """Whether the record is of that version of the image and answers this very question."""
        return (
            record is not None
            and record.metadata.get(names.REQUEST) == self.question.key
            and version.made(blobs, record)
        )


def identify(
    blobs: Blobs, name: str, data: bytes | None, *, most: int = MAX_READ_BYTES
) -> Source | WithheldVersion | None:
    """
    The version of the image that these bytes are, or the current one; None if the image is gone, or is a folder.

    One with more than *most* bytes is withheld, and neither read nor hashed.

    A blob trigger hands over bytes and a name, but no ETag that can be trusted: it is the blob's own if its bytes are
    the same. Its MD5 cannot tell that: the uploader sets it, and storage does not check it.
    """
    if data and len(data) <= most:  # to read what is empty costs no more than to compare it
        image = ImageBytes(data)
        with suppress(ImageArchivedError):
            digest = image_blobs.digest(blobs, name)
            if digest and digest.sha256 == image.subject:
                return Source(name, digest.info.etag, image)
    found = image_blobs.look(blobs, name, most=most)
    if isinstance(found, Withheld):
        return WithheldVersion(found)
    return Source(name, found.info.etag, ImageBytes(found.data)) if found else None


def whole(source: Source | WithheldVersion) -> Source:
    """The version with its bytes; raises the reason why they cannot be had."""
    if isinstance(source, WithheldVersion):
        raise source.problem
    return source


def digested(blobs: Blobs, info: BlobInfo) -> Version | None:
    """The version that an image is now, by its bytes unless they are too many to be read; None if it is gone."""
    if info.size > MAX_READ_BYTES:
        return UnreadVersion(info.name, info.etag, info.size)
    digest = image_blobs.digest(blobs, info.name)
    if digest is None:
        return None
    return Version(info.name, digest.info.etag, digest.sha256, digest.info.size, digest.md5)


def confirm(blobs: Blobs, source: Version) -> None:
    """
    Check that the image still is that version. Its bytes are read if its ETag is not known yet.

    Raises:
        SourceChangedError: it is not.
    """
    info = image_blobs.head(blobs, source.name)
    if info is not None and info.etag in source.etags:
        source.modified = info.modified
        return
    if info is None or not source.sha256 or info.size != source.size:
        raise SourceChangedError(deleted=info is None)
    digest = image_blobs.digest(blobs, source.name)
    if digest is None or digest.sha256 != source.sha256:
        raise SourceChangedError(deleted=digest is None)
    source.etags.add(digest.info.etag)
    source.modified = digest.info.modified


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
        if record is not None and recipe.holds(blobs, record, source):
            if renew(blobs, source, recipe.container, record):
                return None
            continue
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
    raise busy(recipe.container, recipe.name)


def is_there(blobs: Blobs, source: Version, recipe: Recipe) -> bool:
    """
    Whether the record is there, so that nothing has to be made.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    for _ in range(MAX_ROUNDS):
        record = blobs.head(recipe.container, recipe.name)
        if record is None or not recipe.holds(blobs, record, source):
            return False
        if renew(blobs, source, recipe.container, record):
            return True
    raise busy(recipe.container, recipe.name)


def renew(blobs: Blobs, source: Version, container: str, record: BlobInfo) -> bool:
    """
    Have a record of the same bytes tell the ETag that they have now; False if it is another record by now.

    Two things follow: a HEAD tells that the record holds, and a process that still works on a version between the two
    cannot delete or overwrite it any more.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    if record.metadata.get(names.SOURCE_ETAG) not in source.etags:
        confirm(blobs, source)
    if record.metadata.get(names.SOURCE_ETAG) in source.etags:
        return True
    blob = blobs.read(container, record.name)
    if blob is None:
        return False
    try:
        blobs.write(
            container,
            record.name,
            blob.data,
            content_type=record.content_type or names.BYTES,
            cache_control=record.cache_control,
            metadata={**record.metadata, **source.told()},
            condition=IfEtag(record.etag),
        )
    except ConflictError:
        return False
    return True


def busy(container: str, name: str) -> BusyError:
    """The error that each round was lost to another writer."""
    return BusyError(f"The record {container}/{name} is written by others again and again.")


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
        metadata={**source.told(), names.REQUEST: recipe.question.key, **told},
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
