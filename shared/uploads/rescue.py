"""
An upload that the platform gave up: its missing steps are written down, and tried again less often.

The platform counts a delivery before its function starts. So a delivery counts too that kills its worker, or whose
worker is killed by something else. After the last one it puts the event on the queue `webjobs-blobtrigger-poison`.
Nothing is tried here, because the upload may kill another worker. Each step without its records gets an unfinished
record and an appointment, whose tries `shared.uploads.attempt_mark` counts.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from shared import log, names, services
from shared.durable import appointments, handover
from shared.durable.appointments import Appointment
from shared.errors import BadRequestError, BusyError, StorageRefusedError, UploadInterruptedError
from shared.lifecycle import deletion
from shared.pictures import inspection
from shared.records import by_step, deferral, text, unfinished, unfinished_document, versions
from shared.records.record_store import RecordSpec
from shared.records.versions import SourceChangedError, Version
from shared.services import App
from shared.storage import image_blobs
from shared.uploads import attempt_mark, steps

# host.json's extensions.blobs.poisonBlobThreshold; a test compares the two.
MOST_DELIVERIES = 5
_FUNCTION = "AnalyzeOnUpload"
# By then the event of an overwritten image has come, and what became of that one can be seen.
_SETTLED = timedelta(minutes=10)

_logger = logging.getLogger(__name__)


class _Event(NamedTuple):
    """A message: the function that was to run, and the blob (its ETag unquoted, empty if unknown)."""

    function: str
    container: str
    name: str
    etag: str


async def process(message: bytes, starter: str) -> None:
    """
    Rescue the upload that a message of the poison queue is about.

    Args:
        message: see `rescue`.
        starter: the durable client's binding.

    Raises:
        SettingsError, PythonMismatchError: nothing can be known of it.
        BlobsightError: see `rescue`; StorageError also where its appointments could not be handed over.
    """
    app = services.current()
    found = await services.recording(app, app.threads, lambda: rescue(app, message))
    await handover.hand_over_all(starter, found)


def rescue(app: App, message: bytes) -> list[Appointment]:
    """
    Write down the missing steps of the upload that a message of the poison queue is about.

    Args:
        app: the app.
        message: `{"Type": "BlobTrigger", "FunctionId", "BlobType", "ContainerName", "BlobName", "ETag"}`.

    Returns:
        The appointments to hand over, one for each step that is missing; none if the message was dropped, which the
        log has the reason of.

    Raises:
        BusyError: the image was overwritten a moment ago, and its own event comes first.
        StorageError: nothing could be written down.
    """
    event = _parsed(message)
    if event is None:
        return _drop("no_blob_message")
    if event.function != _FUNCTION:
        return _drop("other_function", event)
    if event.container != names.IMAGES:
        return _drop("other_container", event)
    try:
        found = _rescue(app, event)
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is one of that name again
                deletion.forget(app, event.name)
        # Another version has an event of its own.
        return _drop("gone" if change.deleted else "overwritten", event)
    except (BadRequestError, StorageRefusedError):
        return _drop("bad_name", event)
    if not found:
        return _drop("accounted_for", event)
    missing = ",".join(appointment.steps[0] for appointment in found)
    log.event(_logger, "upload.rescued", level=logging.ERROR, blob=event.name, steps=missing)
    return found


def _rescue(app: App, event: _Event) -> list[Appointment]:
    info = image_blobs.head(app.images, event.name)
    if info and (image_blobs.problem(info) or info.size > app.settings.max_upload_bytes):
        # The platform reads the image before the function starts, so an image that it cannot read comes here. The app
        # does not read an image that is too large, so no try of one can kill a worker.
        outcomes = steps.process(app, event.name, None)
        return [outcome.appointment for outcome in outcomes if outcome.appointment]
    # Never the whole image at once: it may be its size that has killed the worker.
    beginning = app.images.beginning(names.IMAGES, event.name, inspection.KIND_BYTES)
    if info is None or beginning is None:
        raise SourceChangedError(deleted=True)
    recent = info.modified is not None and app.clock.utc() - info.modified < _SETTLED
    if event.etag not in ("", info.etag) and recent:
        raise BusyError(f"The image {event.name!r} was overwritten a moment ago: its own event comes first.")
    image = versions.current(app.images, info)
    if image is None:
        raise SourceChangedError(deleted=True)
    image.beginning = beginning
    text_only = by_step.is_document(app.images, app.settings, image)
    missing = list(_missing(app, image, text_only))
    extra = text.text_only_mark(text_only=text_only)
    noted = [(step, _note(app, image, step, specs, extra)) for step, specs in missing]
    return [_appointment(image, step, request) for step, request in noted if request is not None]


def _missing(app: App, image: Version, text_only: bool) -> Iterator[tuple[str, Sequence[RecordSpec]]]:
    """
    The steps that apply and have neither their records nor a failure, with the records they are to make.

    Deferred steps too: the process that deferred one may have died before it handed the appointment over.
    """
    has_always_text = text_only or by_step.has_always_text(image.beginning)
    for step in (by_step.TEXT,) if text_only else by_step.STEPS:
        specs = by_step.specs(app.settings, step, image.name)
        before = unfinished.find(app.images, step, image.name)
        if before and before.is_of(app.images, image, specs):
            if step == by_step.ANALYSIS and before.blames_image:
                # Nothing else is asked about such an image, but the text of one that Computer Vision may read.
                yield from _missing(app, image, True) if has_always_text else ()
                return
            # Text that is deferred is its own orchestration's.
            if before.state == unfinished_document.FAILED or (
                step == by_step.TEXT and before.code != UploadInterruptedError.code
            ):
                continue
        if step == by_step.TEXT and not has_always_text and not by_step.has_text(app.images, app.settings, image):
            continue
        if not by_step.all_there(app.images, image, specs):
            yield step, specs


def _note(
    app: App, image: Version, step: str, specs: Sequence[RecordSpec], extra_metadata: Mapping[str, str]
) -> str | None:
    """Write it down, unless another delivery has made the records meanwhile; returns as `deferral.note` does."""
    request = deferral.note(
        app.images,
        app.clock,
        image,
        step,
        specs,
        attempt_mark.interrupted(MOST_DELIVERIES),
        failed_attempts=MOST_DELIVERIES,
        wait_seconds=attempt_mark.WAIT_SECONDS[0],
        extra_metadata=extra_metadata,
    )
    # A note that was there may be of a turn that has passed.
    attempt_mark.put_off(app, image.name, [step], attempt_mark.WAIT_SECONDS[0], if_due=True)
    return request


def _appointment(image: Version, step: str, request: str) -> Appointment:
    # The one that the step makes itself when it is deferred, so that there are not two.
    return Appointment(
        image.name, (step,), appointments.key(image.etag, request), attempt_mark.WAIT_SECONDS[0], MOST_DELIVERIES
    )


def _parsed(message: bytes) -> _Event | None:
    try:
        content = json.loads(message)
        if content["Type"] != "BlobTrigger":
            return None
        values = [content[key] for key in ("FunctionId", "ContainerName", "BlobName")]
        etag = content.get("ETag") or ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not all(isinstance(value, str) and value for value in values) or not isinstance(etag, str):
        return None
    function, container, name = values
    return _Event(function.rpartition(".")[2], container, name, etag.strip('"'))


def _drop(reason: str, event: _Event | None = None) -> list[Appointment]:
    container, name = (event.container, event.name) if event else (None, None)
    log.event(_logger, "rescue.dropped", level=logging.WARNING, reason=reason, container=container, blob=name)
    return []
