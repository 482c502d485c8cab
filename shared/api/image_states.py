"""
The state of an image, derived from which records exist for the version it is now. Nothing else stores it.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import NotRequired, TypedDict

from shared import names
from shared.api import corrected_states, step_states
from shared.api.step_states import AnalysisState, StepState, TextState, ThumbnailState
from shared.errors import BadRequestError
from shared.json_types import Json
from shared.records import edited
from shared.records.unfinished_document import DEFERRED, FAILED
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo, Page
from shared.storage.listing import Listing
from shared.threads import side_by_side
from shared.untrusted.characters import shown

MAX_PAGE = 200
COMPLETE, PENDING = "complete", "pending"
# An image's own state is the first of these that one of its steps has.
_OF_STEPS = (FAILED, DEFERRED, PENDING)
STATES = (COMPLETE, *reversed(_OF_STEPS))
# Images in other states must not take a request's time: the continuation goes on from there.
MOST_LOOKED_AT = 400
MOST_LISTINGS = 16
_PARALLEL_IMAGES = 8


class ImageState(TypedDict):
    """The state of an image as a whole, and of each step; what people say of it stands in the analysis too."""

    name: str
    state: str
    source: dict[str, object]
    analysis: AnalysisState
    thumbnails: list[ThumbnailState]
    text: TextState | StepState
    receipt: NotRequired[Json]
    correction: NotRequired[Json]


class ImagePage(TypedDict):
    """One page of images; the continuation is null on the last."""

    images: list[ImageState]
    continuation: str | None


def of_image(app: App, name: str) -> ImageState:
    """
    The state of one image.

    Returns:
        Its state is complete, pending, deferred or failed. A step that does not apply has the state none.

    Raises:
        NotFoundError: there is no such image.
    """
    return corrected(app, *of_steps(app, name))


def of_steps(app: App, name: str) -> tuple[BlobInfo, ImageState]:
    """An image, and its state without what people say of it; raises as `of_image`."""
    info = image_blobs.require_image(app.images, names.check_image_name(name))
    found = _state(app, info, _nothing_listed(app))
    if _is_in_doubt(found) and edited.recognize(app.images, app.settings, info):
        info = image_blobs.head(app.images, name) or info
        found = _state(app, info, _nothing_listed(app))
    return info, found


def corrected(app: App, info: BlobInfo, state: ImageState, listed: Listing | None = None) -> ImageState:
    """The state of an image with what people say of it, which *listed* may show not to be there."""
    stored = corrected_states.read(app, info.name, listed)
    if stored is None:
        return state
    analysis = corrected_states.analysis(state["analysis"], stored)
    return {**state, "analysis": analysis, "correction": corrected_states.member(app, info, stored)}


def explained(app: App, name: str) -> ImageState:
    """
    The state of one image with its receipt: each call about its bytes, and each decision.

    Raises:
        NotFoundError: there is no such image.
    """
    from shared.receipts import receipt  # here, because few ask for one, and each start would pay for its modules

    found = of_image(app, name)
    return {**found, "receipt": {**receipt.of_image(app, name, found)}}


def page(
    app: App,
    *,
    limit: int,
    prefix: str = "",
    continuation: str | None = None,
    state: str | None = None,
    with_corrections: bool = True,
) -> ImagePage:
    """
    One page of images in the order of their names, all or those in one state.

    With a *state*, a page can be short, or empty, and still have a continuation, when many are in other states.
    """
    check_limit(limit)
    if state is not None and state not in STATES:
        raise BadRequestError(f"state={shown(state)} is none of {', '.join(STATES)}.", code="bad_parameter")
    images: list[ImageState] = []
    looked_at = listings = 0
    with ThreadPoolExecutor(_PARALLEL_IMAGES) as pool:
        while True:
            size, first = limit - len(images), continuation is None
            found = image_blobs.page(app.images, prefix=prefix, limit=size, continuation=continuation)
            listed = _thumbnails_of(app, found, pool, first)
            states = side_by_side(pool, partial(_state, app, listed=listed), found.items)
            told = zip(found.items, states, strict=True)
            wanted = [(info, each) for info, each in told if state in (None, each["state"])]
            if with_corrections and wanted:
                wanted = _corrected(app, found, wanted, pool, first)
            images += [each for _, each in wanted]
            continuation = found.continuation
            looked_at, listings = looked_at + len(found.items), listings + 1
            enough = len(images) >= limit or looked_at >= MOST_LOOKED_AT or listings >= MOST_LISTINGS
            if state is None or continuation is None or enough:
                return {"images": images, "continuation": continuation}


def _corrected(
    app: App, page: Page, states: list[tuple[BlobInfo, ImageState]], pool: Executor, first: bool
) -> list[tuple[BlobInfo, ImageState]]:
    """The states of images of a page, with what people say of them."""
    said = corrected_states.beside(app, page, pool, first=first)
    return list(side_by_side(pool, lambda each: (each[0], corrected(app, *each, said)), states))


def check_limit(limit: int) -> None:
    """Raise BadRequestError if no answer tells so many images."""
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")


def _thumbnails_of(app: App, images: Page, pool: Executor, first: bool) -> Listing:
    """Thumbnails of a page of images, whose names begin with their images' names."""
    page_names = [info.name for info in images.items] if app.settings.thumbnail_sizes else []
    prefixes = listing.whole_prefixes(page_names, first=first, last=images.continuation is None)
    return listing.list_below(app.images, names.THUMBNAILS, prefixes, pool)


def _nothing_listed(app: App) -> Listing:
    return Listing(app.images, names.THUMBNAILS, {})


def _state(app: App, info: BlobInfo, listed: Listing) -> ImageState:
    image = SeenVersion(info)
    seen = step_states.of_analysis(app, image)
    read, text_only = step_states.of_text(app, image, seen)
    # A retry can have noted the other steps of a document before its event told that it is one.
    analysed = step_states.without_analysis({"state": "none"}) if text_only else seen.state
    made = [] if seen.refused or text_only else step_states.of_thumbnails(app, image, seen, listed)
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
    return PENDING in [each["state"] for each in (found["analysis"], *found["thumbnails"], found["text"])]


def _overall(states: Sequence[str]) -> str:
    """The state that most needs attention; what does not apply counts as complete."""
    return next((state for state in _OF_STEPS if state in states), COMPLETE)
