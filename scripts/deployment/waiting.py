"""Trying again until it works, for a while that ends, with lines that give the reason."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, Protocol, TypeVar

from deployment.failures import Failed

WAIT_SECONDS = 10.0
# A reason that stays the same is told again after so long, so that a quiet terminal does not look dead.
REPEAT_SECONDS = 60.0

T = TypeVar("T")


class Clock(Protocol):
    """The time, as the commands see it; tests bring one of their own."""

    def now(self) -> float:
        """Return seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""

    def utc(self) -> datetime:
        """Return the date and time, with its zone."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def utc(self) -> datetime:
        """Return the date and time, with its zone."""
        return datetime.now(timezone.utc)


SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True)
class NotYet:
    """
    What an attempt returns when it has to be made again.

    Attributes:
        reason: half a sentence for the person who waits; never with a key in it.
        wait_seconds: how long to wait before the next attempt; None leaves it to `until`.
    """

    reason: str
    wait_seconds: float | None = None


class GaveUp(Failed):
    """It did not work within its patience; the text ends with the last reason."""


class Deadline:
    """A span of seconds that several waits share."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.now() + seconds

    def left(self) -> float:
        """Return the seconds that are left, 0 at its end."""
        return max(0.0, self._end - self._clock.now())


def until(
    what: str,
    attempt: Callable[[], T | NotYet],
    patience: float,
    clock: Clock = SYSTEM_CLOCK,
    wait_seconds: float = WAIT_SECONDS,
) -> T:
    """
    Make the attempt again and again until it returns anything but `NotYet`, and return that.

    Args:
        what: the thing to wait for, as the beginning of a line: "the app's key".
        attempt: one attempt; what it raises ends the waiting.
        patience: seconds from now within which the last attempt begins. There is always one.
        clock: whose time passes.
        wait_seconds: between two attempts, where the attempt does not say.

    Raises:
        GaveUp: when the next attempt would begin after the patience.
    """
    begin = clock.now()
    told, told_at = "", 0.0
    while True:
        outcome = attempt()
        if not isinstance(outcome, NotYet):
            return outcome
        wait = wait_seconds if outcome.wait_seconds is None else outcome.wait_seconds
        passed = clock.now() - begin
        if passed + wait > patience:
            raise GaveUp(f"{what}: gave up after {passed:.0f} s. The last reason: {outcome.reason}")
        if outcome.reason != told or clock.now() - told_at >= REPEAT_SECONDS:
            print(f"{what}: {outcome.reason} ({passed:.0f} of {patience:.0f} s)", flush=True)
            told, told_at = outcome.reason, clock.now()
        clock.sleep(wait)
