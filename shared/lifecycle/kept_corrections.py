"""
The corrections of images that are gone, kept for an image of the same bytes: a rename is a copy and a deletion.

The two events come in any order. A deletion keeps the correction in `kept-corrections/{sha256}/` of the host account,
and then looks for images that own the bytes already. An upload is noted as an owner before it looks for a kept
correction. So one of the two finds the other, and the correction moves. A kept one goes with the forgetting.

Where a directory has the same bytes under several names, the file's own name tells which correction is whose.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from shared import log, names
from shared.answers import owners
from shared.errors import ConflictError, StorageNameTakenError
from shared.json_types import Json
from shared.records import corrections
from shared.records.corrections import Stored
from shared.records.versions import SeenVersion, Version
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import Blob, BlobInfo, IfEtag

# A copy that came earlier than that, and than the hours of forgetting, is no rename.
_LEAST_RECENT = timedelta(hours=1)
# Of images with the same bytes that are gone, and of those that came lately.
_MOST_KEPT, _MOST_HEIRS = 16, 16
_logger = logging.getLogger(__name__)


def place(sha256: str, name: str) -> str:
    """The correction that is kept of an image that had these bytes, in the container `kept-corrections`."""
    return f"{sha256}/{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def hand_on(app: App, name: str, blob: Blob, digests: Iterable[str]) -> list[str]:
    """
    Keep the correction of an image that is gone, or give it to the image of the same bytes that came last.

    Args:
        app: the app.
        name: the image that is gone.
        blob: its correction.
        digests: SHA-256 of the bytes that it had.

    Returns:
        The image that has it now, if it has a focal point, so that its thumbnails have to be cut anew; else nothing.
    """
    stored = corrections.read_of(blob)
    if stored is None:
        return []
    digests = sorted(digests)
    if app.settings.forget_after_hours:
        for sha256 in digests:
            app.host.write(
                names.KEPT_CORRECTIONS,
                place(sha256, name),
                blob.data,
                content_type=names.JSON,
                metadata=blob.info.metadata,
            )
    for sha256 in digests:
        heirs = sorted(_recent_owners(app, sha256, name), key=lambda heir: _fits(heir.name, name), reverse=True)
        for heir in heirs:
            if _give(app, stored, heir):
                for each in digests:
                    app.host.delete(names.KEPT_CORRECTIONS, place(each, name))
                return [heir.name] if stored.correction.focal else []
    return []


def give(app: App, version: Version) -> BlobInfo | None:
    """
    Give an image the correction that is kept of its bytes, unless it has one of its own.

    Costs one listing where nothing is kept.

    Returns:
        The kept one, if the image has it now. The caller drops it when a process that is killed needs it no more.
    """
    found = _kept(app, version.sha256) if version.sha256 else []
    for stored in sorted(found, key=lambda each: _fits(each.source.get("name"), version.name), reverse=True):
        if _give(app, stored, version):
            return stored.info
    return None


def _kept(app: App, sha256: str) -> list[Stored]:
    """The kept corrections of these bytes, the last one first."""
    listed = app.host.page(names.KEPT_CORRECTIONS, prefix=f"{sha256}/", limit=_MOST_KEPT).items
    blobs = [app.host.read(names.KEPT_CORRECTIONS, info.name) for info in listed]
    found = [stored for blob in blobs if blob and (stored := corrections.read_of(blob))]
    return sorted(found, key=lambda each: str(each.info.modified), reverse=True)


def _fits(name: object, other: str) -> bool:
    """Whether two files have the same name, their directories left out."""
    return str(name).rpartition("/")[2] == other.rpartition("/")[2]


def drop(app: App, kept: BlobInfo) -> None:
    """Delete a kept correction, which an image has now."""
    with suppress(ConflictError):  # that of another image with these bytes, which was deleted meanwhile
        app.host.delete(names.KEPT_CORRECTIONS, kept.name, etag=kept.etag)


def take_over(app: App, version: Version) -> None:
    """Give an image the kept correction of its bytes, and delete the kept one."""
    if kept := give(app, version):
        drop(app, kept)


def forget(app: App, sha256: str) -> None:
    """Delete the kept corrections of these bytes."""
    for info in listing.all_below(app.host, names.KEPT_CORRECTIONS, f"{sha256}/"):
        app.host.delete(names.KEPT_CORRECTIONS, info.name)


def _recent_owners(app: App, sha256: str, gone: str) -> Iterator[Version]:
    """The images that came with these bytes lately, the last one first."""
    since = app.clock.utc() - max(timedelta(hours=app.settings.forget_after_hours), _LEAST_RECENT)
    marks = [mark for mark in listing.all_below(app.host, names.OWNERS, names.owners(sha256)) if mark.modified]
    for mark in sorted(marks, key=lambda each: each.modified or since, reverse=True)[:_MOST_HEIRS]:
        if mark.modified is None or mark.modified < since:
            return
        name = names.owners_image(mark.name) or owners.image_of(app.host, mark.name)
        if name is not None and name != gone and (version := _of_mark(app, name, sha256, mark, since)):
            yield version


def _of_mark(app: App, name: str, sha256: str, mark: BlobInfo, since: datetime) -> Version | None:
    """The version of an image that a mark tells, if the image still has these bytes and has come since that time."""
    info = image_blobs.head(app.images, name)
    if info is None or not SeenVersion(info).is_source_of(app.images, mark):
        return None
    # A caller who names an image, a retry and the adoption after an upgrade write marks of images that came long ago.
    # A renamed image in an account with directories keeps its time.
    if info.modified is not None and info.modified < since and not app.images.has_directories:
        return None
    return Version(name, info.etag, sha256, info.size, mark.metadata.get(names.SOURCE_MD5, ""))


def _give(app: App, stored: Stored, version: Version) -> bool:
    """Write the correction for another image; False if that has one of its own, or is gone."""
    source, metadata = _source(stored, version)
    record = names.correction(version.name)
    try:
        etag = app.images.write(
            names.CORRECTIONS,
            record,
            corrections.document(stored.correction, source, stored.at),
            content_type=names.JSON,
            metadata=corrections.marked(metadata, stored.correction),
            condition=IfEtag(None),
        )
    except ConflictError:
        # One of its own, or this very one, where a process was killed after it had written that.
        present = corrections.read(app.images, version.name)
        return present is not None and (present.correction, present.at) == (stored.correction, stored.at)
    except StorageNameTakenError:
        return False
    if image_blobs.head(app.images, version.name) is None:
        # Its deletion may have come before this was written.
        corrections.delete(app.images, BlobInfo(record, etag, 0))
        return False
    log.event(_logger, "correction.moved", blob=version.name)
    return True


def _source(stored: Stored, version: Version) -> tuple[Json, dict[str, str]]:
    """The head and the metadata of the record: if it was made for former bytes, it still says so."""
    if stored.source.get("sha256", version.sha256) == version.sha256:
        return version.describe(), version.metadata()
    return {**stored.source, "name": version.name}, dict(stored.info.metadata)
