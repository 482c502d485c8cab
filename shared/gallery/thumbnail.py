"""`GET data/thumbnail`: a thumbnail that is stored. It is never made here, so that to look costs nothing."""

from typing import cast

import azure.functions as func

from shared import names, services
from shared.api import parameters, thumbnails
from shared.errors import NotFoundError
from shared.gallery import wire
from shared.images import ImageBlob
from shared.index import parts
from shared.names import FORMATS, Format
from shared.records import thumbnails as records
from shared.records.thumbnails import Thumbnail
from shared.services import App
from shared.storage.blobs import Blob
from shared.thumbnails import on_demand
from shared.untrusted import addresses

_MOST_VERSION_CHARACTERS = 64


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The thumbnail of `?name=` with this `width`, `height` and `format`; `v` is what the search told of it."""
    parameters.reject_unknown(req, "name", "width", "height", "format", "v")
    name, app = parameters.name_of(req), services.current()
    wanted = Thumbnail(
        parameters.integer(req, "width"),
        parameters.integer(req, "height"),
        thumbnails.mode(app.settings, None, None),
        cast(Format, parameters.one_of(req, "format", tuple(FORMATS)) or "jpeg"),
    )
    wanted.check()
    version = parameters.text(req, "v", _MOST_VERSION_CHARACTERS)
    return await services.in_thread(app.threads, lambda: _answer(req, app, name, wanted, version))


def _answer(req: func.HttpRequest, app: App, name: str, wanted: Thumbnail, version: str | None) -> func.HttpResponse:
    blob = _of_version(app, name, wanted, version) if version else None
    is_that_version = blob is not None
    blob = blob or on_demand.find(app, ImageBlob(name), wanted, frozenset())
    if blob is None:
        raise NotFoundError(
            f"No thumbnail of {wanted.size} pixels as {wanted.form} is stored of the image {addresses.hidden(name)!r},"
            " and the page makes none.",
            code="thumbnail_not_stored",
            action="Name a size of THUMBNAIL_SIZES; where it is pending, wait for it. GET /api/thumbnail/{name} makes"
            " any size.",
        )
    content_type, etag = FORMATS[wanted.form][0], blob.info.etag
    return wire.not_changed(req, content_type, etag) or wire.answer_picture(
        blob.data, content_type, etag, never_changes=is_that_version
    )


def _of_version(app: App, name: str, wanted: Thumbnail, version: str) -> Blob | None:
    """The thumbnail that the index has told of under that version: one look tells it, and not two."""
    blob = app.images.read(names.THUMBNAILS, records.spec(name, wanted).name)
    return blob if blob and parts.short(blob.info.etag) == version else None
