"""
Which version of an image this is: by its bytes where the app has read them, else by what a HEAD tells.

An image may be overwritten, edited or deleted at any time, so a writer looks again after it has written.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Self

from shared import names
from shared.contract import MAX_READ_BYTES
from shared.errors import ImageArchivedError
from shared.images import ImageBytes, Owner
from shared.pictures.inspection import ImageHeader
from shared.records import former
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs
from shared.storage.image_blobs import Withheld


class SourceChangedError(Exception):
    """The image was overwritten (or deleted, if `deleted`) while it was worked on."""

    def __init__(self, *, deleted: bool) -> None:
        super().__init__("deleted" if deleted else "overwritten")
        self.deleted = deleted


class Version:
    """
    One version of an image in the container `images`: the same bytes are the same version.

    A caller who edits an image's metadata or content type gives it another ETag, but no other bytes.

    Attributes:
        name: the image.
        beginning: its first bytes, as many as are at hand.
        etag: an ETag of these bytes, unquoted; `etags` are all that are known.
        sha256, md5: of the bytes that the app has read, in hex; empty where they are not known.
        size: in bytes.
        modified: when the blob was last written, as `ensure_unchanged` has last seen it; None before.
        uploaded: the same when the image was found, in ISO 8601; empty where that is not known.
        outdated: SHA-256 of other bytes that the image has had, as far as its records have told since.
        before_renewal: called before a record of these bytes is written again, as they have another ETag now.
    """

    modified: datetime | None = None
    uploaded: str = ""
    beginning: bytes = b""

    def __init__(self, name: str, etag: str, sha256: str, size: int, md5: str = "") -> None:
        self.name = name
        self.etag = etag
        self.etags = {etag}
        self.sha256 = sha256
        self.size = size
        self.md5 = md5
        self.outdated: set[str] = set()
        self.before_renewal: Callable[[], object] = lambda: None

    def age_seconds(self, now: datetime) -> float | None:
        """Seconds from its upload until *now*, never negative; None where it was not confirmed yet."""
        return max(0.0, round((now - self.modified).total_seconds(), 1)) if self.modified else None

    def describe(self) -> dict[str, object]:
        """The head of its records."""
        head: dict[str, object] = {"name": self.name, "etag": self.etag, "sha256": self.sha256, "bytes": self.size}
        return {**head, **self._told_upload()}

    def _told_upload(self) -> dict[str, str]:
        return {"uploaded": self.uploaded} if self.uploaded else {}

    def found(self, info: BlobInfo) -> Self:
        """The same, whose image was found with these properties."""
        self.uploaded = info.modified.isoformat() if info.modified else ""
        return self

    def metadata(self) -> dict[str, str]:
        """What the metadata of its records tells of it."""
        known = {names.SOURCE_SHA256: self.sha256, names.SOURCE_MD5: self.md5, names.SOURCE_BYTES: str(self.size)}
        return {names.SOURCE_ETAG: self.etag, **{key: value for key, value in known.items() if value}}

    def is_source_of(self, blobs: Blobs, record: BlobInfo) -> bool:
        """Whether the record was made from it: the SHA-256 decides, and the ETag where one of the two has none."""
        sha256, etag = (record.metadata.get(key, "") for key in (names.SOURCE_SHA256, names.SOURCE_ETAG))
        if not self.sha256 or (not sha256 and etag in self.etags):
            return etag in self.etags
        sha256 = sha256 or former.sha256_of(blobs, self.name, etag)
        if sha256 and sha256 != self.sha256:
            self.outdated.add(sha256)
        return sha256 == self.sha256

    def is_described(self, head: Mapping[str, object]) -> bool:
        """The same of the head of a record."""
        return head["sha256"] == self.sha256 if self.sha256 and head.get("sha256") else head["etag"] in self.etags


class UnreadVersion(Version):
    """A version whose bytes the app has not read, so that only its ETag can tell it from others."""

    def __init__(self, name: str, etag: str, size: int) -> None:
        super().__init__(name, etag, "", size)

    def describe(self) -> dict[str, object]:
        """The head of its records, without a digest."""
        return {"name": self.name, "etag": self.etag, "bytes": self.size, **self._told_upload()}


class SeenVersion(UnreadVersion):
    """
    A version of which only the blob's properties are known. Their MD5 is the uploader's word.

    That is enough to show a state or to hand out a record. Nothing is written or paid because of it.
    """

    def __init__(self, info: BlobInfo) -> None:
        super().__init__(info.name, info.etag, info.size)
        self._said = info.md5.hex() if info.md5 else ""

    def is_source_of(self, blobs: Blobs, record: BlobInfo) -> bool:
        """Whether the record was made from it, as far as ETag, MD5 and length tell."""
        of_bytes = tuple(record.metadata.get(key) for key in (names.SOURCE_MD5, names.SOURCE_BYTES))
        return super().is_source_of(blobs, record) or (bool(self._said) and of_bytes == (self._said, str(self.size)))

    def may_be_source_of(self, record: BlobInfo) -> bool:
        """Whether the bytes have to be read to know it."""
        metadata = record.metadata
        if metadata.get(names.SOURCE_ETAG) == self.etag or (self._said and metadata.get(names.SOURCE_MD5)):
            return False
        return metadata.get(names.SOURCE_BYTES, str(self.size)) == str(self.size)


class WithheldVersion(UnreadVersion):
    """A version whose bytes cannot be had, with the reason; see `image_blobs.Withheld`."""

    def __init__(self, withheld: Withheld) -> None:
        super().__init__(withheld.info.name, withheld.info.etag, withheld.info.size)
        self.problem = withheld.problem
        self.beginning = withheld.beginning


class Source(Version):
    """A version with its bytes at hand."""

    def __init__(self, name: str, etag: str, image: ImageBytes) -> None:
        super().__init__(name, etag, image.subject, len(image.data), image.md5)
        image.owner = Owner(name, etag)
        self.image = image
        self.beginning = image.data

    @property
    def header(self) -> ImageHeader:
        """What its header says; raises as `inspection.inspect` does."""
        return self.image.header


def identify(
    blobs: Blobs, name: str, data: bytes | None, *, most: int = MAX_READ_BYTES
) -> Source | WithheldVersion | None:
    """
    The version of the image that these bytes are, or the current one; None if the image is gone, or is a folder.

    One with more than *most* bytes is withheld, and neither read nor hashed.

    A blob trigger hands over bytes and a name, but no ETag that can be trusted. The blob's own ETag holds if its bytes
    are the same. Its MD5 cannot tell that: the uploader sets it, and storage does not check it.
    """
    if data and len(data) <= most:  # to read an empty blob costs no more than to compare it
        image = ImageBytes(data)
        with suppress(ImageArchivedError):
            digest = image_blobs.digest(blobs, name)
            if digest and digest.sha256 == image.subject:
                return Source(name, digest.info.etag, image).found(digest.info)
    found = image_blobs.look(blobs, name, most=most)
    if isinstance(found, Withheld):
        return WithheldVersion(found).found(found.info)
    return Source(name, found.info.etag, ImageBytes(found.data)).found(found.info) if found else None


def require_bytes(source: Source | WithheldVersion) -> Source:
    """The version with its bytes; raises the reason why they cannot be had."""
    if isinstance(source, WithheldVersion):
        raise source.problem
    return source


def current(blobs: Blobs, info: BlobInfo) -> Version | None:
    """The version that an image is now, by its bytes unless they are too many to be read; None if it is gone."""
    if info.size > MAX_READ_BYTES:
        return UnreadVersion(info.name, info.etag, info.size)
    digest = image_blobs.digest(blobs, info.name)
    if digest is None:
        return None
    return Version(info.name, digest.info.etag, digest.sha256, digest.info.size, digest.md5)


def ensure_unchanged(blobs: Blobs, source: Version) -> None:
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


def ensure_other(blobs: Blobs, former: Version) -> None:
    """
    Check that the image has other bytes than that version, or is gone.

    Raises:
        SourceChangedError: it has these bytes (again), or that cannot be known.
    """
    info = image_blobs.head(blobs, former.name)
    if info is None or info.size != former.size:
        return
    with suppress(ImageArchivedError):
        digest = image_blobs.digest(blobs, former.name)
        if digest is None or digest.sha256 != former.sha256:
            return
    raise SourceChangedError(deleted=False)


def ensure_absent(blobs: Blobs, name: str) -> None:
    """
    Check that there is no such image.

    Raises:
        SourceChangedError: there is one (again).
    """
    if image_blobs.head(blobs, name) is not None:
        raise SourceChangedError(deleted=False)
