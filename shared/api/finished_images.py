"""
The images that became finished since a moment: what the polling trigger of Logic Apps and Power Automate asks for.

Nothing stores when an image was finished: it is the time of the newest record that belongs to its state. So a poll
lists the containers of records for what was written in the round (`finished_since`), and looks at the images of these
records. It tells an image at its newest record and at no other, so once for each time that it became finished. An image
that goes on changing has a newer record, in a later round.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from shared import names
from shared.api import corrected_states, finished_since, image_states
from shared.api.finished_since import CONTAINERS, Place
from shared.api.image_states import COMPLETE, ImageState
from shared.api.step_states import StepState
from shared.clock import Deadline
from shared.errors import ConflictError, NotFoundError, StorageRefusedError
from shared.lifecycle import stems
from shared.records import analysis, by_step, text, thumbnails, unfinished
from shared.records.record_store import RecordSpec
from shared.records.unfinished_document import FAILED
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo
from shared.storage.remembered import Remembered
from shared.threads import side_by_side

# Azure Storage gives up to 5,000 on a page, for more than twice the memory and the time.
_MOST_LISTED = 2000
_LOOKED_AT_ONCE = 64
_PARALLEL = 8
# Of the longest time of a request, after which no further page is begun.
_PART_OF_TIME = 0.5


# By which the newest of an image's records is told, also where several are of the same second.
_Rank = tuple[object, ...]


class Finished(NamedTuple):
    """
    What a poll has found.

    Attributes:
        images: as the list of images tells them.
        since: where the next poll goes on.
        is_over: whether that was all up to now; else the next poll is worth it at once.
    """

    images: list[ImageState]
    since: str
    is_over: bool


class _Written(NamedTuple):
    """Records of one image on a page, written in the round, and the stem of the image's name."""

    container: str
    stem: str
    records: list[BlobInfo]

    @property
    def ranks(self) -> set[_Rank]:
        """Theirs."""
        return {_rank(self.container, info) for info in self.records}


def since(app: App, moment: str, *, limit: int) -> Finished:
    """
    The images that became complete or failed in *moment* or later, at most *limit*, each once.

    It ends early where the time is over; the next poll goes on there.

    Raises:
        BadRequestError: *moment* or *limit* is none.
    """
    image_states.check_limit(limit)
    now = _now_in_storage(app)
    place = finished_since.read(moment, now).begun(now)
    if place.begin == place.end:
        return Finished([], Place(place.begin).told(), True)
    deadline = Deadline.after(_PART_OF_TIME * app.settings.max_wait_seconds, app.clock)
    images: list[ImageState] = []
    size = _MOST_LISTED
    with ThreadPoolExecutor(_PARALLEL) as pool:
        while place.is_in_round and len(images) < limit and deadline.remaining():
            most = min(_LOOKED_AT_ONCE, limit - len(images))
            records, token, size = _next(app, place, most, size)
            images += _told(app, [each for each in side_by_side(pool, partial(_finished, app), records) if each])
            place = place.after(token)
    return Finished(images, place.told(), not place.is_in_round)


def _now_in_storage(app: App) -> datetime:
    """The time by storage's clock, by which records are dated; never later than it is."""
    if app.images.clock_ahead is None:
        app.images.page(CONTAINERS[0], limit=1)
    return app.clock.utc() + (app.images.clock_ahead or timedelta())


def _next(app: App, place: Place, most: int, size: int) -> tuple[list[_Written], str | None, int]:
    """The round's next records, of at most so many images, the continuation after them, and the size of that page."""
    files = {spec.name.rpartition("/")[2] for spec in by_step.specs(app.settings, by_step.THUMBNAILS, "-")}
    while True:
        page = app.images.page(place.container, limit=size, continuation=place.token)
        found: dict[str, _Written] = {}
        for number, info in enumerate(page.items):
            stem = _stem(files, place, info)
            if stem and stem not in found and len(found) == most:
                size = number
                break
            if stem:
                found.setdefault(stem, _Written(place.container, stem, [])).records.append(info)
        else:
            # A smaller page is listed once more where many lie behind it, so few are better at first.
            grown = size if len(found) > most // 2 else min(_MOST_LISTED, 4 * size)
            return list(found.values()), page.continuation, grown


def _stem(thumbnail_files: Collection[str], place: Place, info: BlobInfo) -> str | None:
    """The stem of a record's image, if the record was written in the round and can be the image's newest one."""
    container = place.container
    if not place.is_of(info.modified) or image_blobs.is_folder_marker(info):
        return None
    if container == names.THUMBNAILS and info.name.rpartition("/")[2] not in thumbnail_files:
        return None
    if container == names.UNFINISHED and unfinished.is_deferred(info):
        return None
    return names.stem_of_record(container, info.name)


def _told(app: App, finished: Sequence[tuple[BlobInfo, ImageState]]) -> Iterator[ImageState]:
    """The states of finished images with what people say of them."""
    if finished:
        listed = corrected_states.among(app, [info.name for info, _ in finished])
        yield from (image_states.corrected(app, info, image, listed) for info, image in finished)


def _finished(app: App, written: _Written) -> tuple[BlobInfo, ImageState] | None:
    """The image of these records, if it is finished and one of them is its newest."""
    # An image that is gone, or that storage tells nothing of, such as one with a key of its owner's.
    with suppress(NotFoundError, ConflictError, StorageRefusedError):
        name = stems.image_of(app, written.stem, written.records[0])
        seen = Remembered(app.images)
        watched = app._replace(images=seen.as_blobs())
        if name is None or _is_overtaken(watched, seen, name, written):
            return None
        info, image = image_states.of_steps(watched, name)
        if _is_finished(image) and _newest(seen, image) in written.ranks:
            return info, image
    return None


def _is_overtaken(app: App, seen: Remembered, name: str, written: _Written) -> bool:
    """Whether one look, or two, show that a record of a later step is newer, so that the whole state need not be."""
    digests = {info.metadata.get(names.SOURCE_SHA256) for info in written.records}
    sha256 = digests.pop()
    if digests or not sha256:
        return False
    spec = _later(app, seen, name, written)
    info = app.images.head(spec.container, spec.name) if spec else None
    if spec is None or info is None or not _is_of(info, spec, sha256):
        return False
    return _rank(spec.container, info) > max(written.ranks)


def _later(app: App, seen: Remembered, name: str, written: _Written) -> RecordSpec | None:
    """The record of a later step that the image's state needs and that usually is newer than these; None without."""
    settings, info = app.settings, written.records[0]
    is_due = False
    if written.container == names.ANALYSIS:
        if wanted := thumbnails.wanted(settings):
            return thumbnails.spec(name, wanted[-1])
        due = analysis.text_due_of(info.metadata, settings.text_mode)
        is_due = due is not None and due.now
    elif written.container == names.THUMBNAILS:
        # Only the analysis tells whether text counts: a caller may have had it read of any image.
        spec = analysis.spec(name, settings)
        blob = seen.read_ahead(spec.container, spec.name)
        of_it = blob is not None and _is_of(blob.info, spec, info.metadata[names.SOURCE_SHA256])
        is_due = blob is not None and of_it and analysis.text_due(blob.data, settings.text_mode)
    return text.specs(name, settings)[-1] if is_due else None


def _is_of(info: BlobInfo, spec: RecordSpec, sha256: str) -> bool:
    """Whether the record is of these bytes and answers its question."""
    return info.metadata.get(names.SOURCE_SHA256) == sha256 and spec.is_answered_by(info.metadata.get(names.REQUEST))


def _is_finished(image: ImageState) -> bool:
    """Whether no step is under way or to be tried again; text never comes where the analysis has failed."""
    steps = [image["analysis"], *image["thumbnails"], image["text"]]
    open_steps = [step for step in steps if step["state"] in ("pending", "deferred")]
    return image["state"] in (COMPLETE, FAILED) and all(
        "reason" in step and step["reason"]["code"] == "waits_for_analysis" for step in open_steps
    )


def _newest(seen: Remembered, image: ImageState) -> _Rank | None:
    """The rank of the newest of the records that an image's state was derived from; None if there is none."""
    ranks = [_rank(place[0], info) for place in _places(image) if (info := seen.found.get(place))]
    return max(ranks, default=None)


def _rank(container: str, info: BlobInfo) -> _Rank:
    """Of records of the same second, that is the newest whose container is listed first."""
    return info.modified, -CONTAINERS.index(container), info.name


def _places(image: ImageState) -> Iterator[tuple[str, str]]:
    """Container and name of each record that an image's state was derived from."""
    steps: Sequence[tuple[str, StepState]] = [
        (by_step.ANALYSIS, image["analysis"]),
        *((by_step.THUMBNAILS, each) for each in image["thumbnails"]),
        (by_step.TEXT, image["text"]),
    ]
    for step, state in steps:
        if state["state"] == FAILED:
            yield unfinished.place(step, image["name"])
        for record in (state.get("record"), state.get("plain")):
            if isinstance(record, str):
                container, _, name = record.partition("/")
                yield container, name
