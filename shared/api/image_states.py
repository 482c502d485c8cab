"""
The state of an image, derived from which records exist for the version it is now. Nothing else stores it.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple, NotRequired, TypedDict

from shared import names
from shared.errors import BadRequestError
from shared.json_types import Json
from shared.records import analysis, by_step, edited, text, thumbnails, unfinished, unfinished_document
from shared.records.record_store import RecordSpec
from shared.records.unfinished import Note
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo, Page
from shared.storage.listing import Listing
from shared.threads import side_by_side
from shared.vision.models import Analysis

MAX_PAGE = 200
_PARALLEL_IMAGES = 8

# The properties of a record, by container and name.
_Look = Callable[[str, str], BlobInfo | None]


class StepState(TypedDict):
    """How far one step is: `record` names what it made, `problem` says why it is deferred or failed."""

    state: str
    record: NotRequired[str]
    problem: NotRequired[Json]


class AnalysisState(StepState):
    """The analysis with what people look at first."""

    caption: str | None
    captionConfidence: float | None
    tags: list[str]


class ThumbnailState(StepState):
    """One thumbnail, by its size."""

    size: str


class TextState(StepState):
    """The text with its beginning; `plain` names the record as plain text, `notice` tells of pages left out."""

    excerpt: NotRequired[str]
    notice: NotRequired[dict[str, str]]
    plain: NotRequired[str]


class ImageState(TypedDict):
    """The state of an image as a whole, and of each step."""

    name: str
    state: str
    source: dict[str, object]
    analysis: AnalysisState
    thumbnails: list[ThumbnailState]
    text: TextState | StepState


class ImagePage(TypedDict):
    """One page of images; the continuation is null on the last."""

    images: list[ImageState]
    continuation: str | None


class _Seen(NamedTuple):
    """What the analysis tells: whether there is text to read (None: not known yet), and whether it was refused."""

    state: AnalysisState
    has_text: bool | None = None
    refused: bool = False


def of_image(app: App, name: str) -> ImageState:
    """
    The state of one image.

    Returns:
        Its state is complete, pending, deferred or failed. A step that does not apply has the state none.

    Raises:
        NotFoundError: there is no such image.
    """
    info = image_blobs.require_image(app.images, names.check_image_name(name))
    found = _state(app, info, app.images.head)
    if _is_in_doubt(found) and edited.recognize(app.images, app.settings, info):
        return _state(app, image_blobs.head(app.images, name) or info, app.images.head)
    return found


def page(app: App, *, limit: int, prefix: str = "", continuation: str | None = None) -> ImagePage:
    """One page of images in the order of their names."""
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    found = image_blobs.page(app.images, prefix=prefix, limit=limit, continuation=continuation)
    with ThreadPoolExecutor(_PARALLEL_IMAGES) as pool:
        look = _thumbnails_of(app, found, pool, first=continuation is None).head
        images = list(side_by_side(pool, lambda info: _state(app, info, look), found.items))
    return {"images": images, "continuation": found.continuation}


def _thumbnails_of(app: App, images: Page, pool: Executor, *, first: bool) -> Listing:
    """Thumbnails of a page of images, whose names begin with their images' names."""
    page_names = [info.name for info in images.items] if app.settings.thumbnail_sizes else []
    prefixes = listing.whole_prefixes(page_names, first=first, last=images.continuation is None)
    return listing.list_below(app.images, names.THUMBNAILS, prefixes, pool)


def _state(app: App, info: BlobInfo, look: _Look) -> ImageState:
    image = SeenVersion(info)
    seen = _analysis(app, image)
    read, text_only = _text(app, image, seen)
    analysed: AnalysisState = {**seen.state, "state": "none"} if text_only else seen.state
    made = [] if seen.refused or text_only else _thumbnails(app, image, look)
    return {
        "name": info.name,
        "state": _overall([analysed["state"], *(each["state"] for each in made), read["state"]]),
        "source": {"etag": info.etag, "bytes": info.size, "contentType": info.content_type},
        "analysis": analysed,
        "thumbnails": made,
        "text": read,
    }


def _is_in_doubt(found: ImageState) -> bool:
    """Whether the bytes may know more than the properties."""
    return "pending" in [each["state"] for each in (found["analysis"], *found["thumbnails"], found["text"])]


def _overall(states: Sequence[str]) -> str:
    """The state that most needs attention; what does not apply counts as complete."""
    return next((state for state in ("failed", "deferred", "pending") if state in states), "complete")


def _analysis(app: App, image: SeenVersion) -> _Seen:
    specs = by_step.specs(app.settings, by_step.ANALYSIS, image.name)
    spec = specs[0]
    blob = app.images.read(spec.container, spec.name)
    if blob is None or not spec.is_current(app.images, blob.info, image):
        note = _note(app, by_step.ANALYSIS, image, specs)
        missing = _missing(app, by_step.ANALYSIS, image.name, note)
        nothing: AnalysisState = {**missing, "caption": None, "captionConfidence": None, "tags": []}
        return _Seen(nothing, refused=note is not None and note.blames_image)
    result = Analysis.of(json.loads(blob.data)["result"])
    caption = result.captions[0] if result.captions else None
    done: AnalysisState = {
        "state": "done",
        "caption": caption.text if caption else None,
        "captionConfidence": caption.confidence if caption else None,
        "tags": [tag.name for tag in result.tags],
        "record": f"{spec.container}/{spec.name}",
    }
    return _Seen(done, has_text=analysis.text_due(blob.data, app.settings.text_mode))


def _text(app: App, image: SeenVersion, seen: _Seen) -> tuple[TextState | StepState, bool]:
    """
    The text with its beginning, and whether nothing but the text applies to the image.

    Without an analysis, only the records of the text tell that it is a document that will have none.
    """
    if seen.has_text is False:
        return {"state": "none"}, False
    specs = by_step.specs(app.settings, by_step.TEXT, image.name)
    plain, places = specs
    record = app.images.head(places.container, places.name)
    if record and places.is_current(app.images, record, image) and _holds(app, plain, image):
        done: TextState = {"state": "done", "excerpt": text.excerpt(record)}
        if notice := text.notice(record):
            done["notice"] = notice
        done |= {"record": f"{names.TEXT}/{places.name}", "plain": f"{names.TEXT}/{plain.name}"}
        return done, names.TEXT_ONLY in record.metadata
    note = _note(app, by_step.TEXT, image, specs)
    if note is None and seen.refused:
        return {"state": "none"}, False
    text_only = note is not None and names.TEXT_ONLY in note.info.metadata
    return _missing(app, by_step.TEXT, image.name, note), text_only


def _holds(app: App, spec: RecordSpec, image: SeenVersion) -> bool:
    return spec.is_current(app.images, app.images.head(spec.container, spec.name), image)


def _thumbnails(app: App, image: SeenVersion, look: _Look) -> list[ThumbnailState]:
    specs = by_step.specs(app.settings, by_step.THUMBNAILS, image.name)
    here = [spec.is_current(app.images, look(spec.container, spec.name), image) for spec in specs]
    note = None if all(here) else _note(app, by_step.THUMBNAILS, image, specs)
    missing = _missing(app, by_step.THUMBNAILS, image.name, note)
    return [
        {"size": str(size), "state": "done", "record": f"{spec.container}/{spec.name}"}
        if there
        else {"size": str(size), **missing}
        for size, spec, there in zip(thumbnails.sizes(app.settings), specs, here, strict=True)
    ]


def _note(app: App, step: str, image: SeenVersion, specs: Sequence[RecordSpec]) -> Note | None:
    note = unfinished.find(app.images, step, image.name)
    return note if note and note.is_of(app.images, image, specs) else None


def _missing(app: App, step: str, name: str, note: Note | None) -> StepState:
    if note is None:
        return {"state": "pending"}
    document = unfinished.read(app.images, step, name) or {}
    problem = {key: document.get(key) for key in ("code", "message", "action", "attempts", "first", "last")}
    return {"state": note.state, "problem": {**problem, **unfinished_document.turn(document, note.state, app.clock)}}
