"""
An upload that was given up: what is missing of it is written down, so that it does not end in silence.

The platform counts a delivery before its function starts, so one that kills its worker counts too. After the last one
it puts the event on the queue `webjobs-blobtrigger-poison`. Nothing is tried again here, because what killed a worker
may kill another one: each step without its records gets an unfinished record, `failed` until somebody retries it.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from shared import images, log, names, records, steps, text, unfinished
from shared.errors import BadRequestError, BusyError, UploadGivenUpError
from shared.records import Recipe, SourceChangedError, UnreadVersion, Version
from shared.services import Services

# host.json's extensions.blobs.poisonBlobThreshold; a test compares the two.
TRIES = 5
_FUNCTION = "AnalyzeOnUpload"
# By then the event of an overwritten image has come, and what became of that one can be seen.
_SETTLED = timedelta(minutes=10)

_logger = logging.getLogger(__name__)


class _Event(NamedTuple):
    """What a message says: which function was to run for which blob (its ETag unquoted, empty if unknown)."""

    function: str
    container: str
    name: str
    etag: str


def rescue(services: Services, message: bytes) -> list[str]:
    """
    Write down what is missing of the upload that a message of the poison queue is about.

    Args:
        services: the parts.
        message: `{"Type": "BlobTrigger", "FunctionId", "BlobType", "ContainerName", "BlobName", "ETag"}`.

    Returns:
        The steps that got an unfinished record; none if the message was dropped, which the log has the reason of.

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
        noted = _rescue(services, event)
    except SourceChangedError as change:
        # Another version has an event of its own.
        return _drop("gone" if change.deleted else "overwritten", event)
    except BadRequestError:
        return _drop("bad_name", event)
    if not noted:
        return _drop("accounted_for", event)
    log.event(_logger, "upload.given_up", level=logging.ERROR, blob=event.name, steps=",".join(noted))
    return noted


def _rescue(services: Services, event: _Event) -> list[str]:
    info = services.images.head(names.IMAGES, event.name)
    # Not the whole image: it may be its size that has killed the worker.
    beginning = services.images.beginning(names.IMAGES, event.name, images.KIND_BYTES)
    if info is None or beginning is None:
        raise SourceChangedError(deleted=True)
    recent = info.modified is not None and services.clock.utc() - info.modified < _SETTLED
    if event.etag not in ("", info.etag) and recent:
        raise BusyError(f"The image {event.name!r} was overwritten a moment ago: its own event comes first.")
    image = UnreadVersion(event.name, info.etag, info.size)
    missing = list(_missing(services, image, beginning))
    told = text.alone(text_only=images.is_document(beginning))
    try:
        return [step for step, todo in missing if _note(services, image, step, todo, told)]
    except SourceChangedError as change:
        if change.deleted:
            places = [unfinished.place(step, image.name) for step, _ in missing]
            records.sweep(services.images, places, lambda: records.confirm_gone(services.images, image.name))
        raise


def _missing(services: Services, image: Version, beginning: bytes) -> Iterator[tuple[str, Sequence[Recipe]]]:
    """The steps that apply and have neither their records nor a reason, with the records they are to make."""
    text_only = images.is_document(beginning)
    for step in (steps.TEXT,) if text_only else steps.STEPS:
        todo = steps.recipes(services, step, image.name)
        before = unfinished.find(services.images, step, image.name)
        if before and before.is_of(image.etag, todo):
            if before.blames_image:
                return  # nothing else is asked about such an image
            continue
        if step == steps.TEXT and not text_only and not steps.has_text(services, image, beginning):
            continue
        if not steps.all_there(services, image, todo):
            yield step, todo


def _note(services: Services, image: Version, step: str, todo: Sequence[Recipe], told: Mapping[str, str]) -> bool:
    """Write it down, unless another delivery has made the records meanwhile; returns whether it stands."""
    unfinished.note(services.images, services.clock, image, step, todo, _given_up(), attempts=TRIES, told=told)
    records.confirm(services.images, image)
    if not steps.all_there(services, image, todo):
        return True
    records.sweep(
        services.images, [unfinished.place(step, image.name)], lambda: records.confirm(services.images, image)
    )
    return False


def _given_up() -> UploadGivenUpError:
    return UploadGivenUpError(
        f"Processing this upload was begun {TRIES} times and never came to an end: "
        "each time the worker was killed or the function failed in the middle."
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


def _drop(reason: str, event: _Event | None = None) -> list[str]:
    where = f"{event.container}/{event.name}" if event else "-"
    log.event(_logger, "rescue.dropped", level=logging.WARNING, reason=reason, blob=where)
    return []
