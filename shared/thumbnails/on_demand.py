"""
Thumbnails that callers ask for: made once, stored, and served from storage from then on.
"""

from contextlib import suppress
from functools import partial

from shared import names
from shared.answers import owners
from shared.errors import BadRequestError, BusyError, ConflictError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl
from shared.lifecycle import deletion
from shared.records import record_store, thumbnails, versions
from shared.records.record_store import Filled, RecordSpec
from shared.records.thumbnails import Thumbnail
from shared.records.versions import SeenVersion, Source, SourceChangedError, Version, WithheldVersion
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob, BlobInfo, IfEtag
from shared.thumbnails import focal, maker
from shared.thumbnails.maker import ThumbnailMaker
from shared.vision.models import Answer
from shared.vision.questions import Question

# An HTTP caller is told to come back rather than kept waiting.
_WAIT_SECONDS = 5.0
# One round for each time that the image is overwritten or deleted while it is worked on.
_MAX_ROUNDS = 4


def thumbnail(app: App, image: Image, wanted: Thumbnail, known: frozenset[str] = frozenset()) -> tuple[Blob, str]:
    """
    The thumbnail of an image however it was given, made and stored if it is not there, and the address of the blob.

    Where its ETag is among the *known* ones (`BlobInfo.is_one_of`), its content is neither read nor returned.

    Raises:
        NotFoundError: there is no such image.
        BusyError: another caller is making it and did not finish in a little while.
        BlobsightError: what making or storing raised.
    """
    wanted.check()
    if isinstance(image, ImageBlob):
        blob = _of_blob(app, image.name, wanted, known)
    elif isinstance(image, ImageBytes):
        blob = _of_bytes(app, image, wanted)
    else:
        blob = _of_address(app, image, wanted)
    return blob, app.images.url(names.THUMBNAILS, blob.info.name)


def find(
    app: App,
    image: Image,
    wanted: Thumbnail,
    known: frozenset[str] = frozenset(),
) -> Blob | None:
    """
    The same if it is there without a call; None if there is none.

    Raises:
        NotFoundError: there is no such image.
        BadRequestError: no thumbnail can have these sides.
    """
    wanted.check()
    if isinstance(image, ImageBlob):
        spec = thumbnails.spec(image.name, wanted)
        source = SeenVersion(image_blobs.require_image(app.images, image.name))
        found = _stored(app, spec, known)
        return found if found and spec.is_current(app.images, found.info, source) else None
    if isinstance(image, ImageBytes):
        return stored(app, wanted, image.subject)
    _check_address(wanted)
    return _of_address(app, image, wanted) if app.answers.find(wanted.asked, image) else None


def stored(app: App, wanted: Thumbnail, digest: str, version: Version | None = None) -> Blob | None:
    """The thumbnail that is stored of that version of an image, else of bytes or an address with that digest."""
    spec = thumbnails.spec(version.name, wanted) if version else thumbnails.spec_of_digest(digest, wanted)
    found = app.images.read(spec.container, spec.name)
    if found is None or (version and not version.is_source_of(app.images, found.info)):
        return None
    return found if _answers(found.info, spec) else None


def _of_blob(app: App, name: str, wanted: Thumbnail, known: frozenset[str]) -> Blob:
    spec = thumbnails.spec(name, wanted)
    source: Version = SeenVersion(image_blobs.require_image(app.images, name))
    for _ in range(_MAX_ROUNDS):
        stored = _stored(app, spec, known)
        if stored is not None and spec.is_current(app.images, stored.info, source):
            return stored
        source = _make(app, name, spec, wanted) or SeenVersion(image_blobs.require_image(app.images, name))
    raise BusyError(f"The image {name!r} is being overwritten again and again.", retry_after_seconds=_WAIT_SECONDS)


def _stored(app: App, spec: RecordSpec, known: frozenset[str]) -> Blob | None:
    """The stored thumbnail, if there is one; without its content if the caller has that already."""
    # A HEAD, and no read on a condition: a 304 of storage does not tell the metadata, by which a record is current.
    if known:
        info = app.images.head(spec.container, spec.name)
        if info is None or info.is_one_of(known):
            return info and Blob(info, b"")
    return app.images.read(spec.container, spec.name)


def _make(app: App, name: str, spec: RecordSpec, wanted: Thumbnail) -> Version | None:
    """Have it made, and return of which version; None if the image is another one by now, or gone."""
    source = versions.identify(app.images, name, None, most=app.settings.max_upload_bytes)
    if source is None:
        return None
    # Whether the mark of the image, which a paid call writes, is right, or is gone with the image.
    is_marked_right = False
    try:
        if isinstance(source, WithheldVersion):
            making, fill = None, partial(_withheld, source)
        else:
            making = _maker(app, source, wanted)
            fill = partial(making.content, wanted)
        made = record_store.make(app.images, source, spec, fill, {names.ON_DEMAND: "true"})
        versions.ensure_unchanged(app.images, source)
        is_marked_right = True
        # One that was written since has listed the thumbnails before this one was there.
        if made and making and making.point != focal.read(app.images, name):
            from shared.thumbnails import recut

            recut.recut(app, name)
        return source
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is an image of that name again
                deletion.forget(app, name, digests={source.sha256} - {""})
                is_marked_right = True
        return None
    finally:
        if not is_marked_right and isinstance(source, Source) and source.image.is_owned:
            owners.confirm(app.host, app.images, source.image)


def _maker(app: App, source: Source, wanted: Thumbnail) -> ThumbnailMaker:
    # There is no thumbnail, so only a copy of the image can have been asked about.
    ask = partial(_ask, app, source.image, look_first=False)
    record, point = partial(maker.analysis_record, app, source), partial(focal.read, app.images, source.name)
    return ThumbnailMaker(app, source.image, [wanted], ask, record=record, focal=point)


def _withheld(source: WithheldVersion) -> Filled:
    raise source.problem


def _of_bytes(app: App, image: ImageBytes, wanted: Thumbnail) -> Blob:
    """Of bytes that came over HTTP: the one stored under their digest, if it was made in a way that holds."""
    # Other bytes have no thumbnail, so nothing is looked for.
    app.answers.check(image)
    spec = thumbnails.spec_of_digest(image.subject, wanted)
    for _ in range(record_store.MAX_ROUNDS):
        stored = app.images.read(spec.container, spec.name)
        if stored is not None and _answers(stored.info, spec):
            return stored
        made = ThumbnailMaker(app, image, [wanted], partial(_ask, app, image)).content(wanted)
        with suppress(ConflictError):  # another caller was faster
            return _write(app, spec, made, IfEtag(stored.info.etag if stored else None))
    raise record_store.too_many_writers(spec.container, spec.name)


def _answers(stored: BlobInfo, spec: RecordSpec) -> bool:
    """Whether it holds; one of the version before tells no question, and was made by Computer Vision."""
    return names.REQUEST not in stored.metadata or spec.is_answered_by(stored.metadata[names.REQUEST])


def _of_address(app: App, image: ImageUrl, wanted: Thumbnail) -> Blob:
    """Of what an address shows now, which Computer Vision fetches; the app never does."""
    _check_address(wanted)
    spec = thumbnails.spec_of_digest(image.subject.removeprefix(ImageUrl.PREFIX), wanted)
    made = ThumbnailMaker(app, image, [wanted], partial(_ask, app, image)).content(wanted)
    # Without a condition: every writer writes what the address shows now.
    return _write(app, spec, made, None)


def _check_address(wanted: Thumbnail) -> None:
    if not wanted.is_made_by_service:
        raise BadRequestError(
            f"width={wanted.width} and height={wanted.height} are more than Computer Vision makes of an address, which"
            " is 1024 pixels a side.",
            code="bad_parameter",
            action="Send the image's bytes, or ask for a smaller thumbnail.",
        )


def _ask(app: App, image: ImageBytes | ImageUrl, question: Question, *, look_first: bool = True) -> Answer:
    return app.answers.ask(question, image, wait_seconds=_WAIT_SECONDS, look_first=look_first)


def _write(app: App, spec: RecordSpec, made: Filled, condition: IfEtag | None) -> Blob:
    metadata = {names.REQUEST: made.question.key}
    etag = app.images.write(
        spec.container,
        spec.name,
        made.data,
        content_type=spec.content_type,
        cache_control=spec.cache_control,
        metadata=metadata,
        condition=condition,
    )
    info = BlobInfo(
        spec.name, etag, len(made.data), spec.content_type, metadata=metadata, cache_control=spec.cache_control
    )
    return Blob(info, made.data)
