"""
The queue at the gate: two lanes, one for callers that wait for the answer, one for work in the background.

Where turns wait in both, the lanes alternate. So a caller waits for one turn more than if there were no uploads, and
callers, however many, leave the uploads half of the rate. Within a lane, the lowest number comes first. Not safe for
threads.
"""

import heapq
from itertools import chain, zip_longest

from shared.pace.turn import Turn


class FairQueue:
    """Both lanes."""

    def __init__(self) -> None:
        # Heaps by number, callers first. A turn that has left is still in its heap, and does not wait.
        self._heaps: tuple[list[tuple[int, Turn]], list[tuple[int, Turn]]] = ([], [])
        self._waiting = [0, 0]
        # The lane that comes next, where turns wait in both.
        self._lane = 0

    def __len__(self) -> int:
        return sum(self._waiting)

    def join(self, turn: Turn) -> None:
        """Wait in the turn's lane."""
        turn.waits = True
        self._waiting[turn.background] += 1
        heapq.heappush(self._heaps[turn.background], (turn.number, turn))

    def leave(self, turn: Turn) -> None:
        """Wait no longer."""
        if turn.waits:
            turn.waits = False
            self._waiting[turn.background] -= 1

    def next(self) -> Turn | None:
        """The turn that comes next, which waits no longer; None if none waits."""
        for lane in (self._lane, 1 - self._lane):
            while self._heaps[lane]:
                _, turn = heapq.heappop(self._heaps[lane])
                if turn.waits:
                    self.leave(turn)
                    self._lane = 1 - lane
                    return turn
        return None

    def coming(self, most: int) -> list[Turn]:
        """The turns that come next, in order, if none joins: no more than so many."""
        lanes = [
            [turn for _, turn in heapq.nsmallest(most, self._heaps[lane]) if turn.waits]
            for lane in (self._lane, 1 - self._lane)
        ]
        return [turn for turn in chain(*zip_longest(*lanes)) if turn][:most]

    def before(self, *, background: bool) -> int:
        """How many turns come before one that joins that lane now as its last, if no other joins."""
        own, other = self._waiting[background], self._waiting[not background]
        first = own + (self._lane != background)
        return own + min(first, other)
