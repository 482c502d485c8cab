"""
Short retries inside the deadline of one question.

A retry is right only for what waiting can help (`transient`), only while the deadline lasts, and only when its turn has
come (`shared.pace.gate`). Longer waits are the caller's business: it gets the error with `retry_after_seconds` and
defers.
"""

import random
from collections.abc import Callable
from typing import Protocol, TypeVar

from shared.clock import Deadline
from shared.errors import (
    BlobsightError,
    ThrottledError,
    VisionNotFoundError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)

_T = TypeVar("_T")

# 429 spends no attempt: the service is well and says when to come back.
MAX_ATTEMPTS = 4
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 8.0
# Waiting can help, but for somebody to mend the settings.
_NOT_IN_SECONDS = (VisionUnauthorizedError, VisionNotFoundError)
# The least wait of all callers after a 429, whatever its Retry-After says. A 429 spends no attempt, so only this wait
# bounds the number of requests of a question before its deadline.
DEFAULT_THROTTLE_SECONDS = 1.0


class Visit(Protocol):
    """One question's way through the gate: a turn for each attempt. See `shared.pace.gate`."""

    limit: Deadline

    def enter(self) -> None:
        """Wait for a turn; raises BlobsightError if it would come after the limit."""

    def leave(self, error: BaseException | None) -> None:
        """The attempt is over; *error* is what it raised."""


def call(
    attempt: Callable[[Deadline], _T],
    deadline: Deadline,
    visit: Visit,
    *,
    jitter: Callable[[float, float], float] = random.uniform,
) -> _T:
    """
    Make the attempt when its turn comes, and again after errors that waiting can help, until the deadline.

    Args:
        attempt: raises `BlobsightError`s; called with the deadline, which is its own time limit.
        deadline: no attempt starts, and no wait ends, after it.
        visit: where each attempt waits for its turn. It waits as well as long as the service asked, for everybody.
        jitter: chooses the wait between two bounds (full jitter, so that many callers do not come back at once).

    Raises:
        BlobsightError: the last attempt's error, or the gate's where the turn comes too late.
    """
    failures = 0
    while True:
        visit.enter()
        try:
            answer = attempt(deadline)
        except BaseException as error:
            visit.leave(error)
            failures += not isinstance(error, ThrottledError)
            pause = _pause(error, failures, jitter)
            if pause is None or max(pause, asked_seconds(error)) >= visit.limit.remaining():
                raise
        else:
            visit.leave(None)
            return answer
        if pause:
            deadline.clock.sleep(pause)


def asked_seconds(error: BaseException | None) -> float:
    """Seconds that the service asked all callers to wait with this error; 0 if it did not."""
    if isinstance(error, ThrottledError):
        return max(DEFAULT_THROTTLE_SECONDS, error.retry_after_seconds or 0.0)
    return error.retry_after_seconds or 0.0 if isinstance(error, VisionUnavailableError) else 0.0


def _pause(error: BaseException, failures: int, jitter: Callable[[float, float], float]) -> float | None:
    """Seconds to pause before queuing again, or None if there should be no other attempt."""
    if not isinstance(error, BlobsightError) or not error.transient or isinstance(error, _NOT_IN_SECONDS):
        return None
    if failures >= MAX_ATTEMPTS:
        return None
    if isinstance(error, ThrottledError):
        return 0.0  # the gate waits
    backoff = jitter(0.0, min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (failures - 1)))
    return backoff if backoff > asked_seconds(error) else 0.0
