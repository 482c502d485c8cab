"""
The version of an image for callers who bring no bytes of it: told by its records where they know it, else by its bytes.
"""

from contextlib import suppress

from shared import names
from shared.errors import ConflictError, ImageArchivedError
from shared.records import versions
from shared.records.versions import SeenVersion, UnreadVersion, Version
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs


def version(images: Blobs, info: BlobInfo) -> Version:
    """
    The version that an image is now.

    Its bytes are read where no record has the same ETag; where they cannot be had, only the ETag tells the version.
    """
    for container, place in ((names.ANALYSIS, names.analysis(info.name)), (names.TEXT, names.text(info.name))):
        record = images.head(container, place)
        told = record.metadata if record else {}
        if told.get(names.SOURCE_ETAG) == info.etag and told.get(names.SOURCE_SHA256):
            md5 = told.get(names.SOURCE_MD5, "")
            return Version(info.name, info.etag, told[names.SOURCE_SHA256], info.size, md5)
    return _read(images, info) or UnreadVersion(info.name, info.etag, info.size)


def is_of_now(images: Blobs, info: BlobInfo, record: BlobInfo) -> bool:
    """Whether a record is of the bytes that an image has now, which are read where its properties do not tell."""
    seen = SeenVersion(info)
    if seen.is_source_of(images, record):
        return True
    known = _read(images, info) if seen.may_be_source_of(record) else None
    return known is not None and known.is_source_of(images, record)


def _read(images: Blobs, info: BlobInfo) -> Version | None:
    with suppress(ConflictError, ImageArchivedError):
        return None if image_blobs.problem(info) else versions.current(images, info)
    return None
