"""
When to ask again how far a Read is: decided here, waited elsewhere. No clock, no I/O, no randomness.

Every poll is a transaction of the tier's rate, every second between the end of a Read and the next poll is added
latency. The cheapest trade of one for the other is a first poll just before the median document is done and nearly
constant waits after it; exponential backoff adds twice the latency at as many polls (bench/poll_schedule.py).
"""

import math
import threading

START_SECONDS = 2.0
# A shorter median could not be told from the service's timestamps of whole seconds; a longer one would let a small
# document after large ones wait for a minute.
MIN_SECONDS = 0.5
MAX_SECONDS = 60.0

_FIRST_OF_MEDIAN = 0.9
_NEXT_OF_MEDIAN = 0.65
# A document that takes long is large, and will take longer still.
_NEXT_OF_ELAPSED = 0.1
_STEP = 0.05


def first_wait(median_seconds: float) -> float:
    """Seconds from the acceptance of a Read to the first poll."""
    return _FIRST_OF_MEDIAN * median_seconds


def next_wait(median_seconds: float, elapsed_seconds: float) -> float:
    """Seconds to the next poll of a Read that is *elapsed_seconds* after its acceptance and not done."""
    return max(_NEXT_OF_MEDIAN * median_seconds, _NEXT_OF_ELAPSED * elapsed_seconds)


class Median:
    """How long half of the documents take at most, learned from one after the other. Safe for threads."""

    def __init__(self, seconds: float = START_SECONDS) -> None:
        self._seconds = _bounded(seconds)
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """The estimate, between `MIN_SECONDS` and `MAX_SECONDS`."""
        return self._seconds

    def learn(self, observed_seconds: float) -> None:
        """
        Move the estimate a step of 5 % towards one document's duration.

        The step does not depend on the distance, so one huge document counts as much as one that is hardly too long.

        Args:
            observed_seconds: by the service's own timestamps, of whole seconds. One that is no duration (negative, not
                finite) teaches nothing.
        """
        if not 0.0 <= observed_seconds < math.inf:
            return
        with self._lock:
            direction = (observed_seconds > self._seconds) - (observed_seconds < self._seconds)
            self._seconds = _bounded(self._seconds * math.exp(direction * _STEP))


def _bounded(seconds: float) -> float:
    return min(MAX_SECONDS, max(MIN_SECONDS, seconds))
