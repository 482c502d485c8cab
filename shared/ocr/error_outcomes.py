"""
Make outcomes of the errors that an activity of OcrOrchestrator meets, and note what an upload waits for or fails by.
"""

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from shared import log, names
from shared.durable import appointments
from shared.durable.problems import problem_of
from shared.durable.read_job import Job
from shared.errors import BlobsightError, ReadFailedError
from shared.lifecycle import deletion
from shared.ocr.outcomes import Failed, Superseded, Waiting
from shared.records import by_step, record_store, text, unfinished, versions
from shared.records.unfinished_document import FAILED, UnfinishedDocument
from shared.records.versions import SourceChangedError, Version
from shared.services import App

# Shorter waits leave no record, but for one that would still say that the text has failed.
_NOTED_SECONDS = 5.0

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


def outcome_of(
    app: App,
    job: Job,
    failures: int,
    work: Callable[[], _T],
    *,
    in_backlog: bool = False,
    waits: tuple[float, float] = (0.0, math.inf),
) -> _T | Waiting | Failed | Superseded:
    """
    Do the work; an expected error becomes an outcome instead of being raised.

    Args:
        app, job: the app; the document to read.
        failures: how often the same has had to wait in a row.
        work: does it; an activity's returns its outcome.
        in_backlog: whether a wait joins the backlog, because it ends in a paid call that no caller waits for.
        waits: the shortest wait and the longest, in seconds, whatever the error says; the shortest counts more.
    """
    begun = app.clock.utc()
    try:
        return _unless_superseded(app, job, work)
    except BlobsightError as error:
        problem = error
        seconds = (
            max(waits[0], min(waits[1], appointments.seconds_for_caller(error, failures))) if error.transient else None
        )
    if seconds is not None and in_backlog:
        seconds = app.quota.postpone(at_least_seconds=seconds)
    try:
        return _unless_superseded(app, job, lambda: _missed(app, job, problem, seconds, begun))
    except BlobsightError as second:
        # It comes back as soon as the note may be written, which tells nothing of a longer wait meanwhile.
        return _waiting(job, problem, min(seconds or math.inf, appointments.seconds_for_caller(second, failures)))


def _missed(app: App, job: Job, error: BlobsightError, seconds: float | None, begun: datetime) -> Waiting | Failed:
    """Note that the work was not done, and is tried again after so many seconds or not at all."""
    _note(app, job, error, seconds, begun)
    if seconds is not None:
        return _waiting(job, error, seconds)
    log_event(job, "text.failed", code=error.code)
    return {"state": "failed", "problem": problem_of(error)}


def failed_meanwhile(app: App, job: Job) -> Failed | None:
    """
    The end of a Read that has slept, if a failure of the upload's text was noted since; that note stays as it is.

    Another try has failed then, or a caller has cancelled the Read. A failure from before it slept has another note in
    its place, of the wait.
    """
    noted = _noted(app, job)
    if job.version is None or noted.get("state") != FAILED:
        return None
    _drop_outdated(app, job, job.version)
    log_event(job, "text.failed", code=noted["code"])
    error = ReadFailedError(noted["message"], code=noted["code"], action=noted["action"], request_id=noted["requestId"])
    return {"state": "failed", "problem": problem_of(error)}


def _noted(app: App, job: Job) -> UnfinishedDocument:
    """The unfinished record of an upload's text; empty if there is none, or if it is no upload."""
    if job.version is None:
        return {}
    return unfinished.read_for(app.images, job.version, by_step.TEXT, text.specs(job.name, app.settings))[0]


def _waiting(job: Job, error: BlobsightError, seconds: float) -> Waiting:
    log_event(job, "text.deferred", code=error.code, seconds=seconds)
    return {"state": "wait", "seconds": seconds, "problem": problem_of(error)}


def _unless_superseded(app: App, job: Job, work: Callable[[], _T]) -> _T | Superseded:
    """Do it; if the image is another one by now, that one has an event of its own, and of this one nothing stays."""
    try:
        return work()
    except SourceChangedError as change:
        log_event(job, "text.superseded")
        places = [*text_places(job), unfinished.place(by_step.TEXT, job.name)]
        # An ETag does not come back, so nothing has to be checked. If the bytes come back, so that the records hold
        # again, they tell another one.
        record_store.delete_outdated(
            app.images,
            places,
            lambda: None,
            lambda info: info.metadata.get(names.SOURCE_ETAG) == job.etag,
        )
        _disown(app, job, deleted=change.deleted)
        return {"state": "superseded", "deleted": change.deleted}


def _disown(app: App, job: Job, *, deleted: bool) -> None:
    """What the Read has stored late, or will, is forgotten with the other answers, unless an image has its bytes."""
    if deleted:
        with suppress(SourceChangedError):  # another one has taken its name
            deletion.forget(app, job.name, digests={job.subject})
            return
    if job.version:
        with suppress(SourceChangedError):  # it has these bytes again
            deletion.disown(app, job.name, {job.subject}, partial(versions.ensure_other, app.images, job.version))


def _note(app: App, job: Job, error: BlobsightError, seconds: float | None, begun: datetime) -> None:
    version = job.version
    if version is None:
        return
    if seconds is not None and seconds < _NOTED_SECONDS and _noted(app, job).get("state") != FAILED:
        return
    unfinished.note(
        app.images,
        app.clock,
        version,
        by_step.TEXT,
        text.specs(job.name, app.settings),
        error,
        wait_seconds=seconds,
        extra_metadata=text.text_only_mark(text_only=job.text_only),
        begun=None if seconds is None else begun,
    )
    if seconds is None:
        _drop_outdated(app, job, version)


def _drop_outdated(app: App, job: Job, version: Version) -> None:
    """
    Delete the text of an earlier version, which would be taken for this one's.

    No activity comes here again, so a change of the image since the note has to be seen now.
    """
    record_store.delete_outdated(
        app.images,
        text_places(job),
        lambda: versions.ensure_unchanged(app.images, version),
        lambda info: not version.is_source_of(app.images, info),
    )


def text_places(job: Job) -> list[tuple[str, str]]:
    """Where its records lie, the plain one first: the other one's presence says that both are there."""
    return [(names.TEXT, job.plain_record), (names.TEXT, job.record)]


def log_event(job: Job, event: str, **fields: object) -> None:
    """Log an event of a job with these fields too."""
    log.event(_logger, event, level=logging.INFO, blob=job.name or None, subject=job.subject[:16], **fields)
