"""
The unfinished steps of all images: found page by page, and put to be tried again.

A record counts only while it speaks of the image as it is now. An image that was overwritten has its own event, and one
that was deleted needs nothing.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from shared import names
from shared.clock import Clock
from shared.durable import retries
from shared.durable.appointments import Appointment
from shared.errors import ConflictError
from shared.json_types import Json
from shared.records import by_step, edited, unfinished, unfinished_document
from shared.records.unfinished_document import UnfinishedDocument
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob, BlobInfo
from shared.threads import side_by_side

_PARALLEL = 8
# Listings that match little must not take an invocation's time: the continuation goes on from there.
_MOST_LOOKED_AT = 2000
_LISTED_AT_ONCE = 500


class Filter(NamedTuple):
    """Which records: None means any."""

    step: str | None = None
    state: str | None = None
    code: str | None = None

    def matches(self, info: BlobInfo) -> bool:
        """Whether a record's metadata has that state and that code; the step is in its name."""
        asked = {"state": self.state, "code": self.code}
        return all(info.metadata.get(key) == value for key, value in asked.items() if value)


class Entry(NamedTuple):
    """One step of one image that is unfinished: the step, its record, and the record's content."""

    step: str
    blob: Blob
    document: UnfinishedDocument

    def to_json(self, clock: Clock) -> Json:
        """The entry as a caller sees it."""
        shown = ("state", "code", "message", "action", "attempts", "first", "last")
        return {
            "name": self.document["source"]["name"],
            "step": self.step,
            **{key: self.document.get(key) for key in shown},
            **unfinished_document.turn(self.document, self.document.get("state"), clock),
            "record": f"{names.UNFINISHED}/{self.blob.info.name}",
        }


def page(app: App, wanted: Filter, *, limit: int, continuation: str | None = None) -> tuple[list[Entry], str | None]:
    """
    Up to *limit* entries in the order of steps and names, and where to go on (None after the last).

    A page can be short, or empty, and still have a continuation, when much was looked at that was not wanted.
    """
    prefix = f"{wanted.step}/" if wanted.step else ""
    entries: list[Entry] = []
    looked_at = 0
    with ThreadPoolExecutor(_PARALLEL) as pool:
        while True:
            size = min(limit - len(entries), _LISTED_AT_ONCE)
            found = app.images.page(names.UNFINISHED, prefix=prefix, limit=size, continuation=continuation)
            chosen = [info for info in found.items if wanted.matches(info)]
            entries += [entry for entry in side_by_side(pool, lambda info: _current(app, info), chosen) if entry]
            looked_at += len(found.items)
            continuation = found.continuation
            if continuation is None or len(entries) >= limit or looked_at >= _MOST_LOOKED_AT:
                return entries, continuation


def find(app: App, name: str, step: str | None) -> list[Entry]:
    """The unfinished steps of one image."""
    image = image_blobs.head(app.images, name)
    if image is not None:
        edited.recognize(app.images, app.settings, image)
    places = (names.unfinished(each, name) for each in by_step.STEPS if step in (None, each))
    found = (app.images.head(names.UNFINISHED, place) for place in places)
    return [entry for entry in (_current(app, info) for info in found if info) if entry]


def appointment(entry: Entry, seconds: float) -> Appointment:
    """The appointment to hand over, in so many seconds; `retries.reopen` does with it what `reopen` does."""
    source = entry.document["source"]
    return Appointment(source["name"], (entry.step,), retries.key(source["etag"], entry.blob), seconds)


def reopen(app: App, entry: Entry, seconds: float) -> bool:
    """Write down that it is tried again in so many seconds; False if the record is another one by now."""
    document = retries.reopened(app, entry.step, entry.document, seconds)
    try:
        unfinished.rewrite(app.images, entry.blob, document)
    except ConflictError:
        return False
    return True


def _current(app: App, info: BlobInfo) -> Entry | None:
    """The record, unless it speaks of an image that is another one by now, or of none."""
    blob = app.images.read(names.UNFINISHED, info.name)
    if blob is None:
        return None
    document = unfinished_document.parsed(blob.data)
    source = document.get("source", {})
    image = image_blobs.head(app.images, source["name"]) if source.get("name") else None
    if image is None or not SeenVersion(image).is_source_of(app.images, blob.info):
        return None
    return Entry(info.name.partition("/")[0], blob, document)
