"""`GET data/picture`: the whole picture of an image, upright and as small as a screen needs it. It costs no call."""

import hashlib
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import azure.functions as func

from shared import services
from shared.api import parameters
from shared.errors import BadRequestError, ImageRejectedError, NotFoundError, PayloadTooLargeError
from shared.gallery import wire
from shared.index import parts
from shared.names import FORMATS, Format
from shared.pictures import inspection, kinds, tiff
from shared.pictures.window import HeaderError
from shared.records.text import MAX_PAGES
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob
from shared.untrusted import addresses

SIDES = ("400", "800", "1600")
_MOST_VERSION_CHARACTERS = 64
# Photographs and most scans have less. Images with more are shown one after the other.
_MOST_BYTES_SIDE_BY_SIDE = 8 * 1024**2
# Screenshots, drawings and scans: their letters stay sharp in fewer bytes than a JPEG of them has.
_DRAWN = frozenset((kinds.PNG.name, kinds.GIF.name, kinds.BMP.name, kinds.ICO.name))


class _Asked(NamedTuple):
    """What is asked for; `version` is what the search has told of the image."""

    name: str
    side: int
    page: int
    version: str | None


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The picture of `?name=`, its sides at most `side` pixels; `page` is of a TIFF, `v` what the search told of it."""
    parameters.reject_unknown(req, "name", "side", "page", "v")
    name, app = parameters.name_of(req), services.current()
    side = int(parameters.one_of(req, "side", SIDES) or SIDES[-1])
    page = parameters.integer(req, "page", 1)
    if not 1 <= page <= MAX_PAGES:
        raise BadRequestError(f"page={page} is not in 1 to {MAX_PAGES}.", code="bad_parameter")
    version = parameters.text(req, "v", _MOST_VERSION_CHARACTERS)
    asked = _Asked(name, side, page, version)
    # Requests for states never wait for pictures that are decoded.
    try:
        found = await services.in_thread(app.callers, lambda: _not_changed(req, app, asked) or _small(app, asked))
        if found is None:
            found = await services.in_thread(_one_after_the_other(), lambda: _answer(app, asked, _read(app, asked)))
    except NotFoundError as error:
        if error.code != "picture_not_shown" or req.headers.get("Sec-Fetch-Dest") != "image":
            raise
        # An element reads no reason, and a browser tells its console of each 404: while a file waits for the app to
        # look at it, the page cannot know better than to ask.
        return func.HttpResponse(status_code=204, headers={"Cache-Control": "no-store", "Vary": "Sec-Fetch-Dest"})
    return found


@cache
def _one_after_the_other() -> Executor:
    """
    The thread for large images.

    Side by side they would take the memory of the app, and the connections to storage from every other request.
    """
    return ThreadPoolExecutor(1, thread_name_prefix="large-pictures")


def _not_changed(req: func.HttpRequest, app: App, asked: _Asked) -> func.HttpResponse | None:
    if "If-None-Match" not in req.headers:
        return None
    info = image_blobs.require_image(app.images, asked.name)
    # The type of a picture depends on its bytes, which are not read here.
    each = (wire.not_changed(req, FORMATS[form][0], _etag(info.etag, asked, form)) for form in FORMATS)
    return next(filter(None, each), None)


def _small(app: App, asked: _Asked) -> func.HttpResponse | None:
    """The answer, unless the image has too many bytes to be read beside others."""
    try:
        blob = image_blobs.read(app.images, asked.name, most=min(_MOST_BYTES_SIDE_BY_SIDE, _most(app)))
    except (PayloadTooLargeError, ImageRejectedError):
        return None
    return _answer(app, asked, blob)


def _read(app: App, asked: _Asked) -> Blob:
    return image_blobs.read(app.images, asked.name, most=_most(app))


def _most(app: App) -> int:
    return app.settings.max_upload_bytes


def _answer(app: App, asked: _Asked, blob: Blob) -> func.HttpResponse:
    data, form = _shown(app, asked, blob.data)
    # The index tells the one, the state of an image the other.
    versions = (hashlib.sha256(blob.data).hexdigest()[: parts.VERSION_CHARACTERS], blob.info.etag)
    never_changes = asked.version in versions
    etag = _etag(blob.info.etag, asked, form)
    return wire.answer_picture(data, FORMATS[form][0], etag, never_changes=never_changes)


def _etag(of_image: str, asked: _Asked, form: Format) -> str:
    return f"{of_image}-{asked.side}-{asked.page}-{form}"


def _shown(app: App, asked: _Asked, data: bytes) -> tuple[bytes, Format]:
    """The picture or page, and its format."""
    kind = inspection.kind_of(data)
    if kind is kinds.PDF:
        raise _not_shown(
            asked.name, "it is a PDF, and a page is drawn from the words that were read of it", "Look at its text."
        )
    try:
        data = _page(data, asked.page)
        header = inspection.inspect_to_show(data)
        form: Format = "webp" if header.kind in _DRAWN else "jpeg"
        return app.converter.whole(data, header, asked.side, form), form
    except HeaderError as error:
        raise _not_shown(asked.name, str(error), "Ask for a page that it has, or for none.") from error
    except ImageRejectedError as error:
        raise _not_shown(asked.name, error.message, error.action) from error


def _page(data: bytes, page: int) -> bytes:
    if page == 1:
        return data
    if inspection.kind_of(data) is not kinds.TIFF:
        raise HeaderError(f"it has no page {page}")
    return tiff.page_first(data, page)


def _not_shown(name: str, reason: str, action: str) -> NotFoundError:
    return NotFoundError(
        f"The page cannot show a picture of the image {addresses.hidden(name)!r}: {reason.rstrip('.')}.",
        code="picture_not_shown",
        action=action,
    )
