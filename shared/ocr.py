"""
What the activities of OcrOrchestrator do: submit, poll, store.

Each returns an outcome, because an exception does not keep its type on its way to the orchestrator:
    {"state": "submitted", "ticket", "seconds"}  accepted and paid; ask again after so many seconds
    {"state": "running", "seconds", "polls"}     not done yet
    {"state": "read"}                            the answer lies in the claim
    {"state": "done", "record", "plain", "etag"} the records are written; the ETag is the image's, "" if it is none
    {"state": "wait", "seconds", "problem"}      waiting can help: the same activity again after so many seconds
    {"state": "again"}                           the answer is not to be had any more: submit again
    {"state": "superseded", "deleted"}           the image is another one by now, or gone
    {"state": "failed", "problem"}               it cannot be read; for an upload an unfinished record says so
From "submitted" on the document is paid. Its claim has the ticket before the activity returns, so whatever happens
after that leads to the same operation; only a process that dies between the service's answer and the claim's writing
has it paid once more.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from shared import log, names, records, schedule, text, unfinished
from shared.asking import OPERATION_SECONDS, Ticket
from shared.errors import (
    BadRequestError,
    BlobsightError,
    BusyError,
    ReadFailedError,
    ThrottledError,
    VisionMisplacedError,
    VisionUnauthorizedError,
)
from shared.images import ImageBytes, ImageUrl
from shared.jobs import Job
from shared.records import SourceChangedError
from shared.services import Services
from shared.storage import BlobInfo
from shared.vision.reading import ReadResult

STEP = "text"
# Short, because longer waits are the orchestrator's: they cost no thread.
_POLL_SECONDS = 10.0
_SUBMIT_WAIT_SECONDS = 5.0
# Waits that nobody would notice leave no record.
_NOTED_SECONDS = 5.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 2.0, 300.0
_FIRST_MENDING_SECONDS, _LONGEST_MENDING_SECONDS = 300.0, 3600.0

_logger = logging.getLogger(__name__)
Json = dict[str, Any]


def submit(services: Services, job: Job, failures: int) -> Json:
    """Have the document read, unless its text is there or somebody else has had it read."""

    def work() -> Json:
        if stored(services, job):
            return _done(job)
        if services.desk.result(job.subject, job.question):
            return {"state": "read"}
        document = _document(services, job)
        ticket = services.desk.submit(job.question, document, wait_seconds=_SUBMIT_WAIT_SECONDS)
        _log(job, "text.submitted")
        return {
            "state": "submitted",
            "ticket": ticket.to_json(),
            "seconds": _until_first_poll(services, ticket),
        }

    return _outcome(services, job, failures, work)


def poll(services: Services, job: Job, ticket: Ticket, failures: int) -> Json:
    """Ask once how far the Read is, and keep its answer if it is done."""

    def work() -> Json:
        elapsed = (services.clock.utc() - ticket.submitted).total_seconds()
        try:
            result = services.vision.get_read_result(ticket.operation, timeout_seconds=_POLL_SECONDS)
        except VisionMisplacedError as error:
            if elapsed < OPERATION_SECONDS:
                raise _given_up(services, job, ticket, _lost(error)) from error
            return _again(services, job, ticket)
        except BadRequestError:
            # VISION_ENDPOINT names another service since: what that one read cannot be had from this one.
            return _again(services, job, ticket)
        if result.status == "succeeded":
            _learn(services.median, result)
            services.desk.keep_result(job.subject, job.question, result)
            return {"state": "read", "polls": 1}
        if result.status == "failed":
            raise _given_up(services, job, ticket, _refused(ticket))
        if elapsed > job.deadline_seconds:
            raise _given_up(services, job, ticket, _late(elapsed))
        return {"state": "running", "seconds": schedule.next_wait(services.median.seconds, elapsed), "polls": 1}

    return _outcome(services, job, failures, work)


def store(
    services: Services, job: Job, failures: int, *, ticket: Ticket | None = None, crash: Json | None = None
) -> Json:
    """Write the records of what was read, or of the *crash* of an activity, which could not report it itself."""

    def work() -> Json:
        if crash:
            raise ReadFailedError(crash["message"], code=crash["code"], action=crash["action"])
        result = services.desk.result(job.subject, job.question)
        if result is None:
            # Of an address it is kept for minutes only, which an outage can outlast. Asking costs nothing.
            return {"state": "running", "seconds": 0.0} if ticket else {"state": "again"}
        _write(services, job, result)
        _log(job, "text.stored")
        return _done(job)

    return _outcome(services, job, failures, work)


def is_known(services: Services, job: Job) -> bool:
    """Whether the text is there, its records made now if somebody else has had the same read."""
    if stored(services, job):
        return True
    result = services.desk.result(job.subject, job.question)
    if result is None:
        return False
    with suppress(SourceChangedError):
        _write(services, job, result)
        return True
    return False


def stored(services: Services, job: Job) -> bool:
    """Whether both records are there and answer this very job."""
    # What an address shows can change.
    if job.kind == "url":
        return False
    return all(_holds(services.images.head(names.TEXT, name), job) for name in (job.record, job.plain_record))


def _holds(info: BlobInfo | None, job: Job) -> bool:
    if info is None or info.metadata.get(names.REQUEST) != job.question.key:
        return False
    # Without a version, it was stored under the digest of what was read.
    return job.version is None or _etag_of(info) == job.etag


def _outcome(services: Services, job: Job, failures: int, work: Callable[[], Json]) -> Json:
    """Do it, and say what came of it instead of raising what can be expected."""
    try:
        return _unless_superseded(services, job, work)
    except BlobsightError as error:
        problem, seconds = error, _seconds_to_wait(error, failures) if error.transient else None
    try:
        return _unless_superseded(services, job, lambda: _missed(services, job, problem, seconds))
    except BlobsightError as second:
        return _waiting(job, problem, seconds or _seconds_to_wait(second, failures))


def _missed(services: Services, job: Job, error: BlobsightError, seconds: float | None) -> Json:
    """Note what could not be done, to be tried again after so many seconds or not at all."""
    _note(services, job, error, seconds)
    if seconds is not None:
        return _waiting(job, error, seconds)
    _log(job, "text.failed", code=error.code)
    return {"state": "failed", "problem": problem_of(error)}


def _waiting(job: Job, error: BlobsightError, seconds: float) -> Json:
    _log(job, "text.deferred", code=error.code)
    return {"state": "wait", "seconds": seconds, "problem": problem_of(error)}


def _unless_superseded(services: Services, job: Job, work: Callable[[], Json]) -> Json:
    """Do it; if the image is another one by now, that one has an event of its own, and of this one nothing stays."""
    try:
        return work()
    except SourceChangedError as change:
        _log(job, "text.superseded")
        places = [*_text_places(job), unfinished.place(STEP, job.name)]
        # An ETag does not come back, so nothing has to be checked.
        records.sweep(services.images, places, lambda: None, lambda info: _etag_of(info) == job.etag)
        if change.deleted:
            # Raised if there is one of that name again.
            with suppress(SourceChangedError):
                records.sweep(services.images, places, lambda: records.confirm_gone(services.images, job.name))
        return {"state": "superseded", "deleted": change.deleted}


def _note(services: Services, job: Job, error: BlobsightError, seconds: float | None) -> None:
    version = job.version
    if version is None or (seconds is not None and seconds < _NOTED_SECONDS):
        return
    unfinished.note(
        services.images,
        services.clock,
        version,
        STEP,
        text.recipes(job.name, services.settings),
        error,
        wait_seconds=seconds,
        told=text.alone(text_only=job.text_only),
    )
    if seconds is None:
        # The text of an earlier version would be taken for this one's; and nobody comes here again, so if the image
        # has changed since it was noted, that has to be seen now.
        records.sweep(
            services.images,
            _text_places(job),
            lambda: records.confirm(services.images, version),
            lambda info: _etag_of(info) != version.etag,
        )


def _text_places(job: Job) -> list[tuple[str, str]]:
    return [(names.TEXT, job.plain_record), (names.TEXT, job.record)]


def _etag_of(info: BlobInfo) -> str | None:
    return info.metadata.get(names.SOURCE_ETAG)


def _seconds_to_wait(error: BlobsightError, failures: int) -> float:
    """How long until the same can work: as somebody said, else doubling."""
    if isinstance(error, (VisionUnauthorizedError, VisionMisplacedError)):
        # Somebody has to mend the settings.
        return min(_LONGEST_MENDING_SECONDS, _FIRST_MENDING_SECONDS * 2.0 ** min(failures, 16))
    if error.retry_after_seconds is not None:
        return max(error.retry_after_seconds, 0.1)
    longest = _NOTED_SECONDS if isinstance(error, (BusyError, ThrottledError)) else _LONGEST_WAIT_SECONDS
    return min(longest, _FIRST_WAIT_SECONDS * 2.0 ** min(failures, 16))


def _document(services: Services, job: Job) -> ImageBytes | ImageUrl:
    if job.kind == "url":
        return ImageUrl(job.url)
    container, name = (names.IMAGES, job.name) if job.kind == "image" else (names.INPUTS, names.given(job.subject))
    blob = services.images.read(container, name) if job.kind == "image" else services.host.read(container, name)
    if job.kind == "image" and (blob is None or blob.info.etag != job.etag):
        raise SourceChangedError(deleted=blob is None)
    if blob is None:
        raise ReadFailedError(
            "The bytes that were sent are no longer kept.", code="input_gone", action="Send the document again."
        )
    return ImageBytes(blob.data)


def _until_first_poll(services: Services, ticket: Ticket) -> float:
    """Somebody else may have submitted it a while ago."""
    elapsed = (services.clock.utc() - ticket.submitted).total_seconds()
    return max(0.0, schedule.first_wait(services.median.seconds) - elapsed)


def _learn(median: schedule.Median, result: ReadResult) -> None:
    try:
        begun, ended = (datetime.fromisoformat(moment or "") for moment in (result.created, result.updated))
        median.learn((ended - begun).total_seconds())
    except (ValueError, TypeError):
        return  # the service's times are no times, or only one of them has a zone


def _write(services: Services, job: Job, result: ReadResult) -> None:
    # The plain one first: the other one's presence says that both are there.
    contents = (
        (job.plain_record, names.PLAIN, text.plain(result)),
        (job.record, names.JSON, text.document(job.source, job.question, result, services.clock)),
    )
    told = text.told(result, text_only=job.text_only)
    version = job.version
    if version is None:
        told |= {names.REQUEST: job.question.key}
        for name, content_type, data in contents:
            services.images.write(names.TEXT, name, data, content_type=content_type, metadata=told)
        return
    for name, content_type, data in contents:
        recipe = records.Recipe(names.TEXT, name, job.question, content_type)
        records.make(services.images, version, recipe, partial(bytes, data), told)
    records.confirm(services.images, version)
    records.sweep(
        services.images, [unfinished.place(STEP, job.name)], lambda: records.confirm(services.images, version)
    )


def _done(job: Job) -> Json:
    return {
        "state": "done",
        "record": f"{names.TEXT}/{job.record}",
        "plain": f"{names.TEXT}/{job.plain_record}",
        "etag": job.etag,
    }


def problem_of(error: BlobsightError) -> Json:
    """An error as an outcome carries it."""
    return {
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "action": error.action,
        "requestId": error.request_id,
    }


def _given_up(services: Services, job: Job, ticket: Ticket, error: ReadFailedError) -> ReadFailedError:
    """Whoever asks again gets a new Read instead of this one."""
    services.desk.drop(job.subject, job.question, ticket)
    return error


def _again(services: Services, job: Job, ticket: Ticket) -> Json:
    services.desk.drop(job.subject, job.question, ticket)
    return {"state": "again"}


def _refused(ticket: Ticket) -> ReadFailedError:
    operation = ticket.operation.rpartition("/")[2]
    return ReadFailedError(
        f"Computer Vision accepted the document and then failed to read it, without a reason (operation {operation}).",
        request_id=operation,
    )


def _late(elapsed: float) -> ReadFailedError:
    return ReadFailedError(
        f"Computer Vision was still reading the document after {elapsed:.0f} seconds.",
        code="read_too_slow",
        action="Ask again, split the document, or raise TEXT_DEADLINE_SECONDS.",
    )


def _lost(error: BlobsightError) -> ReadFailedError:
    return ReadFailedError(
        f"Computer Vision accepted the document and does not know it any more ({error.message}).", code="read_lost"
    )


def _log(job: Job, event: str, code: str = "-") -> None:
    log.event(_logger, event, blob=job.name or "-", subject=job.subject[:16], code=code)
