"""
The corrections of images whose states are told: they win over what the analysis says.

A page of images costs one listing of the corrections beside it, and a read for each that there is.
"""

from collections.abc import Collection
from concurrent.futures import Executor

from shared import names
from shared.api.step_states import AnalysisState
from shared.json_types import Json
from shared.records import corrections
from shared.records.corrections import Stored
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import listing
from shared.storage.blobs import BlobInfo, Page
from shared.storage.listing import Listing

# Of one page, by Azure Storage.
_MOST_LISTED = 5000


def beside(app: App, images: Page, pool: Executor, *, first: bool) -> Listing:
    """
    The corrections of a page of images, as far as listings tell.

    Args:
        app: the app.
        images: the page.
        pool: for listings side by side.
        first: whether it is the first page.
    """
    page_names = [info.name for info in images.items]
    if few := among(app, page_names):
        return few
    prefixes = listing.whole_prefixes(page_names, first=first, last=images.continuation is None)
    return listing.list_below(app.images, names.CORRECTIONS, prefixes, pool)


def among(app: App, image_names: Collection[str]) -> Listing | None:
    """The corrections of some images by one listing; None if that would have too many others."""
    prefix = listing.common_beginning(min(image_names), max(image_names))
    found = app.images.page(names.CORRECTIONS, prefix=prefix, limit=_MOST_LISTED)
    return Listing(app.images, names.CORRECTIONS, {prefix: found}) if found.continuation is None else None


def read(app: App, name: str, listed: Listing | None = None) -> Stored | None:
    """The correction of an image; None if it has none, or if a listing shows none."""
    if listed is not None and listed.head(names.CORRECTIONS, names.correction(name)) is None:
        return None
    return corrections.read(app.images, name)


def analysis(state: AnalysisState, stored: Stored) -> AnalysisState:
    """The state of an analysis with the caption and the tags that people have given."""
    correction = stored.correction
    found: AnalysisState = {**state, "tags": correction.tags_of(state["tags"])}
    if correction.caption:
        found |= {"caption": correction.caption, "captionConfidence": None}
    return found


def member(app: App, image: BlobInfo, stored: Stored) -> Json:
    """What the state of an image tells of its correction."""
    is_current = SeenVersion(image).is_source_of(app.images, stored.info)
    return told(stored, is_current=is_current)


def told(stored: Stored, *, is_current: bool) -> Json:
    """
    A correction as answers tell it.

    Args:
        stored: the correction.
        is_current: whether it was made for the version that the image has now.
    """
    source = {key: stored.source[key] for key in ("etag", "sha256", "bytes") if key in stored.source}
    return {
        **stored.correction.members(),
        "at": stored.at,
        "source": source,
        "current": is_current,
        "etag": stored.info.etag,
    }
