"""A clock that only goes when somebody sleeps on it."""

import threading
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """
    `shared.clock.Clock` for tests: `sleep` and `wait` return at once and move the time on. Safe for threads.

    Args:
        start: the seconds that `now` shows at first; `utc` is `EPOCH` plus what `now` shows.

    Attributes:
        sleeps: every wait so far, in seconds, in order.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.sleeps: list[float] = []

    def now(self) -> float:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, f"a negative wait: {seconds}"
        with self._lock:
            self.sleeps.append(seconds)
            self._now += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()

    def utc(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now())

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody having waited for it."""
        with self._lock:
            self._now += seconds
