"""
An image that was edited: its ETag is another one, and its bytes are the same, so that its records hold.

Azure Storage sends no event for that. The properties tell it, unless the blob has no MD5 or the records are the version
before's. Then the bytes are read, once: the records that are of them tell the image's present ETag from then on.
"""

from collections.abc import Sequence

from shared.errors import ConflictError, ImageArchivedError
from shared.records import by_step, record_store, versions
from shared.records.versions import SeenVersion, SourceChangedError
from shared.settings import Settings
from shared.storage.blobs import BlobInfo, Blobs


def recognize(blobs: Blobs, settings: Settings, image: BlobInfo) -> bool:
    """Find by an image's bytes the records that are of it, where its properties do not tell; whether there are any."""
    seen_version = SeenVersion(image)
    places = by_step.places(settings, image.name)
    seen = [(container, blobs.head(container, name)) for container, name in places]
    doubtful = [(container, record) for container, record in seen if record and seen_version.may_be_source_of(record)]
    try:
        return bool(doubtful) and _update_etags(blobs, image, doubtful)
    except (SourceChangedError, ConflictError, ImageArchivedError):
        # An image that changes meanwhile, or that lies in the archive tier, is shown as its properties tell.
        return False


def _update_etags(blobs: Blobs, image: BlobInfo, doubtful: Sequence[tuple[str, BlobInfo]]) -> bool:
    version = versions.current(blobs, image)
    if version is None:
        return False
    found = [each for each in doubtful if version.is_source_of(blobs, each[1])]
    for container, record in found:
        record_store.update_etag(blobs, version, container, record)
    return bool(found)
