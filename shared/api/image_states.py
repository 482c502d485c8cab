"""
The state of an image, derived from which records exist for the version it is now. Nothing else stores it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from typing import Any

from shared import names
from shared.errors import BadRequestError
from shared.records import analysis, by_step, edited, text, thumbnails, unfinished
from shared.records.record_store import RecordSpec
from shared.records.unfinished import Note
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs, Page
from shared.threads import side_by_side
from shared.vision.models import Analysis

MAX_PAGE = 200
_PARALLEL_IMAGES = 8
# A listing costs about as much as two HEADs and is worth it from so many images on.
_MIN_LISTED_IMAGES = 3
_MAX_LISTED_RECORDS = 2000

Json = dict[str, Any]
# Tells what is known of a record, by container and name.
_Look = Callable[[str, str], BlobInfo | None]


def of_image(app: App, name: str) -> Json:
    """
    The state of one image.

    Returns:
        `{"name", "state", "source", "analysis", "thumbnails": [...], "text"}`; `state` is complete, pending, deferred
        or failed; each record that is there is named, each that is missing says why in `problem`; a step that does not
        apply has the state none.

    Raises:
        NotFoundError: there is no such image.
    """
    info = image_blobs.head(app.images, names.check_image_name(name))
    if info is None:
        raise names.no_such_image(name)
    found = _state(app, info, app.images.head)
    if _is_in_doubt(found) and edited.recognize(app.images, app.settings, info):
        return _state(app, image_blobs.head(app.images, name) or info, app.images.head)
    return found


def page(app: App, *, limit: int, prefix: str = "", continuation: str | None = None) -> Json:
    """One page of images in the order of their names: `{"images": [...], "continuation"}` (null on the last)."""
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    found = image_blobs.page(app.images, prefix=prefix, limit=limit, continuation=continuation)
    page_names = [info.name for info in found.items]
    prefixes = list(whole_prefixes(page_names, first=continuation is None, last=found.continuation is None))
    with ThreadPoolExecutor(_PARALLEL_IMAGES) as pool:
        listed = dict(zip(prefixes, side_by_side(pool, partial(_thumbnails_below, app), prefixes), strict=True))
        look = _Listed(app.images, names.THUMBNAILS, listed).look
        images = list(side_by_side(pool, lambda info: _state(app, info, look), found.items))
    return {"images": images, "continuation": found.continuation}


def whole_prefixes(page_names: Sequence[str], *, first: bool, last: bool) -> Iterator[str]:
    """
    The prefixes of which every image there is lies on this page, each of several images.

    A page is a run of neighbours, so that only prefixes of its first and its last name can reach beyond it, unless the
    page is the *first* or the *last*. Records begin with their image's name: listing them below such a prefix finds
    those of many images at once, and none of the thousands on other pages.
    """
    if len(page_names) < _MIN_LISTED_IMAGES:
        return
    prefix = _common_beginning(min(page_names), max(page_names))
    if first and last:
        yield prefix
        return
    groups = [list(group) for _, group in groupby(page_names, key=lambda name: name[: len(prefix) + 1])]
    for number, group in enumerate(groups):
        yield from whole_prefixes(group, first=first or number > 0, last=last or number < len(groups) - 1)


def _common_beginning(one: str, other: str) -> str:
    pairs = zip(one, other, strict=False)
    return one[: next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))]


class _Listed:
    """Records known from listings of *container* by prefix; what these leave open is asked for by itself."""

    def __init__(self, blobs: Blobs, container: str, listed: dict[str, Page]) -> None:
        self._blobs = blobs
        self._container = container
        self._found = {info.name: info for page in listed.values() for info in page.items}
        # Whatever else lies below a prefix, other thumbnails than the settings' for instance, may have cut it off.
        self._complete = tuple(prefix for prefix, page in listed.items() if page.continuation is None)

    def look(self, container: str, name: str) -> BlobInfo | None:
        """What is known of a record, or None if there is none."""
        if container == self._container:
            if name in self._found:
                return self._found[name]
            if name.startswith(self._complete):
                return None
        return self._blobs.head(container, name)


def _thumbnails_below(app: App, prefix: str) -> Page:
    if not app.settings.thumbnail_sizes:
        return Page([], None)
    return app.images.page(names.THUMBNAILS, prefix=prefix, limit=_MAX_LISTED_RECORDS)


def _state(app: App, info: BlobInfo, look: _Look) -> Json:
    image = SeenVersion(info)
    seen, has_text = _analysis(app, image)
    refused = seen.pop("refused")
    read, text_only = _text(app, image, has_text, image_refused=refused)
    if text_only:
        seen = {**seen, "state": "none"}
    made = [] if refused or text_only else _thumbnails(app, image, look)
    return {
        "name": info.name,
        "state": _overall([seen["state"], *(each["state"] for each in made), read["state"]]),
        "source": {"etag": info.etag, "bytes": info.size, "contentType": info.content_type},
        "analysis": seen,
        "thumbnails": made,
        "text": read,
    }


def _is_in_doubt(found: Json) -> bool:
    """Whether the bytes may know more than the properties."""
    return "pending" in [each["state"] for each in (found["analysis"], *found["thumbnails"], found["text"])]


def _overall(states: Sequence[str]) -> str:
    """The state that most needs attention; what does not apply counts as complete."""
    return next((state for state in ("failed", "deferred", "pending") if state in states), "complete")


def _analysis(app: App, image: SeenVersion) -> tuple[Json, bool | None]:
    """The analysis with what people look at first, and whether there is text to read (None: not known yet)."""
    specs = by_step.specs(app.settings, by_step.ANALYSIS, image.name)
    spec = specs[0]
    seen: Json = {"caption": None, "captionConfidence": None, "tags": [], "refused": False}
    blob = app.images.read(spec.container, spec.name)
    if blob is not None and spec.is_current(app.images, blob.info, image):
        document = json.loads(blob.data)
        result = Analysis.of(document["result"])
        if result.captions:
            seen |= {"caption": result.captions[0].text, "captionConfidence": result.captions[0].confidence}
        seen |= {"tags": [tag.name for tag in result.tags], "record": f"{spec.container}/{spec.name}"}
        return {"state": "done", **seen}, analysis.text_due(blob.data, app.settings.text_mode)
    note = _note(app, by_step.ANALYSIS, image, specs)
    refused = note is not None and note.blames_image
    return {**_missing(app, by_step.ANALYSIS, image.name, note), **seen, "refused": refused}, None


def _text(app: App, image: SeenVersion, has_text: bool | None, *, image_refused: bool) -> tuple[Json, bool]:
    """
    The text with its beginning, and whether nothing but the text applies to the image.

    Without an analysis, only the records of the text tell that it is a document that will have none.
    """
    if has_text is False:
        return {"state": "none"}, False
    specs = by_step.specs(app.settings, by_step.TEXT, image.name)
    plain, places = specs
    record = app.images.head(places.container, places.name)
    if record and places.is_current(app.images, record, image) and _holds(app, plain, image):
        there = {"record": f"{names.TEXT}/{places.name}", "plain": f"{names.TEXT}/{plain.name}"}
        told = {"excerpt": text.excerpt(record), **text.notice(record)}
        return {"state": "done", **told, **there}, names.TEXT_ONLY in record.metadata
    note = _note(app, by_step.TEXT, image, specs)
    if note is None and image_refused:
        return {"state": "none"}, False
    text_only = note is not None and names.TEXT_ONLY in note.info.metadata
    return _missing(app, by_step.TEXT, image.name, note), text_only


def _holds(app: App, spec: RecordSpec, image: SeenVersion) -> bool:
    return spec.is_current(app.images, app.images.head(spec.container, spec.name), image)


def _thumbnails(app: App, image: SeenVersion, look: _Look) -> list[Json]:
    specs = by_step.specs(app.settings, by_step.THUMBNAILS, image.name)
    here = [spec.is_current(app.images, look(spec.container, spec.name), image) for spec in specs]
    missing: Json = {}
    if not all(here):
        missing = _missing(app, by_step.THUMBNAILS, image.name, _note(app, by_step.THUMBNAILS, image, specs))
    return [
        {
            "size": str(size),
            **({"state": "done", "record": f"{spec.container}/{spec.name}"} if there else missing),
        }
        for size, spec, there in zip(thumbnails.sizes(app.settings), specs, here, strict=True)
    ]


def _note(app: App, step: str, image: SeenVersion, specs: Sequence[RecordSpec]) -> Note | None:
    note = unfinished.find(app.images, step, image.name)
    return note if note and note.is_of(app.images, image, specs) else None


def _missing(app: App, step: str, name: str, note: Note | None) -> Json:
    if note is None:
        return {"state": "pending"}
    document = unfinished.read(app.images, step, name) or {}
    problem = {key: document.get(key) for key in ("code", "message", "action", "attempts", "first", "last", "until")}
    return {"state": note.state, "problem": problem}
