"""
The phases `analysis`, `thumbnails`, `text`, `unfinished` and `corrections`: they delete records whose image is gone.

A page is a run of records in the order of their names. A walk along the container of images shows which of their images
exist. A HEAD asks for each of the others, and `deletion.forget` deletes the records of those that are gone.
"""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from shared import names
from shared.durable import appointments
from shared.durable.appointments import Appointment
from shared.errors import ConflictError, StorageRefusedError
from shared.lifecycle import deletion, pages, stems, walks
from shared.lifecycle.pages import Page
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.records import by_step
from shared.records.versions import SourceChangedError
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo
from shared.threads import side_by_side

_RECORDS = 500
_PARALLEL = 8
# By phase: container, and what the names of records begin with before the image's.
_PARTS = {
    "analysis": ((names.ANALYSIS, ""),),
    "thumbnails": ((names.THUMBNAILS, ""),),
    "text": ((names.TEXT, ""),),
    "corrections": ((names.CORRECTIONS, ""),),
    "unfinished": tuple((names.UNFINISHED, f"{step}/") for step in by_step.STEPS),
}
_ORDER = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED, names.CORRECTIONS)


class _Place(NamedTuple):
    """
    Where the phase goes on.

    Attributes:
        part: which of the phase's parts.
        records, images: the continuations of the two listings.
        after: the stem at the end of the page before, whose records may go on in this one.
    """

    part: int = 0
    records: str | None = None
    images: str | None = None
    after: str = ""


def page(app: App, work: PageWork) -> Page:
    """Look at the next records of the run, and forget the images that are gone."""
    plan, parts = work["plan"], _PARTS[work["phase"]]
    place = _Place(*json.loads(work["continuation"])) if work["continuation"] else _Place()
    container, before = parts[place.part]
    prefix = before + plan["records_prefix"]
    listed = app.images.page(container, prefix=prefix, limit=_RECORDS, continuation=place.records)
    records = _first_of_each(container, listed.items, place.after)
    images, gone, left = place.images, list[str](), list[Appointment]()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        if records:
            there, images = walks.images_of(app, plan["records_prefix"], list(records), place.images)
            suspects = [(stem, record) for stem, record in records.items() if stem not in there]
            gone = [name for name in side_by_side(pool, lambda each: _gone(app, *each), suspects) if name]
        if plan["mode"] == "report":
            counted = side_by_side(pool, lambda name: _is_counted(app, container, name), gone)
            counts: Counts = {"orphans": sum(not each for each in counted), "records_deleted": 0}
        else:
            counts, is_late = _forget(app, gone, left)
            if is_late:
                # Once more from here: what was forgotten is not listed again.
                return Page(json.dumps(place), counts, left)
    if listed.continuation:
        following = _Place(place.part, listed.continuation, images, next(reversed(records), place.after))
    else:
        following = _Place(place.part + 1)
    more = following.part < len(parts)
    return Page(json.dumps(following) if more else None, counts, left)


def _first_of_each(container: str, records: Iterable[BlobInfo], after: str) -> dict[str, BlobInfo]:
    """By the stem of each image: one of its records, in their order."""
    found: dict[str, BlobInfo] = {}
    for record in records:
        stem = names.stem_of_record(container, record.name)
        if stem and stem != after and not image_blobs.is_folder_marker(record):
            found.setdefault(stem, record)
    return found


def _gone(app: App, stem: str, record: BlobInfo) -> str | None:
    """The name of the image of a record if there is no such image; None if there is, or if no name can be found."""
    name = stems.image_of(app, stem, record)
    # An image that storage tells nothing of, such as one with a key of its owner's, is there.
    with suppress(ConflictError, StorageRefusedError):
        return name if name and image_blobs.head(app.images, name) is None else None
    return None


def _forget(app: App, gone: Sequence[str], left: list[Appointment]) -> tuple[Counts, bool]:
    """
    Forget images that are gone; what was done, and whether the time was over before the last of them.

    Added to *left* is what has to be done for images that have their corrections now.
    """
    looked = list(pages.in_parts(app, partial(_forgotten, app, left), gone))
    deleted = [count for count in looked if count is not None]
    # If nothing could be deleted, one more page would do the same for ever; the next night does the rest.
    is_late = len(looked) < len(gone) and any(deleted)
    return {"orphans": len(deleted), "records_deleted": sum(deleted)}, is_late


def _forgotten(app: App, left: list[Appointment], name: str) -> int | None:
    try:
        return deletion.forget(app, name, heir=lambda other: left.append(appointments.of_focal_point(other)))
    except SourceChangedError:
        return None  # there is one of that name again, with an event of its own


def _is_counted(app: App, container: str, name: str) -> bool:
    """Whether an earlier phase has counted the image, as it found a record of it that was not deleted."""
    earlier = _ORDER[: _ORDER.index(container)]
    if names.THUMBNAILS in earlier:
        listed = app.images.page(names.THUMBNAILS, prefix=names.thumbnails(name), limit=_RECORDS).items
        if any(names.is_thumbnail_of(info.name, name) for info in listed):
            return True
    places = [place for place in by_step.places(app.settings, name) if place[0] in earlier]
    return any(app.images.head(*place) is not None for place in places)
