"""
The best that any poll schedule can do which knows the distribution of the durations, but not the document's own.

With a price on each poll, the expected cost of a document (its added latency, and its polls at that price) is least for
moments that dynamic programming finds: from the end of time backwards, for each moment at which a document was seen
undone, the best moment to look again. Raising the price buys fewer polls for more latency.
"""

import math
from collections.abc import Callable

import numpy

# The grid: fine enough for schedules of nearly any number of polls, long enough that one document in 20,000 is later.
STEPS_PER_MEDIAN = 100
_HORIZON_MEDIANS = 30
_LONGEST_WAIT_MEDIANS = 5


class Optimum:
    """
    Optimal poll schedules for one distribution of durations.

    Args:
        share_done: the distribution: the share of documents that are done after so many seconds.
        median_seconds: its median, which scales the grid.
        round_trip_seconds: of a poll; the service looks in the middle of it, and no poll starts before the last ended.
        steps_per_median: of the grid.
    """

    def __init__(
        self,
        share_done: Callable[[float], float],
        median_seconds: float,
        *,
        round_trip_seconds: float,
        steps_per_median: int = STEPS_PER_MEDIAN,
    ) -> None:
        self._step = median_seconds / steps_per_median
        self._longest = _LONGEST_WAIT_MEDIANS * steps_per_median
        self._round_trip = round_trip_seconds
        self._times = numpy.arange(_HORIZON_MEDIANS * steps_per_median + 1) * self._step
        self._done = numpy.array([share_done(float(time)) for time in self._times])
        # The integral of the distribution: what a document waits between its end and a look is made of it.
        between = (self._done[1:] + self._done[:-1]) / 2 * self._step
        self._integral = numpy.concatenate([[0.0], numpy.cumsum(between)])

    def costing(self, polls: float) -> list[float]:
        """The optimal schedule with at most *polls* polls a document: when to send each, in seconds since the start."""
        cheap, dear = 1e-4 * self._step, 1e4 * self._step
        for _ in range(16):  # to a thousandth of the price
            price = math.sqrt(cheap * dear)
            if self._polls(self._looks(price)) > polls:
                cheap = price
            else:
                dear = price
        return [float(self._times[look]) - self._round_trip / 2 for look in self._looks(dear)]

    def _polls(self, looks: list[int]) -> float:
        """Polls a document: each is made for the documents that the one before saw undone."""
        return float(sum(1.0 - self._done[look] for look in [0, *looks[:-1]]))

    def _looks(self, price: float) -> list[int]:
        """The moments, in steps of the grid, at which the service looks whether it is done."""
        last = len(self._times) - 1
        shortest = max(1, math.ceil(self._round_trip / self._step - 1e-9))
        cost = numpy.zeros(last + 1)
        following = numpy.full(last + 1, last)
        for now in range(last - shortest, -1, -1):
            then = slice(now + shortest, min(now + self._longest, last) + 1)
            waited = (
                self._integral[then] - self._integral[now] - self._done[now] * (self._times[then] - self._times[now])
            )
            each = waited + cost[then]
            best = int(numpy.argmin(each))
            cost[now] = price * (1.0 - self._done[now]) + each[best]
            following[now] = now + shortest + best
        looks = [int(following[0])]
        while looks[-1] < last:
            looks.append(int(following[looks[-1]]))
        return looks
