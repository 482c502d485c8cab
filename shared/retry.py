"""
Time: the deadline of one question, and the short retries inside it.

A retry is right only for what waiting can help (`transient`), only while the deadline lasts, and only as long as the
service asked. Longer waits are the caller's business: it gets the error with `retry_after_seconds` and defers.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from shared.errors import BlobsightError, ThrottledError, VisionMisplacedError, VisionUnauthorizedError

_T = TypeVar("_T")

# 429 spends no attempt: the service is well and says when to come back.
MAX_ATTEMPTS = 4
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 8.0
# Waiting can help, but for somebody to mend the settings.
_NOT_IN_SECONDS = (VisionUnauthorizedError, VisionMisplacedError)
# For a 429 that does not say how long.
DEFAULT_THROTTLE_SECONDS = 1.0


class Clock(Protocol):
    """The time as the app sees it; tests have their own."""

    def now(self) -> float:
        """Seconds since some fixed moment, never going back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def utc(self) -> datetime:
        """The date and time, for records; never for measuring."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:  # noqa: D102 (Clock says it)
        return time.monotonic()

    def sleep(self, seconds: float) -> None:  # noqa: D102
        time.sleep(seconds)

    def utc(self) -> datetime:  # noqa: D102
        return datetime.now(UTC)


class Deadline(NamedTuple):
    """The moment after which an answer is of no use."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> "Deadline":
        """The deadline so many seconds from now."""
        return cls(clock, clock.now() + seconds)

    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.at - self.clock.now())


def call(
    attempt: Callable[[Deadline], _T], deadline: Deadline, *, pick: Callable[[float, float], float] = random.uniform
) -> _T:
    """
    Make the attempt, and again after errors that waiting can help, until the deadline.

    Args:
        attempt: raises `BlobsightError`s; called with the deadline, which is its own time limit.
        deadline: no attempt starts, and no wait ends, after it.
        pick: chooses the wait between two bounds (full jitter, so that many callers do not come back at once).

    Raises:
        BlobsightError: the last attempt's error.
    """
    failures = 0
    while True:
        try:
            return attempt(deadline)
        except BlobsightError as error:
            failures += not isinstance(error, ThrottledError)
            wait = _wait(error, failures, pick)
            if wait is None or wait >= deadline.remaining():
                raise
        deadline.clock.sleep(wait)


def _wait(error: BlobsightError, failures: int, pick: Callable[[float, float], float]) -> float | None:
    """Seconds to wait before the next attempt, or None if there should be none."""
    if not error.transient or isinstance(error, _NOT_IN_SECONDS) or failures >= MAX_ATTEMPTS:
        return None
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    if isinstance(error, ThrottledError):
        return DEFAULT_THROTTLE_SECONDS
    return pick(0.0, min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (failures - 1)))
