"""
Thumbnails: made once by Computer Vision, stored, and served from storage from then on.
"""

from contextlib import suppress
from functools import partial

from shared import names
from shared.api import responses
from shared.errors import BusyError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.records import record_store, thumbnails, versions
from shared.records.record_store import RecordSpec
from shared.records.thumbnails import Size
from shared.records.versions import SeenVersion, Source, SourceChangedError, Version, WithheldVersion
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob, BlobInfo

# An HTTP caller is told to come back rather than kept waiting.
_WAIT_SECONDS = 5.0
# One round for each time that the image is overwritten or deleted while it is worked on.
_MAX_ROUNDS = 4


def thumbnail(
    app: App, image: ImageBytes | ImageUrl | ImageBlob, size: Size, known: frozenset[str] = frozenset()
) -> tuple[Blob, str]:
    """
    The thumbnail of an image however it was given, made and stored if it is not there, and the address of the blob.

    Where its ETag is in *known*, as `responses.known_etags` gives them, its content is neither read nor returned.

    Raises:
        NotFoundError: there is no such image.
        BusyError: another caller is making it and did not finish in a little while.
        BlobsightError: what asking or storing raised.
    """
    blob = _of_blob(app, image.name, size, known) if isinstance(image, ImageBlob) else _of_request(app, image, size)
    return blob, app.images.url(names.THUMBNAILS, blob.info.name)


def _of_blob(app: App, name: str, size: Size, known: frozenset[str]) -> Blob:
    spec = thumbnails.spec(name, size)
    source: Version = SeenVersion(image_blobs.require_image(app.images, name))
    for _ in range(_MAX_ROUNDS):
        stored = _stored(app, spec, known)
        if stored is not None and spec.is_current(app.images, stored.info, source):
            return stored
        source = _make(app, name, spec) or SeenVersion(image_blobs.require_image(app.images, name))
    raise BusyError(f"The image {name!r} is being overwritten again and again.", retry_after_seconds=_WAIT_SECONDS)


def _stored(app: App, spec: RecordSpec, known: frozenset[str]) -> Blob | None:
    """The stored thumbnail, if there is one; without its content if the caller has that already."""
    # A HEAD, and no read on a condition: a 304 of storage does not tell the metadata, by which a record is current.
    if known:
        info = app.images.head(spec.container, spec.name)
        if info is None or responses.is_known(info, known):
            return info and Blob(info, b"")
    return app.images.read(spec.container, spec.name)


def _make(app: App, name: str, spec: RecordSpec) -> Version | None:
    """Have it made, and return of which version; None if the image is another one by now, or gone."""
    source = versions.identify(app.images, name, None)
    if source is None:
        return None
    try:
        fill = partial(_asked, app, source, spec)
        record_store.make(app.images, source, spec, fill, {names.ON_DEMAND: "true"})
        versions.ensure_unchanged(app.images, source)
        return source
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is an image of that name again
                place = (spec.container, spec.name)
                record_store.delete_outdated(app.images, [place], lambda: versions.ensure_absent(app.images, name))
    return None


def _asked(app: App, found: Source | WithheldVersion, spec: RecordSpec) -> bytes:
    source = versions.require_bytes(found)
    # There is no thumbnail, so only a copy of the image can have been asked about.
    return app.answers.ask(spec.question, source.image, wait_seconds=_WAIT_SECONDS, look_first=False).body


def _of_request(app: App, image: ImageBytes | ImageUrl, size: Size) -> Blob:
    """Of bytes or an address that came over HTTP."""
    spec = thumbnails.spec_of_digest(image.subject.removeprefix(ImageUrl.PREFIX), size)
    data = app.answers.ask(spec.question, image, wait_seconds=_WAIT_SECONDS).body
    # Without a condition: every writer writes the same, or for a URL what it shows now.
    etag = app.images.write(
        spec.container, spec.name, data, content_type=spec.content_type, cache_control=spec.cache_control
    )
    return Blob(BlobInfo(spec.name, etag, len(data), spec.content_type, cache_control=spec.cache_control), data)
