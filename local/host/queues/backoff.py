"""How long to wait before an empty queue is asked again: random, and twice as long each time."""

import random
from collections.abc import Callable

SHORTEST_SECONDS = 0.1
RANDOMIZATION = 0.2


class Backoff:
    """The platform's random exponential back-off, from 100 ms to *longest_seconds*."""

    def __init__(self, longest_seconds: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._longest_seconds = longest_seconds
        self._uniform = uniform
        self._times = 0

    def next_seconds(self) -> float:
        """Return how long to wait this time."""
        times, self._times = self._times, self._times + 1
        # So many doublings of 100 ms are more than a day.
        grown = SHORTEST_SECONDS * 2.0 ** min(times - 1, 20) if times else 0.0
        factor = self._uniform(1 - RANDOMIZATION, 1 + RANDOMIZATION)
        return min(SHORTEST_SECONDS + grown * factor, self._longest_seconds)

    def reset(self) -> None:
        """Begin anew: there was something."""
        self._times = 0
