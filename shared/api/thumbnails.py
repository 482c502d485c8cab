"""
Thumbnails: made once by Computer Vision, stored, and served from storage from then on.
"""

from contextlib import suppress

from shared import names
from shared.errors import BusyError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.records import record_store, thumbnails, versions
from shared.records.record_store import RecordSpec
from shared.records.thumbnails import CACHE_CONTROL, Size
from shared.records.versions import SeenVersion, Source, SourceChangedError, Version
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob, BlobInfo
from shared.vision import questions

# An HTTP caller is told to come back rather than kept waiting.
_WAIT_SECONDS = 5.0
# One round for each time that the image is overwritten or deleted while it is worked on.
_MAX_ROUNDS = 4


def thumbnail(app: App, image: ImageBytes | ImageUrl | ImageBlob, size: Size) -> tuple[Blob, str]:
    """
    The thumbnail of an image however it was given, made and stored if it is not there, and the address of the blob.

    Raises:
        NotFoundError: there is no such image.
        BusyError: somebody else is making it and did not finish in a little while.
        BlobsightError: what asking or storing raised.
    """
    blob = _of_blob(app, image.name, size) if isinstance(image, ImageBlob) else _of_visitor(app, image, size)
    return blob, app.images.url(names.THUMBNAILS, blob.info.name)


def _of_blob(app: App, name: str, size: Size) -> Blob:
    how, source = thumbnails.spec(name, size), _looked_at(app, name)
    for _ in range(_MAX_ROUNDS):
        stored = app.images.read(how.container, how.name)
        if stored is not None and how.is_current(app.images, stored.info, source):
            return stored
        source = _make(app, name, how) or _looked_at(app, name)
    raise BusyError(f"The image {name!r} is being overwritten again and again.", retry_after_seconds=_WAIT_SECONDS)


def _looked_at(app: App, name: str) -> Version:
    info = image_blobs.head(app.images, name)
    if info is None:
        raise image_blobs.no_such_image(name)
    return SeenVersion(info)


def _make(app: App, name: str, how: RecordSpec) -> Version | None:
    """Have it made, and return of which version; None if the image is another one by now, or gone."""
    source = versions.identify(app.images, name, None)
    if source is None:
        return None
    try:
        record_store.make(app.images, source, how, lambda: _asked(app, versions.require_bytes(source), how))
        versions.ensure_unchanged(app.images, source)
        return source
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is an image of that name again
                place = (how.container, how.name)
                record_store.delete_outdated(app.images, [place], lambda: versions.ensure_absent(app.images, name))
    return None


def _asked(app: App, source: Source, how: RecordSpec) -> bytes:
    return app.answers.ask(how.question, source.image, wait_seconds=_WAIT_SECONDS).body


def _of_visitor(app: App, image: ImageBytes | ImageUrl, size: Size) -> Blob:
    """Of bytes or a URL that came over HTTP; they have no name, so the thumbnail is stored under their digest."""
    question = questions.thumbnail(size.width, size.height, smart_cropping=size.smart)
    answer = app.answers.ask(question, image, wait_seconds=_WAIT_SECONDS)
    name = names.thumbnail_of_digest(
        image.subject.removeprefix(ImageUrl.PREFIX), width=size.width, height=size.height, smart=size.smart
    )
    # Without a condition: whoever writes it writes the same, or for a URL what it shows now.
    etag = app.images.write(
        names.THUMBNAILS, name, answer.body, content_type=names.THUMBNAIL_TYPE, cache_control=CACHE_CONTROL
    )
    info = BlobInfo(name, etag, len(answer.body), names.THUMBNAIL_TYPE, cache_control=CACHE_CONTROL)
    return Blob(info, answer.body)
