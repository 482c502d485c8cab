"""
Short retries inside the deadline of one question.

A retry is right only for what waiting can help (`transient`), only while the deadline lasts, and only when its turn has
come (`shared.pace.gate`). Longer waits are the caller's business: it gets the error with `retry_after_seconds` and
defers.
"""

import random
from collections.abc import Callable
from typing import TypeVar

from shared.clock import Deadline
from shared.errors import BlobsightError, ThrottledError, VisionNotFoundError, VisionUnauthorizedError
from shared.pace.gate import Gate
from shared.pace.obstacles import asked_seconds
from shared.pace.turn import Turn

_T = TypeVar("_T")

# 429 spends no attempt: the service is well and says when to come back.
MAX_ATTEMPTS = 4
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 8.0
# Waiting can help, but only until a person mends the settings.
_NOT_IN_SECONDS = (VisionUnauthorizedError, VisionNotFoundError)


def call(
    attempt: Callable[[Deadline], _T],
    deadline: Deadline,
    gate: Gate,
    turn: Turn,
    *,
    jitter: Callable[[float, float], float] = random.uniform,
) -> _T:
    """
    Make the attempt when its turn comes, and again after errors that waiting can help, until the deadline.

    Args:
        attempt: raises `BlobsightError`s; called with the deadline, which is its own time limit.
        deadline: no attempt starts, and no wait ends, after it.
        gate: what each attempt passes. It also waits as long as the service asked, for all callers.
        turn: the question's, at that gate.
        jitter: chooses the wait between two bounds (full jitter, so that many callers do not come back at once).

    Raises:
        BlobsightError: the last attempt's error, or the gate's where the turn comes too late.
    """
    failures = 0
    while True:
        gate.enter(turn)
        try:
            answer = attempt(deadline)
        except BaseException as error:
            gate.leave(turn, error)
            failures += not isinstance(error, ThrottledError)
            pause = _pause(error, failures, jitter)
            if pause is None or max(pause, asked_seconds(error)) >= turn.limit.remaining():
                raise
        else:
            gate.leave(turn, None)
            return answer
        if pause:
            deadline.clock.sleep(pause)


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
