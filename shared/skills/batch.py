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


class Looked(NamedTuple):
    """A record, and what it says of its image, or its error if it says nothing that can be meant."""

    record: Record
    image: Given | BlobsightError


class Answer(NamedTuple):
    """An answer about an image, and the sides of that image in pixels where they are known."""

    body: Json
    sides: tuple[int, int] | None


# By image; None where there is none in time.
Answers = dict[_Key, Answer | BaseException | None]


def looked_at(batch: Sequence[Record]) -> list[Looked]:
    """What the records say of their images."""
    return [Looked(record, _image_of(record)) for record in batch]


async def answered(work: Work, skill: Skill, batch: Sequence[Looked]) -> Answers:
    """The answers about the batch's images, as far as they are there when the batch's time is over."""
    images = {_key(given): given for _, given in batch if isinstance(given, Given)}
    # Not the time of a request that a person waits for, and more of it for what was begun.
    with time_budget.apart(work.remaining() + _OVERTIME_SECONDS):
        tasks = {key: asyncio.create_task(_asked(work, skill, image)) for key, image in images.items()}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=work.remaining())
    answers: Answers = {}
    for key, task in tasks.items():
        answers[key] = (task.exception() or task.result()) if task.done() else None
        task.cancel()
    return answers


def told(work: Work, skill: Skill, batch: Sequence[Looked], answers: Answers) -> list[Json]:
    """The records as they are answered, in the order in which they came."""
    told = [_told(work, skill, looked, answers) for looked in batch]
    failed, late = sum(bool(each["errors"]) for each in told), list(answers.values()).count(None)
    log.event(_logger, "batch.answered", records=len(batch), images=len(answers), failed=failed, late=late)
    return told


def _image_of(record: Record) -> Given | BlobsightError:
    if record.problem:
        return record.problem
    try:
        return record_images.given(record.data)
    except BlobsightError as error:
        return error


def _key(given: Given) -> _Key:
    return given.kind, given.text


async def _asked(work: Work, skill: Skill, given: Given) -> Answer:
    """Ask about an image, again and again while waiting can help and there is time."""
    sides: tuple[int, int] | None = None

    def load() -> Image:
        nonlocal sides
        image = record_images.image_of(work.app, given)
        sides = _sides(image)
        return image

    while True:
        try:
            return Answer(await skill.ask(work, load), sides)
        except BlobsightError as error:
            pause = error.retry_after_seconds or _PAUSE_SECONDS
            if not error.transient or pause >= work.remaining():
                raise
        await work.pause(pause)


def _sides(image: Image) -> tuple[int, int] | None:
    if isinstance(image, ImageBytes):
        with suppress(BlobsightError):  # a document has no sides
            return image.header.width, image.header.height
    return None


def _told(work: Work, skill: Skill, looked: Looked, answers: Answers) -> Json:
    record, given = looked
    if isinstance(given, BlobsightError):
        return records.refused(record, given)
    answer = answers[_key(given)]
    if answer is None:
        return records.refused(record, _late(work.seconds))
    try:
        if isinstance(answer, BaseException):
            raise answer
        return _output(skill, record, given, answer)
    except BlobsightError as error:
        return records.refused(record, error)
    except Exception as error:
        _logger.error("record.crashed correlation=%s", log.told_correlation_id(), exc_info=log.quiet(error))
        return records.refused(record, BlobsightError("The app made a mistake; its log has the details."))


def _output(skill: Skill, record: Record, given: Given, answer: Answer) -> Json:
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
