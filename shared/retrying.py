"""
RetryStep as the platform calls it: an image's steps once more, when their turn in the backlog has come.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared import appointments, log, services, steps, trials
from shared.errors import BlobsightError, SettingsError
from shared.services import Services

Json = dict[str, Any]

# As many as uploads are worked on at once; each may hold an image.
_executor = ThreadPoolExecutor(8, thread_name_prefix="retry")
_MENDING_SECONDS = 60.0


async def retry(work: Json) -> Json:
    """
    Do the steps, or report the crash that kept them from being done.

    Returns:
        `{"state": "ended", "steps": {step: state}, "job"}`, the job of a text that became due or None; or
        `{"state": "deferred", "seconds", "attempts"}`.
    """
    with log.correlated(work["key"] or None):
        try:
            parts = services.current()
        except SettingsError:
            return {"state": "deferred", "seconds": _MENDING_SECONDS, "attempts": work["attempts"]}
        return await services.in_thread(_executor, lambda: _retry(parts, work))


def _retry(parts: Services, work: Json) -> Json:
    try:
        if work["crash"]:
            steps.give_up(parts, work["name"], work["steps"], work["crash"])
            return {"state": "ended", "steps": dict.fromkeys(work["steps"], "failed"), "job": None}
        with trials.marked(parts, work["name"], work["steps"]) as wait:
            if wait:
                return {"state": "deferred", "seconds": wait, "attempts": work["attempts"] + 1}
            outcomes = steps.process(parts, work["name"], None, only=tuple(work["steps"]), in_turn=True)
    except BlobsightError as error:
        if not error.transient:
            raise
        # Not even what is missing could be recorded: storage is out.
        attempts = work["attempts"] + 1
        seconds = appointments.seconds_until(error, attempts)
        return {"state": "deferred", "seconds": seconds, "attempts": attempts}
    deferred = [outcome.appointment for outcome in outcomes if outcome.appointment]
    if deferred:
        return {
            "state": "deferred",
            "seconds": max(appointment.seconds for appointment in deferred),
            "attempts": max(appointment.attempts for appointment in deferred),
        }
    jobs = [outcome.job for outcome in outcomes if outcome.job]
    return {
        "state": "ended",
        "steps": {outcome.step: outcome.state for outcome in outcomes},
        "job": jobs[0].to_json() if jobs else None,
    }
