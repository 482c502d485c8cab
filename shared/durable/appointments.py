"""
When a deferred step is tried again, and under which name: the input of RetryOrchestrator.

A deferred step reserves nothing. It joins the backlog that all processes share, and sleeps on a durable timer until its
turn. So wake-ups come at the tier's rate and in order.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from shared.durable.orchestrators import AppointmentJson
from shared.errors import (
    AnalysisAwaitedError,
    BlobsightError,
    BusyError,
    ImageArchivedError,
    ImageIncompleteError,
    ThrottledError,
    VisionNotFoundError,
    VisionUnauthorizedError,
)
from shared.pace.quota import Quota
from shared.records import by_step

_FIRST_SECONDS, _LONGEST_SECONDS = 5.0, 300.0
# A caller waits for an operation: a wait of which nothing is known ends sooner.
_FIRST_CALLER_SECONDS, _UNHINTED_SECONDS = 2.0, 5.0
# An operator has to mend the settings, the network or the key first.
_FIRST_MENDING_SECONDS, _LONGEST_MENDING_SECONDS = 300.0, 3600.0
# An operator has to bring the image back first, which may never happen.
_FIRST_ARCHIVED_SECONDS, _LONGEST_ARCHIVED_SECONDS = 300.0, 86_400.0
# A copy may take seconds or days.
_LONGEST_COPY_SECONDS = 3600.0


# In place of a version: what a new focal point asks for.
FOCAL_POINT = "focal-point"


class Appointment(NamedTuple):
    """
    One image's step, or several, to be tried again.

    Attributes:
        name: the image.
        steps: which steps.
        key: the version and the questions, which tell this appointment from others of the image.
        seconds: how long to sleep first.
        attempts: how many attempts have failed so far.
    """

    name: str
    steps: tuple[str, ...]
    key: str
    seconds: float
    attempts: int = 1

    @property
    def instance_id(self) -> str:
        """The id of its orchestration: one for each image, version, step and question."""
        text = json.dumps([self.name, *self.steps, self.key])
        return f"retry-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

    def to_json(self) -> AppointmentJson:
        """The form in which it is kept."""
        return {
            "name": self.name,
            "steps": list(self.steps),
            "key": self.key,
            "seconds": self.seconds,
            "attempts": self.attempts,
        }


def of_focal_point(name: str) -> Appointment:
    """To cut the thumbnails of an image at once that has another focal point now; no step is tried."""
    return Appointment(name, (by_step.THUMBNAILS,), FOCAL_POINT, 0.0, attempts=0)


def key(etag: str, request: str) -> str:
    """
    The key that tells a step's appointment from those of other versions and of other questions.

    *request* are those that the step's unfinished record names (`unfinished.request_of` where there is none). So the
    appointment of a version before, which asked more, is met again and not made a second time.
    """
    return f"{etag},{request}" if request else etag


def seconds_until(error: BlobsightError, failed_attempts: int, *, first_seconds: float = _FIRST_SECONDS) -> float:
    """Seconds until a try can work: as the error says, else twice as many after each failed attempt."""
    mending = isinstance(error, (VisionUnauthorizedError, VisionNotFoundError))
    if error.retry_after_seconds is not None and not mending:
        return error.retry_after_seconds
    first, longest = first_seconds, _LONGEST_SECONDS
    if mending:
        first, longest = _FIRST_MENDING_SECONDS, _LONGEST_MENDING_SECONDS
    elif isinstance(error, ImageArchivedError):
        first, longest = _FIRST_ARCHIVED_SECONDS, _LONGEST_ARCHIVED_SECONDS
    elif isinstance(error, ImageIncompleteError):
        longest = _LONGEST_COPY_SECONDS
    return float(min(longest, first * 2.0 ** min(failed_attempts - 1, 16)))


def seconds_for_caller(error: BlobsightError, failures: int) -> float:
    """The same of work that is not the backlog's, after so many failures in a row before this one."""
    seconds = max(0.1, seconds_until(error, failures + 1, first_seconds=_FIRST_CALLER_SECONDS))
    unhinted = error.retry_after_seconds is None and isinstance(error, (BusyError, ThrottledError))
    return min(seconds, _UNHINTED_SECONDS) if unhinted else seconds


def arrange(quota: Quota, error: BlobsightError, failed_attempts: int, calls: int) -> float:
    """Join the backlog with so many calls; returns in how many seconds the turn comes."""
    seconds = seconds_until(error, failed_attempts)
    if not calls or isinstance(error, (ImageArchivedError, ImageIncompleteError, AnalysisAwaitedError)):
        return seconds  # to look whether the bytes or the record are there takes no call, so no place in the backlog
    return quota.postpone(at_least_seconds=seconds, calls=calls)


def turns(quota: Quota, calls: Sequence[int]) -> list[float]:
    """Join the backlog with several steps that make so many calls each; in how many seconds each turn comes."""
    first = quota.postpone(calls=sum(calls)) if any(calls) else 0.0
    before = accumulate(calls, initial=0)
    return [first + count * quota.interval_seconds for count, _ in zip(before, calls, strict=False)]


def check_backlog(quota: Quota) -> None:
    """
    Refuse a call while others have waited longer.

    Raises:
        BusyError: the backlog lies ahead, and is to be joined instead of overtaken.
    """
    seconds = quota.backlog_seconds()
    if seconds > 0:
        raise BusyError(
            "Other images have waited longer for Computer Vision and come first.",
            code="backlog",
            action="Nothing: its turn comes by itself.",
            retry_after_seconds=seconds,
        )
