"""
Who waits at the gate: two lanes, one for callers whom somebody waits for, one for work in the background.

Where both wait, they take turns. So a caller waits for one place more than if there were no uploads, and callers,
however many, leave the uploads half of the rate. Within a lane, the lowest number comes first. Not safe for threads.
"""

import heapq
from itertools import chain, zip_longest
from typing import Generic, TypeVar


class Waiter:
    """
    Whoever waits.

    Attributes:
        number: its place; whoever comes again keeps it.
        background: which lane; True for the one whose work can wait.
        waits: whether it does, at the moment.
    """

    waits = False

    def __init__(self, number: int, *, background: bool) -> None:
        self.number = number
        self.background = background


_W = TypeVar("_W", bound=Waiter)


class Lanes(Generic[_W]):
    """Both lanes."""

    def __init__(self) -> None:
        # Heaps by number, callers first. Who has left one without its turn is still in it, and does not wait.
        self._heaps: tuple[list[tuple[int, _W]], list[tuple[int, _W]]] = ([], [])
        self._waiting = [0, 0]
        # The lane whose turn it is, where somebody waits in both.
        self._turn = 0

    def __len__(self) -> int:
        return sum(self._waiting)

    def join(self, waiter: _W) -> None:
        """Wait in the lane that it belongs to."""
        waiter.waits = True
        self._waiting[waiter.background] += 1
        heapq.heappush(self._heaps[waiter.background], (waiter.number, waiter))

    def leave(self, waiter: _W) -> None:
        """Wait no longer."""
        if waiter.waits:
            waiter.waits = False
            self._waiting[waiter.background] -= 1

    def next(self) -> _W | None:
        """Whoever comes next, who waits no longer; None if nobody does."""
        for lane in (self._turn, 1 - self._turn):
            while self._heaps[lane]:
                _, waiter = heapq.heappop(self._heaps[lane])
                if waiter.waits:
                    self.leave(waiter)
                    self._turn = 1 - lane
                    return waiter
        return None

    def coming(self, most: int) -> list[_W]:
        """Whoever comes next, in order, if nobody joins: no more than so many."""
        lanes = [
            [waiter for _, waiter in heapq.nsmallest(most, self._heaps[lane]) if waiter.waits]
            for lane in (self._turn, 1 - self._turn)
        ]
        return [waiter for waiter in chain(*zip_longest(*lanes)) if waiter][:most]

    def before(self, *, background: bool) -> int:
        """How many come before whoever joins that lane now as the last one, if nobody else joins."""
        own, other = self._waiting[background], self._waiting[not background]
        first = own + (self._turn != background)
        return own + min(first, other)
