"""The time: the app's clock, the deadline of one question, and seconds as answers and the log tell them."""

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol


def short(seconds: float) -> float:
    """Seconds as they are told: rounded to a tenth, and without a decimal where they are whole."""
    tenths = round(float(seconds), 1)
    return int(tenths) if tenths.is_integer() else tenths


class Clock(Protocol):
    """The time as the app sees it; tests have their own."""

    def now(self) -> float:
        """Seconds since some fixed moment, never going back."""

    def sleep(self, seconds: float) -> None:
        """Wait; not at all where the seconds are 0 or fewer, because the moment can pass while they are counted."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, for so long at most; whether it is set."""

    def utc(self) -> datetime:
        """The date and time, for records; never for measuring."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:  # noqa: D102 (Clock says it)
        return time.monotonic()

    def sleep(self, seconds: float) -> None:  # noqa: D102
        time.sleep(max(0.0, seconds))

    def wait(self, event: threading.Event, seconds: float) -> bool:  # noqa: D102
        return event.wait(seconds)

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
