"""
Delete all records of an image that is gone, and note since when its bytes are no image's.

The answers paid for its bytes are forgotten later (`shared.lifecycle.forgetting`), unless another image has these.

The order makes it safe beside other writers: look at what there is, look whether the image is gone, delete exactly what
was seen. An image that comes again meanwhile writes records and marks anew, and these have other ETags. The order makes
it safe against a kill, too: what tells a digest goes last, so the next one who deletes finds the rest.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial
from typing import NamedTuple

from shared import log, names
from shared.answers import owners
from shared.index import times
from shared.lifecycle import forgetting
from shared.records import by_step, corrections, former, unfinished, versions
from shared.services import App
from shared.storage import directories, image_blobs, listing
from shared.storage.blobs import Blob, BlobInfo, Blobs

_logger = logging.getLogger(__name__)


class _Record(NamedTuple):
    """A record that was seen: where, and which."""

    container: str
    name: str
    etag: str


def forget(
    app: App, name: str, *, digests: Collection[str] = (), heir: Callable[[str], object] = lambda name: None
) -> int:
    """
    Delete every record of an image that is gone, and note since when its bytes are no image's.

    Args:
        app: the app.
        name: the image's name in the container `images`.
        digests: SHA-256 of bytes that it is known to have had, beside those that its records tell.
        heir: called with the name of an image of the same bytes that has its focal point now, whose thumbnails are to
            be cut anew.

    Returns:
        How many records were deleted.

    Raises:
        SourceChangedError: there is an image of that name (again); nothing was deleted.
    """
    told = list(_told(app.images, name))
    # One record of each digest goes last: after a kill, the digest could not be known without it.
    last = {digest: record for record, digest in told}
    digests = {*digests, *last} - {""}
    said = app.images.read(names.CORRECTIONS, names.correction(name))
    if said and not digests:
        # It may be of former bytes, so it tells a digest only where nothing else does.
        digests = {said.info.metadata.get(names.SOURCE_SHA256, "")} - {""}
    marks = _given_up(app, name, digests)
    at = times.moment(app.images, app.clock)
    versions.ensure_absent(app.images, name)
    # In any case: the process that deleted the records may have died before the index was told.
    app.index_writer.note({"stem": names.stem(name), "at": at, "gone": True})
    deleted = _take_correction(app, name, said, digests, heir)
    deleted += _delete(app.images, (record for record, digest in told if record is not last[digest]))
    _delete_marks(app.host, marks)
    deleted += _delete(app.images, last.values())
    if deleted:
        log.event(_logger, "records.deleted", blob=name, records=deleted)
    forgetting.forget_at_once(app, digests)
    return deleted


def _take_correction(
    app: App, name: str, said: Blob | None, digests: Collection[str], heir: Callable[[str], object]
) -> int:
    """Delete the correction of an image that is gone, when it is kept for one of the same bytes; 1 if it is gone."""
    if said is None or image_blobs.is_folder_marker(said.info):
        return 0
    # Imported here: most images have none.
    from shared.lifecycle import kept_corrections

    for each in kept_corrections.hand_on(app, name, said, digests):
        heir(each)
    return int(corrections.delete(app.images, said.info))


def disown(app: App, name: str, digests: Iterable[str], check: Callable[[], None]) -> None:
    """
    Note that an image does not have these bytes any more.

    Args:
        app: the app.
        name: the image's name.
        digests: SHA-256 of bytes that it has had.
        check: looks at the image, and raises if it may have them.

    Raises:
        SourceChangedError: what *check* raised; the image owns them as before.
    """
    digests = set(digests)
    marks = _given_up(app, name, digests)
    check()
    _delete_marks(app.host, marks)
    forgetting.forget_at_once(app, digests)


def _given_up(app: App, name: str, digests: Iterable[str]) -> list[BlobInfo]:
    """The marks that an image has these bytes, of which it is noted now that they may be no image's."""
    found = [owners.find(app.host, digest, name) for digest in sorted(digests)]
    # After the look: an upload that comes between writes its mark anew, and before the marks and records go.
    for digest in sorted(digests):
        owners.begin_forgetting(app.host, digest)
    return [mark for mark in found if mark]


def _told(images: Blobs, name: str) -> Iterator[tuple[_Record, str]]:
    """Each record of an image with the digest that it tells, those last by which the others' digest may be known."""
    sha256_of = cache(partial(former.sha256_of, images, name))
    for container, info in _records(images, name):
        etag, sha256 = (info.metadata.get(key, "") for key in (names.SOURCE_ETAG, names.SOURCE_SHA256))
        yield _Record(container, info.name, info.etag), sha256 or sha256_of(etag)


def _records(images: Blobs, name: str) -> Iterator[tuple[str, BlobInfo]]:
    for info in listing.all_below(images, names.THUMBNAILS, names.thumbnails(name)):
        # Of every size and format.
        if names.is_thumbnail_of(info.name, name) and not image_blobs.is_folder_marker(info):
            yield names.THUMBNAILS, info
    places = [
        (names.TEXT, names.plain_text(name)),
        (names.TEXT, names.text(name)),
        (names.ANALYSIS, names.analysis(name)),
        *(unfinished.place(step, name) for step in by_step.STEPS),
    ]
    for container, place in places:
        found = images.head(container, place)
        if found and not image_blobs.is_folder_marker(found):
            yield container, found


def _delete(images: Blobs, records: Iterable[_Record]) -> int:
    """Delete exactly these; returns how many are gone."""
    return sum(directories.delete(images, container, name, etag) for container, name, etag in records)


def _delete_marks(host: Blobs, marks: Iterable[BlobInfo]) -> None:
    for mark in marks:
        owners.delete(host, mark)
