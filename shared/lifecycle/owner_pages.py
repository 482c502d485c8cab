"""
The phase `owners`: each mark of an owner names an image that is there and has these bytes, or it goes.

A mark is deleted by its ETag. An upload of the same bytes that comes between writes the mark anew before it asks
anything, so its mark stays.
"""

from contextlib import suppress
from functools import partial
from typing import NamedTuple

from shared import contract, names
from shared.answers import owners as marks
from shared.errors import ConflictError, ImageArchivedError, StorageRefusedError
from shared.lifecycle import deletion, pages
from shared.lifecycle.pages import Page, Place
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.records import versions
from shared.records.versions import SeenVersion, SourceChangedError, UnreadVersion, Version
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, IfEtag

_PAGE = 500


class _Looked(NamedTuple):
    """What came of a mark: whether it still is there, and how many records of its image were deleted."""

    stays: bool = True
    records: int = 0


def owners(app: App, work: PageWork) -> Page:
    """
    One page of marks, each with one HEAD of its image if all is well.

    The bytes of an image are read only where its length is that of the mark, and ETag and MD5 leave it open.
    """
    place = Place.read(work["continuation"])
    listed = app.host.page(names.OWNERS, limit=_PAGE, continuation=place.token)
    repair = work["plan"]["mode"] == "repair"
    looked = list(pages.in_parts(app, partial(_looked, app, repair), listed.items))
    counts = Counts(
        orphans=sum(each.records > 0 for each in looked), records_deleted=sum(each.records for each in looked)
    )
    if len(looked) == len(listed.items):
        return Page(listed.continuation and Place(listed.continuation).told(), counts)
    stay = sum(each.stays for each in looked)
    return Page(pages.told(place.past(app.host, names.OWNERS, stay)), counts)


def _looked(app: App, repair: bool, mark: BlobInfo) -> _Looked:
    # Of one image, such as one with a key of its owner's: the mark stays, and the others have their turn.
    with suppress(ConflictError, StorageRefusedError):
        return _look(app, repair, mark)
    return _Looked()


def _look(app: App, repair: bool, mark: BlobInfo) -> _Looked:
    name = _image_of(app, mark)
    if name is None:
        return _Looked()
    sha256, image = names.subject(mark.name), image_blobs.head(app.images, name)
    if image is None:
        return _gone(app, name, sha256) if repair else _Looked()
    if image.copy_status == "pending" or SeenVersion(image).is_source_of(app.images, mark):
        return _Looked()
    known: Version | None = UnreadVersion(name, image.etag, image.size)
    if mark.metadata.get(names.SOURCE_BYTES, str(image.size)) == str(image.size):
        known = _read(app, image)
    if known is None or not repair:
        return _Looked()
    if known.sha256 == sha256:
        # It tells the ETag from now on, so the next comparison reads no bytes.
        with suppress(ConflictError):  # it is gone with the image, or was written anew
            told = {**mark.metadata, **known.metadata()}
            marks.note(app.host, sha256, name, told, condition=IfEtag(mark.etag))
        return _Looked()
    with suppress(SourceChangedError):  # its bytes are others again, and may be these
        deletion.disown(app, name, [sha256], partial(versions.ensure_unchanged, app.images, known))
        return _Looked(stays=False)
    return _Looked()


def _image_of(app: App, mark: BlobInfo) -> str | None:
    """The image that a mark names; None of another blob, and where the mark is gone or damaged."""
    if "/" not in mark.name:
        return None
    return names.owners_image(mark.name) or marks.image_of(app.host, mark.name)


def _gone(app: App, name: str, sha256: str) -> _Looked:
    try:
        return _Looked(stays=False, records=deletion.forget(app, name, digests=[sha256]))
    except SourceChangedError:
        return _Looked()  # there is one again


def _read(app: App, image: BlobInfo) -> Version | None:
    """The image's version by its bytes; None where they cannot be had now, so the mark stays."""
    if image_blobs.problem(image) or image.size > contract.MAX_READ_BYTES:
        return None
    with suppress(ImageArchivedError):
        return versions.current(app.images, image)
    return None
