"""
Slots: the moments at which a call may go. The gate asks for them, `shared.pace.quota` grants them.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from shared.pace.reservation import HORIZON_SECONDS


class Slot(NamedTuple):
    """When a call may go, in the clock's seconds, and whether it is counted as a paid transaction already."""

    at: float
    paid: bool


class Grant(NamedTuple):
    """The slots reserved; without any, when to ask again, and until when the service wants no call."""

    slots: tuple[Slot, ...]
    ask_again_at: float = -math.inf
    held_off_until: float = -math.inf


class SlotSource(Protocol):
    """Where slots come from. Safe for threads."""

    interval_seconds: float

    def reserve(self, asks: Sequence[bool]) -> Grant:
        """
        Reserve slots for the first of the callers that ask, as many as are free; True is a paid call.

        Raises:
            QuotaExhaustedError: the first asks for a paid call, and the limit is reached.
        """

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        """Tell all processes that the service wants no call for so long; *throttled* if there were too many."""

    def settle(self, transactions: int, *, at_once: bool = False) -> None:
        """So many more transactions were paid than slots were marked, or (negative) fewer. Waits only if *at_once*."""


class Unpaced:
    """A slot for each call at once: a client without a rate."""

    interval_seconds = 0.0

    def reserve(self, asks: Sequence[bool]) -> Grant:  # noqa: D102 (SlotSource says it)
        return Grant(tuple(Slot(-math.inf, paid) for paid in asks))

    def hold_off(self, seconds: float, *, throttled: bool) -> None:  # noqa: D102
        pass

    def settle(self, transactions: int, *, at_once: bool = False) -> None:  # noqa: D102
        pass


class HeldSlots:
    """The slots that a process has reserved and not used yet. Not safe for threads: the gate has a lock."""

    def __init__(self, source: SlotSource) -> None:
        self._source = source
        self._slots: deque[Slot] = deque()
        self._last_departure = -math.inf

    def add(self, slots: Sequence[Slot], now: float) -> None:
        """Hold these too, after those that are held. A slot that was granted late is as good as one that begins now."""
        self._slots.extend(slot._replace(at=max(now, slot.at)) for slot in slots)

    def departure(self, now: float, *, paid: bool) -> float | None:
        """When a call could go with the next slot that is fit for it; None if there is none."""
        while self._slots:
            slot = self._slots[0]
            if slot.at >= now - HORIZON_SECONDS and (slot.paid or not paid):
                # Slots that came late are not made up for in a bunch.
                return max(now, slot.at, self._last_departure + self._source.interval_seconds)
            self._slots.popleft()
            self._source.settle(-slot.paid)
        return None

    def take(self, departure: float) -> Slot:
        """Use that slot."""
        self._last_departure = departure
        return self._slots.popleft()

    def drop(self) -> None:
        """Give up all: no call may go for a while."""
        self._source.settle(-sum(slot.paid for slot in self._slots))
        self._slots.clear()
