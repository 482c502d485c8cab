"""
`/api/corrections/{name}`: PUT says something of an image, GET tells it, DELETE takes it back.

Two people who correct the same image do not undo each other's work unseen: each may send the ETag that it has seen.
"""

from contextlib import suppress

import azure.functions as func

from shared import names
from shared.api import bodies, conditions, corrected_states, parameters, responses
from shared.errors import (
    BusyError,
    ConflictError,
    ImageArchivedError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
)
from shared.records import by_step, corrections, seen_bytes
from shared.records.corrections import Stored
from shared.records.versions import Version
from shared.services import App
from shared.storage import directories, image_blobs
from shared.storage.blobs import BEGINNING_BYTES, BlobInfo, IfEtag
from shared.thumbnails import recut
from shared.untrusted import json_object
from shared.untrusted.characters import shown

_NO_BODY = "It is about the correction that is there."


def answer(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The answer to a request, whose parameters it checks."""
    parameters.reject_unknown(req, "name")
    name = parameters.name_of(req)
    if req.method == "PUT":
        return _put(req, app, name)
    bodies.refuse(req, _NO_BODY)
    return _delete(req, app, name) if req.method == "DELETE" else _get(app, name)


def _get(app: App, name: str) -> func.HttpResponse:
    image = image_blobs.require_image(app.images, name)
    stored = corrections.read(app.images, name)
    if stored is None:
        raise _none(name)
    return _answer(name, stored, is_current=seen_bytes.is_of_now(app.images, image, stored.info))


def _put(req: func.HttpRequest, app: App, name: str) -> func.HttpResponse:
    meant = corrections.of_members(bodies.json_of(req, corrections.EXPECTED))
    image = image_blobs.require_image(app.images, name)
    condition = _condition(req, corrections.find(app.images, name)) if conditions.are_in(req) else None
    version = seen_bytes.version(app.images, image)
    if meant.focal:
        _refuse_document(app, version)
    try:
        stored = corrections.write(app.images, version, meant, app.clock, condition)
    except ConflictError as error:
        raise _changed() from error
    if image_blobs.head(app.images, name) is None:
        # Its deletion may have come before this was written.
        corrections.delete(app.images, stored.info)
        raise image_blobs.no_such_image(name)
    return _answer(name, stored, is_current=True, recut=_recut(app, name))


def _delete(req: func.HttpRequest, app: App, name: str) -> func.HttpResponse:
    found = corrections.find(app.images, name)
    if found is None:
        raise _none(name) if image_blobs.head(app.images, name) else image_blobs.no_such_image(name)
    condition = _condition(req, found)
    try:
        app.images.delete(names.CORRECTIONS, found.name, etag=condition.etag if condition else None)
    except ConflictError as error:
        raise _changed() from error
    directories.prune(app.images, names.CORRECTIONS, found.name)
    return responses.answer_json({"name": name, "recut": _recut(app, name)})


def _answer(name: str, stored: Stored, *, is_current: bool, recut: int | None = None) -> func.HttpResponse:
    body = {
        "name": name,
        **corrected_states.told(stored, is_current=is_current),
        **({} if recut is None else {"recut": recut}),
    }
    return responses.answer_json(body, headers={"ETag": f'"{stored.info.etag}"'})


def _refuse_document(app: App, version: Version) -> None:
    """Refuse a focal point of what has no thumbnails."""
    with suppress(ImageArchivedError):
        version.beginning = app.images.beginning(names.IMAGES, version.name, BEGINNING_BYTES) or b""
    if by_step.is_document(app.images, app.settings, version):
        json_object.refuse("The member 'focal' is for pictures, and this image is a document", corrections.EXPECTED)


def _recut(app: App, name: str) -> int:
    """Cut the stored thumbnails as the correction says now; returns how many were cut."""
    try:
        return recut.recut(app, name)
    except (BusyError, StorageError) as error:
        error.action = "Send the request again, without If-Match: the correction is stored, its thumbnails are not cut."
        raise


def _condition(req: func.HttpRequest, found: BlobInfo | None) -> IfEtag | None:
    return conditions.of(req, found, "the correction", _changed)


def _changed() -> PreconditionFailedError:
    return PreconditionFailedError("The correction of this image is another one than the request expects.")


def _none(name: str) -> NotFoundError:
    return NotFoundError(
        f"The image {shown(name)} has no correction.", code="correction_not_found", action="PUT one, or leave it."
    )
