"""
Slots: the moments at which a call may go. The gate asks for them, `shared.pace.quota` grants them.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from shared.pace.reservation import HORIZON_SECONDS


class Slot(NamedTuple):
    """
    When a call may go, in the clock's seconds, and how many transactions are counted for it already; `described` are
    those of them that are of the class of descriptions and text.
    """

    at: float
    counted: int
    described: int = 0


class Grant(NamedTuple):
    """The slots reserved; without any, when to ask again, and until when the service wants no call."""

    slots: tuple[Slot, ...]
    ask_again_at: float = -math.inf
    held_off_until: float = -math.inf


class SlotSource(Protocol):
    """Where slots come from. Safe for threads."""

    interval_seconds: float

    def reserve(self, asks: Sequence[int], described: Sequence[int] = ()) -> Grant:
        """
        Reserve slots for the first of the callers that ask, as many as are free.

        Args:
            asks: how many transactions the call of each is expected to cost, first come first; 0 is a free one.
            described: how many of these are of the class of descriptions and text.

        Raises:
            QuotaExhaustedError: the limits leave too little for the first.
        """

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        """Tell all processes that the service wants no call for so long; *throttled* if there were too many."""

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
        """So many more transactions were billed than were counted, or (negative) fewer. Waits only if *at_once*."""


class Unpaced:
    """A slot for each call at once: a client without a rate."""

    interval_seconds = 0.0

    def reserve(  # noqa: D102 (SlotSource says it)
        self, asks: Sequence[int], described: Sequence[int] = ()
    ) -> Grant:
        return Grant(tuple(Slot(-math.inf, price) for price in asks))

    def hold_off(self, seconds: float, *, throttled: bool) -> None:  # noqa: D102
        pass

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:  # noqa: D102
        pass


class HeldSlots:
    """
    The slots that a process has reserved and not used yet. Not safe for threads: the gate has a lock.

    The transactions that are counted for them belong to all of them. Calls may come in another order than their slots
    were reserved in, so a call takes the first slot, and as many transactions as it is expected to cost.
    """

    def __init__(self, source: SlotSource) -> None:
        self._source = source
        self._slots: deque[float] = deque()
        self._counted = 0
        # Of these, those of the class of descriptions and text; below 0 while more than expected came first.
        self._described = 0
        self._last_departure = -math.inf

    def add(self, slots: Sequence[Slot], now: float) -> None:
        """Hold these too, after those that are held. A slot that was granted late is as good as one that begins now."""
        self._slots.extend(max(now, slot.at) for slot in slots)
        self._counted += sum(slot.counted for slot in slots)
        self._described += sum(slot.described for slot in slots)

    def departure(self, now: float, price: int) -> float | None:
        """When a call of that price could go with the next slot; None if there is none, or too little is counted."""
        while self._slots and self._slots[0] < now - HORIZON_SECONDS:
            self._slots.popleft()
        if not self._slots or self._counted < price:
            self.drop()
            return None
        # Slots that came late are not made up for in a bunch.
        return max(now, self._slots[0], self._last_departure + self._source.interval_seconds)

    def take(self, departure: float, price: int, described: int = 0) -> None:
        """Use that slot. What was counted for more than all of them cost is given back with the last."""
        self._last_departure = departure
        self._slots.popleft()
        self._counted -= price
        self._described -= described
        if not self._slots:
            self.drop()

    def drop(self) -> None:
        """Give up all."""
        self._slots.clear()
        if self._counted or self._described:
            self._source.settle(-self._counted, -self._described)
            self._counted = self._described = 0
