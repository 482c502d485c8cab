"""
A batch of records: each image is asked about once, side by side, and the batch is answered in time.

A record that is not done by then has an error that says so, and the next run of the indexer finds what was paid for
meanwhile: the answer lies in its claim. That holds as well where the caller has hung up, because nothing here depends
on the connection.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from shared import log
from shared.clock import short
from shared.errors import BlobsightError, BusyError
from shared.images import Image, ImageBytes
from shared.json_types import Json
from shared.skills import placement, record_images, records
from shared.skills.record_images import Given
from shared.skills.records import Record
from shared.skills.skill import Skill
from shared.skills.work import Work
from shared.transport import time_budget
from shared.vision import mapping

# A call that is under way when the batch is answered ends in this time, and its answer is kept.
_OVERTIME_SECONDS = 30.0
# Where neither the service nor the app says how long.
_PAUSE_SECONDS = 1.0

_logger = logging.getLogger(__name__)
_Key = tuple[str, str]


class _Answer(NamedTuple):
    """An answer about an image, and the sides of that image in pixels where they are known."""

    body: Json
    sides: tuple[int, int] | None


class Batch(NamedTuple):
    """The records of a batch, what each says of its image, and each of these images once."""

    records: Sequence[Record]
    found: Sequence[Given | BlobsightError]
    images: dict[_Key, Given]


def looked_at(batch: Sequence[Record]) -> Batch:
    """What the records say of their images. It looks at every character of megabytes, so it is for a thread."""
    images: dict[_Key, Given] = {}
    return Batch(batch, [_looked_at(record, images) for record in batch], images)


async def answered(work: Work, skill: Skill, batch: Batch) -> list[Json]:
    """The batch's records, answered while the work has time, in the order in which they came."""
    # Not the time of a request that a person waits for, and more of it for what was begun.
    with time_budget.apart(work.remaining() + _OVERTIME_SECONDS):
        tasks = {key: asyncio.create_task(_asked(work, skill, image)) for key, image in batch.images.items()}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=work.remaining())
    late = [task for task in tasks.values() if not task.done()]
    for task in late:
        task.cancel()
    each_found = zip(batch.records, batch.found, strict=True)
    told = [_told(skill, record, found, tasks, work.seconds) for record, found in each_found]
    failed = sum(bool(each["errors"]) for each in told)
    log.event(_logger, "batch.answered", records=len(told), images=len(tasks), failed=failed, late=len(late))
    return told


def _looked_at(record: Record, images: dict[_Key, Given]) -> Given | BlobsightError:
    """What the record says of its image, which joins the *images*; its error if it says nothing that can be meant."""
    if record.problem:
        return record.problem
    try:
        given = record_images.given(record.data)
    except BlobsightError as error:
        return error
    images.setdefault((given.kind, given.text), given)
    return given


async def _asked(work: Work, skill: Skill, given: Given) -> _Answer:
    """Ask about an image, again and again while waiting can help and there is time."""
    image = await work.in_thread(lambda: record_images.image_of(work.app, given))
    while True:
        try:
            return _Answer(await skill.ask(work, image), _sides(image))
        except BlobsightError as error:
            pause = error.retry_after_seconds or _PAUSE_SECONDS
            if not error.transient or pause >= work.remaining():
                raise
        await asyncio.sleep(pause)


def _sides(image: Image) -> tuple[int, int] | None:
    if isinstance(image, ImageBytes):
        with suppress(BlobsightError):  # a document has no sides
            return image.header.width, image.header.height
    return None


def _told(
    skill: Skill,
    record: Record,
    found: Given | BlobsightError,
    tasks: dict[_Key, "asyncio.Task[_Answer]"],
    seconds: float,
) -> Json:
    if isinstance(found, BlobsightError):
        return records.refused(record, found)
    task = tasks[(found.kind, found.text)]
    if not task.done() or task.cancelled():
        return records.refused(record, _late(seconds))
    try:
        return _output(skill, record, found, task.result())
    except BlobsightError as error:
        return records.refused(record, error)
    except Exception as error:
        _logger.error("record.crashed correlation=%s", log.told_correlation_id(), exc_info=log.quiet(error))
        return records.refused(record, BlobsightError("The app made a mistake; its log has the details."))


def _output(skill: Skill, record: Record, given: Given, answer: _Answer) -> Json:
    """The record's answer, with its places in pixels of the image that the indexer has cracked."""
    place = given.placement if answer.sides is None else placement.checked(given.placement, *answer.sides)
    body = mapping.mapped(answer.body, place.frame) if place.frame else answer.body
    return records.answered(record, skill.output(body), [*given.warnings, *([place.warning] if place.warning else [])])


def _late(seconds: float) -> BusyError:
    return BusyError(
        f"The record was not done in time: the batch was answered after {short(seconds)} seconds (timeoutSeconds).",
        action=(
            "Run the indexer again: what was paid for meanwhile is kept and costs nothing. Or send fewer records at"
            " once (batchSize)."
        ),
    )
