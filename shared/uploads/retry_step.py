"""
RetryStep as the platform calls it: an image's steps once more, when their turn in the backlog has come.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from shared import log, services
from shared.durable import appointments, handover
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import MISDEPLOYED, BlobsightError, StorageError
from shared.index.writer import UPLOAD_LINGER_SECONDS
from shared.records import by_step
from shared.services import App
from shared.thumbnails import recut
from shared.uploads import attempt_mark, steps
from shared.uploads.retry_loop import Deferred, Ended, RetryWork
from shared.uploads.steps import StepOutcome

# As many as uploads are worked on at once; each may hold an image.
_executor = ThreadPoolExecutor(8, thread_name_prefix="retry")
_MENDING_SECONDS = 60.0
# A turn that is later by so much is not worth a write.
_UNTOLD_SECONDS = 1.0


async def retry(work: RetryWork, starter: str) -> Deferred | Ended:
    """
    Do the steps, or report the crash that kept them from being done; text that became due is handed over.

    Args:
        work: the image, its steps and the attempts so far, as `shared.uploads.retry_loop` gives them.
        starter: the durable client's binding.
    """
    with log.correlated(work["key"] or None):
        try:
            app = services.current()
        except MISDEPLOYED:
            return {"state": "deferred", "seconds": _MENDING_SECONDS, "attempts": work["attempts"]}
        async with services.recorded(app, _executor) as noted:
            outcome, left = await services.in_thread(_executor, lambda: _retry(app, work))
            # Text that is to be tried itself does not wait for a Read that sleeps.
            anew = work["key"] if by_step.TEXT in work["steps"] else ""
            try:
                await services.both(
                    handover.hand_over_all(starter, left, anew=anew),
                    app.index_writer.store(noted, _executor, UPLOAD_LINGER_SECONDS),
                )
            except StorageError as error:
                problem = error
                return await services.in_thread(_executor, lambda: _later(app, work, problem))
            return outcome


def _later(app: App, work: RetryWork, error: BlobsightError) -> Deferred:
    attempts = work["attempts"] + 1
    seconds = appointments.seconds_until(error, attempts)
    _put_off(app, work, work["steps"], seconds)
    return {"state": "deferred", "seconds": seconds, "attempts": attempts}


def _put_off(app: App, work: RetryWork, steps: Sequence[str], seconds: float) -> None:
    """Have the records tell the turn that comes, where storage takes that."""
    with suppress(BlobsightError):
        attempt_mark.put_off(app, work["name"], steps, seconds)


def _retry(app: App, work: RetryWork) -> tuple[Deferred | Ended, list[Job | Appointment]]:
    """The outcome, and the work left to others: text that became due, and thumbnails that come with the analysis."""
    try:
        if work["crash"]:
            steps.give_up(app, work["name"], work["steps"], work["crash"])
            return {"state": "ended", "steps": dict.fromkeys(work["steps"], "failed"), "job": None}, []
        if work["key"] == appointments.FOCAL_POINT:
            recut.recut(app, work["name"])
            return {"state": "ended", "steps": dict.fromkeys(work["steps"], "done"), "job": None}, []
        with attempt_mark.in_progress(app, work["name"], work["steps"], work["key"]) as wait:
            only = tuple(work["steps"])
            outcomes = [] if wait else steps.process(app, work["name"], None, only=only, from_backlog=True)
    except Exception as error:
        if isinstance(error, BlobsightError) and error.transient:
            # Not even an unfinished record could be written: storage is out.
            return _later(app, work, error), []
        with suppress(BlobsightError):
            attempt_mark.put_off_crash(app, work["name"], work["steps"])
        raise
    if wait:
        _put_off(app, work, work["steps"], wait)
        return {"state": "deferred", "seconds": wait, "attempts": work["attempts"] + 1}, []
    apart = [each for each in outcomes if each.step == by_step.THUMBNAILS and each.step not in work["steps"]]
    left = [each.job or each.appointment for each in outcomes if each.job or each in apart]
    return _together(app, work, [each for each in outcomes if each not in apart]), [each for each in left if each]


def _together(app: App, work: RetryWork, outcomes: Sequence[StepOutcome]) -> Deferred | Ended:
    """The outcome of the steps: those that are deferred are tried together, when the last one's turn comes."""
    deferred = [outcome.appointment for outcome in outcomes if outcome.appointment]
    if not deferred:
        return {"state": "ended", "steps": {outcome.step: outcome.state for outcome in outcomes}, "job": None}
    seconds = max(appointment.seconds for appointment in deferred)
    _put_off(app, work, [each.steps[0] for each in deferred if each.seconds < seconds - _UNTOLD_SECONDS], seconds)
    return {"state": "deferred", "seconds": seconds, "attempts": max(each.attempts for each in deferred)}
