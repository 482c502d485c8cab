"""`GET data/record`: a record of an image as it is stored, or one page of the record of a text."""

import json
import threading

import azure.functions as func

from shared import names, services
from shared.api import parameters
from shared.errors import BadRequestError, NotFoundError, PayloadTooLargeError
from shared.gallery import wire
from shared.json_types import Json
from shared.records import by_step
from shared.records.text import MAX_PAGES
from shared.services import App
from shared.storage.blobs import Blob
from shared.untrusted import addresses

_SHOWN = (names.ANALYSIS, names.TEXT, names.UNFINISHED, names.CORRECTIONS)
# The text of 2,000 pages has some 100 MB of places; a browser shows none of that whole.
_MOST_BYTES = 128 * 1024**2
_PAGES = '"readResults"'
# Many of that size can be open beside each other; larger ones, whose JSON takes several times its length of memory,
# one at a time.
_MOST_BYTES_SIDE_BY_SIDE = 4 * 1024**2
_opening = threading.Lock()


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """
    The record of `?name=` that `record` names, `analysis/coffee.jpg.json` for instance.

    With `page`, from 1, of the record of a text: `{"pages": 12, "page": {...}}`, the page as Read has told it.
    """
    parameters.reject_unknown(req, "name", "record", "page")
    name, record = parameters.name_of(req), parameters.text(req, "record") or ""
    container, _, place = record.partition("/")
    if not _is_record_of(name, container, place):
        raise BadRequestError(
            f"The parameter record names no record of the image {addresses.hidden(name)!r}; it begins with one of"
            f" {', '.join(_SHOWN)}.",
            code="bad_parameter",
            action="Take it from the state of the image, GET /api/images/{name}.",
        )
    page = parameters.integer(req, "page", 0) if "page" in req.params else None
    if page is not None and not 1 <= page <= MAX_PAGES:
        raise BadRequestError(f"page={page} is not in 1 to {MAX_PAGES}.", code="bad_parameter")
    app = services.current()
    return await services.in_thread(app.threads, lambda: _answer(req, app, container, place, page))


def _is_record_of(name: str, container: str, place: str) -> bool:
    """Whether it is the place of a record of that image, and of one that the page shows."""
    if container == names.UNFINISHED and place.partition("/")[0] not in by_step.STEPS:
        # A segment `..` would lead to another container, even to one of the Functions host.
        return False
    return container in _SHOWN and names.stem_of_record(container, place) == names.stem(name)


def _answer(req: func.HttpRequest, app: App, container: str, place: str, page: int | None) -> func.HttpResponse:
    blob = _read(app, container, place, _MOST_BYTES_SIDE_BY_SIDE)
    if blob.info.size <= _MOST_BYTES_SIDE_BY_SIDE:
        return _told(req, blob.data, place, page)
    # Records of a hundred megabytes beside each other would take the memory of the whole app.
    with _opening:
        return _told(req, _whole(app, container, place), place, page)


def _whole(app: App, container: str, place: str) -> bytes:
    blob = _read(app, container, place, _MOST_BYTES)
    if blob.info.size > _MOST_BYTES:
        raise PayloadTooLargeError(
            f"The record has {blob.info.size} bytes; the page shows records of at most {_MOST_BYTES}.",
            action=f"Download the blob {container}/{addresses.hidden(place)} from the storage account.",
        )
    return blob.data


def _read(app: App, container: str, place: str, most: int) -> Blob:
    blob = app.images.read(container, place, most=most)
    if blob is None:
        raise NotFoundError("The image has no such record, or has it no longer.", action="Look at its state again.")
    return blob


def _told(req: func.HttpRequest, data: bytes, place: str, page: int | None) -> func.HttpResponse:
    if page is None:
        return wire.answer_text(req, data, names.PLAIN if place.endswith(".txt") else names.JSON)
    pages, found = page_of(data, page)
    if found is None:
        raise NotFoundError(f"The record has {pages} pages, and no page {page}.", action="Ask for a page that it has.")
    return wire.answer_json(req, {"pages": pages, "page": found})


def page_of(record: bytes, page: int) -> tuple[int, Json | None]:
    """
    How many pages a record of a text has, and the one of that number, from 1; None where it has none.

    One page after the other is decoded and let go: a record of 100 MB takes little more memory than its own length.
    A record of anything else has no pages.
    """
    text = record.decode(errors="replace")
    decoder, found, count = json.JSONDecoder(), None, 0
    at = text.find(_PAGES)
    at = text.find("[", at) + 1 if at >= 0 else 0
    while at:
        at = _next(text, at)
        if text[at : at + 1] != "{":
            break
        try:
            content, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        count += 1
        if count == page:
            found = content
    return count, found


def _next(text: str, at: int) -> int:
    """Where the next value begins, behind white space and a comma."""
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
