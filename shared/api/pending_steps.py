"""
The pending steps of all images, found page by page and put into the backlog, as deferred steps are.

An image has one appointment for all of them, so that no thumbnail is paid of one that the analysis finds unacceptable.
The appointment is made first, and the notes are written then. So no note promises a try that is not arranged. A process
that dies between the two leaves steps that are still pending: the same request finds them and the appointment again.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from shared.api import image_states
from shared.api.image_states import MOST_LISTINGS, MOST_LOOKED_AT, ImageState
from shared.durable import appointments
from shared.durable.appointments import Appointment
from shared.errors import BusyError
from shared.lifecycle import deletion
from shared.records import by_step, deferral, text, unfinished
from shared.records.versions import SourceChangedError, UnreadVersion
from shared.services import App

_LISTED_AT_ONCE = 50


class PendingImage(NamedTuple):
    """
    An image with steps that are pending.

    Attributes:
        version: as its properties tell it; its bytes are not read here.
        calls: each of the steps, and how many calls it will make, which may be none.
        text_only: whether it is a document, which has nothing but text.
    """

    version: UnreadVersion
    calls: dict[str, int]
    text_only: bool


def page(
    app: App, step: str | None, *, limit: int, continuation: str | None = None
) -> tuple[list[PendingImage], str | None]:
    """
    Images with up to *limit* pending steps, in the order of their names, and where to go on (None after the last).

    A page can be short, or empty, and still have a continuation, when much was looked at that is not pending.
    """
    found: list[PendingImage] = []
    looked_at = listings = 0
    while True:
        left = limit - sum(len(each.calls) for each in found)
        size = min(_LISTED_AT_ONCE, left // len(by_step.STEPS))
        if looked_at and (continuation is None or not size or looked_at >= MOST_LOOKED_AT or listings >= MOST_LISTINGS):
            return found, continuation
        images = image_states.page(app, limit=size, continuation=continuation, with_corrections=False)
        candidates = (_pending(app, image, step) for image in images["images"])
        found += [each for each in candidates if each.calls]
        continuation = images["continuation"]
        looked_at, listings = looked_at + size, listings + 1


def of_image(app: App, name: str, step: str | None) -> list[PendingImage]:
    """
    The image with its pending steps, if it has some.

    Raises:
        NotFoundError: there is no such image.
    """
    pending = _pending(app, image_states.of_steps(app, name)[1], step)
    return [pending] if pending.calls else []


def _pending(app: App, image: ImageState, step: str | None) -> PendingImage:
    source = image["source"]
    version = UnreadVersion(image["name"], str(source["etag"]), int(str(source["bytes"])))
    calls = {each: count for each, count in _calls(app, image) if step in (None, each)}
    return PendingImage(version, calls, image["analysis"]["state"] == "none")


def _calls(app: App, image: ImageState) -> Iterator[tuple[str, int]]:
    """How many calls each pending step will make. Text that waits for the analysis comes with it."""
    text_state = image["text"]
    waits = text_state["state"] == "pending" and text_state["reason"]["code"] == "waits_for_analysis"
    if image["analysis"]["state"] == "pending":
        yield by_step.ANALYSIS, 1
    if pending := {each["size"] for each in image["thumbnails"] if each["state"] == "pending"}:
        yield by_step.THUMBNAILS, min(len(pending), by_step.calls(app.settings, by_step.THUMBNAILS))
    if text_state["state"] == "pending" and not waits:
        yield by_step.TEXT, 1


def appointment(app: App, pending: PendingImage, seconds: float) -> Appointment:
    """The appointment to hand over, in so many seconds."""
    name, steps = pending.version.name, tuple(pending.calls)
    specs = [spec for step in steps for spec in by_step.specs(app.settings, step, name)]
    return Appointment(
        name, steps, appointments.key(pending.version.etag, unfinished.request_of(specs)), seconds, attempts=0
    )


def note(app: App, pending: PendingImage, seconds: float) -> None:
    """Note that they are tried in so many seconds, but for those that were done meanwhile."""
    name = pending.version.name
    error = BusyError(
        "It was pending, and a retry has put it into the backlog.",
        code="backlog",
        action="Nothing: its turn comes by itself.",
    )
    try:
        for step in pending.calls:
            deferral.note(
                app.images,
                app.clock,
                pending.version,
                step,
                by_step.specs(app.settings, step, name),
                error,
                failed_attempts=0,
                wait_seconds=seconds,
                extra_metadata=text.text_only_mark(text_only=pending.text_only),
            )
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is one of that name again, with an event of its own
                deletion.forget(app, name)
