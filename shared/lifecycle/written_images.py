"""
Images that a caller of the app stores and deletes: what the index has to know at once, and what an event does besides.

A blob is written or deleted first, by one operation. Its event follows as for any other writer, and does all that is
left: a process that is killed in between loses nothing.
"""

import logging
from collections.abc import Callable

from shared import log, names
from shared.errors import BlobsightError, ConflictError
from shared.images import ImageBytes
from shared.index import arrivals, times
from shared.lifecycle import deletion, first_start
from shared.records.versions import SourceChangedError
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import IfEtag

_logger = logging.getLogger(__name__)


def store(app: App, name: str, data: bytes, content_type: str, condition: IfEtag | None) -> str:
    """
    Store an image, and have the index tell that it is there.

    Args:
        app: the app.
        name: the image's name in the container `images`.
        data: its bytes.
        content_type: is stored with them.
        condition: on which it is stored.

    Returns:
        Its ETag, unquoted.

    Raises:
        ConflictError: the condition does not hold, or a lease or another writer is in the way.
        ImageArchivedError: an archived image of that name is there.
        StorageRefusedError: storage takes no such name.
        StorageError: storage did not answer.
    """
    # An image is older than the app that came before its first start; this one's event may come late.
    first_start.note(app)
    at = times.moment(app.images, app.clock)
    image = ImageBytes(data)
    try:
        etag = app.images.write(names.IMAGES, name, data, content_type=content_type, condition=condition)
    except ConflictError:
        # A write whose answer was lost is refused when it is sent again, and has been done.
        stored = _stored(app, name, image) if condition else None
        if stored is None:
            raise
        etag = stored
    app.index_writer.note(arrivals.line_of(name, image, at))
    log.event(_logger, "image.stored", blob=name, bytes=len(data))
    return etag


def _stored(app: App, name: str, image: ImageBytes) -> str | None:
    """The ETag of the image if it has these bytes."""
    info = image_blobs.head(app.images, name)
    if info is None or info.size != len(image.data):
        return None
    digest = image_blobs.digest(app.images, name)
    return digest.info.etag if digest and digest.sha256 == image.subject else None


def remove(app: App, name: str, etag: str | None, heir: Callable[[str], object]) -> None:
    """
    Delete an image with its records, and have the index tell that it is gone.

    Args:
        app: the app.
        name: the image's name in the container `images`.
        etag: delete only the image with this ETag; None deletes any.
        heir: as `deletion.forget` takes it.

    Raises:
        ConflictError: it has another ETag, or is leased.
        StorageError: storage did not answer, and the image may be there.
    """
    at = times.moment(app.images, app.clock)
    app.images.delete(names.IMAGES, name, etag=etag)
    log.event(_logger, "image.removed", blob=name)
    try:
        deletion.forget(app, name, heir=heir)
    except SourceChangedError:
        log.event(_logger, "image.overwritten", blob=name)
    except BlobsightError as error:
        # The image is gone, and its event deletes the rest.
        app.index_writer.note({"stem": names.stem(name), "at": at, "gone": True})
        log.event(_logger, "records.left", level=logging.WARNING, blob=name, code=error.code, problem=error)
