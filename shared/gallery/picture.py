"""`GET data/picture`: the whole picture of an image, upright and as small as a screen needs it. It costs no call."""

import hashlib

import azure.functions as func

from shared import services
from shared.api import parameters
from shared.errors import BadRequestError, ImageRejectedError, NotFoundError
from shared.gallery import wire
from shared.names import FORMATS, Format
from shared.pictures import inspection, kinds, tiff
from shared.pictures.window import HeaderError
from shared.records.text import MAX_PAGES
from shared.services import App
from shared.storage import image_blobs
from shared.untrusted import addresses

SIDES = ("400", "800", "1600")
# So many hex digits of the SHA-256 of an image's bytes are its version in the index.
VERSION_CHARACTERS = 8
_MOST_VERSION_CHARACTERS = 64
# Screenshots, drawings and scans: their letters stay sharp in fewer bytes than a JPEG of them has.
_DRAWN = frozenset((kinds.PNG.name, kinds.GIF.name, kinds.BMP.name, kinds.ICO.name))


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The picture of `?name=`, its sides at most `side` pixels; `page` is of a TIFF, `v` what the search told of it."""
    parameters.reject_unknown(req, "name", "side", "page", "v")
    name, app = parameters.name_of(req), services.current()
    side = int(parameters.one_of(req, "side", SIDES) or SIDES[-1])
    page = parameters.integer(req, "page", 1)
    if not 1 <= page <= MAX_PAGES:
        raise BadRequestError(f"page={page} is not in 1 to {MAX_PAGES}.", code="bad_parameter")
    version = parameters.text(req, "v", _MOST_VERSION_CHARACTERS)
    # Requests for states never wait for pictures that are decoded.
    try:
        return await services.in_thread(app.callers, lambda: _answer(req, app, name, side, page, version))
    except NotFoundError as error:
        if error.code != "picture_not_shown" or req.headers.get("Sec-Fetch-Dest") != "image":
            raise
        # An element reads no reason, and a browser tells its console of each 404: while a file waits for the app to
        # look at it, the page cannot know better than to ask.
        return func.HttpResponse(status_code=204, headers={"Cache-Control": "no-store", "Vary": "Sec-Fetch-Dest"})


def _answer(req: func.HttpRequest, app: App, name: str, side: int, page: int, version: str | None) -> func.HttpResponse:
    if "If-None-Match" in req.headers:
        info = image_blobs.require_image(app.images, name)
        # The type of a picture depends on its bytes, which are not read here.
        for form in FORMATS:
            if found := wire.not_changed(req, FORMATS[form][0], _etag(info.etag, side, page, form)):
                return found
    blob = image_blobs.read(app.images, name, most=app.settings.max_upload_bytes)
    data, form = _shown(app, name, blob.data, side, page)
    # The index tells the one, the state of an image the other.
    versions = (hashlib.sha256(blob.data).hexdigest()[:VERSION_CHARACTERS], blob.info.etag)
    never_changes = version in versions
    etag = _etag(blob.info.etag, side, page, form)
    return wire.answer_picture(data, FORMATS[form][0], etag, never_changes=never_changes)


def _etag(of_image: str, side: int, page: int, form: Format) -> str:
    return f"{of_image}-{side}-{page}-{form}"


def _shown(app: App, name: str, data: bytes, side: int, page: int) -> tuple[bytes, Format]:
    """The picture or page, and its format."""
    kind = inspection.kind_of(data)
    if kind is kinds.PDF:
        raise _not_shown(
            name, "it is a PDF, and a page is drawn from the words that were read of it", "Look at its text."
        )
    try:
        header = inspection.inspect_to_show(_page(data, page))
        form: Format = "webp" if header.kind in _DRAWN else "jpeg"
        return app.converter.whole(_page(data, page), header, side, form), form
    except HeaderError as error:
        raise _not_shown(name, str(error), "Ask for a page that it has, or for none.") from error
    except ImageRejectedError as error:
        raise _not_shown(name, error.message, error.action) from error


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
