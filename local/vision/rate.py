"""
The tier's rate limit, in the three forms a service may have.

Which of them Azure uses is not published, so a client has to do well with each.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Clock = Callable[[], float]
Kind = Literal["bucket", "fixed", "sliding"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Rate:
    """So many calls in so many seconds."""

    calls: int
    seconds: float
    kind: Kind = "bucket"

    @property
    def tier(self) -> str:
        """The pricing tier that a refusal names: less than a call a second is the free one."""
        return "F0" if self.calls < self.seconds else "S1"

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `10/1`: calls, a slash, seconds. Raises ValueError."""
        calls, slash, seconds = text.partition("/")
        try:
            rate = cls(int(calls), float(seconds))
        except ValueError:
            rate = cls(0, 0)
        if not slash or rate.calls < 1 or not 0 < rate.seconds < float("inf"):
            raise ValueError(f"'{text}' is not a rate: write calls/seconds, for example 10/1 or 20/60")
        return rate


class Limiter(Protocol):
    """Decides about one call at a time."""

    def wait_seconds(self) -> float:
        """Take a place for a call and return 0, or take none and return when the next may be free."""
        ...


class Bucket:
    """Tokens flow in at the rate; as many as `calls` may be saved up. Starts full."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._tokens, self._filled_at = float(rate.calls), clock()

    def wait_seconds(self) -> float:
        """See Limiter."""
        now, flow = self._clock(), self._rate.calls / self._rate.seconds
        self._tokens = min(self._rate.calls, self._tokens + (now - self._filled_at) * flow)
        self._filled_at = now
        # Sums of floats: a token that lacks a billionth is a token.
        if self._tokens >= 1 - 1e-9:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / flow


class FixedWindow:
    """At most `calls` in each window of `seconds`, counted from the limiter's start."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._started_at, self._window, self._used = clock(), 0, 0

    def wait_seconds(self) -> float:
        """See Limiter."""
        elapsed = self._clock() - self._started_at
        window = int(elapsed / self._rate.seconds)
        if window != self._window:
            self._window, self._used = window, 0
        if self._used < self._rate.calls:
            self._used += 1
            return 0.0
        return (window + 1) * self._rate.seconds - elapsed


class SlidingWindow:
    """At most `calls` in any span of `seconds`."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._taken_at: deque[float] = deque()

    def wait_seconds(self) -> float:
        """See Limiter."""
        now = self._clock()
        while self._taken_at and self._taken_at[0] <= now - self._rate.seconds:
            self._taken_at.popleft()
        if len(self._taken_at) < self._rate.calls:
            self._taken_at.append(now)
            return 0.0
        return self._taken_at[0] + self._rate.seconds - now


class RateLimit:
    """The limit in force, for many threads."""

    def __init__(self, rate: Rate | None, clock: Clock = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self.set(rate)

    @property
    def rate(self) -> Rate | None:
        """The rate in force; None when there is no limit."""
        return self._rate

    def set(self, rate: Rate | None) -> None:
        """Put *rate* in force, with nothing used of it yet."""
        kinds: dict[Kind, Callable[[Rate, Clock], Limiter]] = {
            "bucket": Bucket,
            "fixed": FixedWindow,
            "sliding": SlidingWindow,
        }
        with self._lock:
            self._rate = rate
            self._limiter = kinds[rate.kind](rate, self._clock) if rate else None

    def wait_seconds(self) -> float:
        """0 when the call may pass, else how long until the next one may."""
        with self._lock:
            return self._limiter.wait_seconds() if self._limiter else 0.0
