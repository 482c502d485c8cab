"""
The pace and the spending of all processes together: the slots of `shared.pace.gate`, and the backlog.

A process reserves slots for callers that wait now and counts what their calls will cost, in one write of the ledger for
all of them. While the ledger cannot be reached, the process is offline: it has a ledger of its own, at a slower rate.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from shared import log
from shared.clock import Clock
from shared.errors import ConflictError, QuotaExhaustedError, StorageError
from shared.pace import reservation
from shared.pace.ledger import NO_LIMITS, Ledger, Limits, Rate
from shared.pace.ledger_store import Change, LedgerStore
from shared.pace.reservation import Exhausted, Reserved
from shared.pace.slots import Grant, Slot
from shared.pace.spending import SpendingLog
from shared.storage.blobs import Blobs

# An offline process does not know how many others there are.
OFFLINE_SHARE = 0.5
OFFLINE_SECONDS = 10.0
# After losing the race for the ledger again and again.
_AGAIN_SECONDS = 0.2
# A 429 that hardly adds to what all processes know is not written.
_WORTH_A_WRITE_SECONDS = 0.25
# Calls that are postponed without the ledger come back in no order, within a minute.
_SCATTERED_SECONDS = 60.0

_T = TypeVar("_T")


class Outlook(NamedTuple):
    """
    What lies ahead, by the ledger of all processes.

    Attributes:
        ledger: itself, with the counts of this day and this month.
        backlog_calls, backlog_seconds: the calls that were postponed, and in how many seconds the last one's turn ends.
        share: the part of the tier's rate that is used.
    """

    ledger: Ledger
    backlog_calls: int
    backlog_seconds: float
    share: float


_logger = logging.getLogger(__name__)


class Quota:
    """
    `shared.pace.slots.SlotSource` shared by all processes, and their backlog. Safe for threads.

    Args:
        blobs: the host account.
        name: of the blob, in the container `quota`.
        rate: the tier's.
        clock: the time.
        limits: of billed transactions.
        jitter: chooses waits between two bounds.
    """

    def __init__(
        self,
        blobs: Blobs,
        name: str,
        rate: Rate,
        clock: Clock,
        limits: Limits = NO_LIMITS,
        *,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.interval_seconds = rate.interval_seconds
        self._store = LedgerStore(blobs, name, clock, jitter)
        self._rate = rate
        self._clock = clock
        self._limits = limits
        self._jitter = jitter
        self._lock = threading.Lock()
        # The process's own ledger, while the shared one cannot be reached.
        self._local_ledger: Ledger | None = None
        self._offline_until = 0.0
        self._spending = SpendingLog(clock, limits)
        # Since when the gate's leader asks in vain. One at a time asks.
        self._waiting_since: float | None = None

    def reserve(self, asks: Sequence[int], described: Sequence[int] = ()) -> Grant:
        """
        Reserve slots for the first of the callers that ask. See `shared.pace.slots.SlotSource`.

        Raises:
            QuotaExhaustedError: the limits leave too little for the first.
            StorageError: the ledger cannot be reached, and it alone tells how near the limits are.
        """

        def change(ledger: Ledger, now: float) -> tuple[Ledger, tuple[float, Reserved]]:
            moment = self._clock.now()
            waited = moment - since
            ledger, reserved = reservation.reserve(
                ledger, now, asks, self._rate, self._limits, waited_seconds=waited, described=described
            )
            return ledger, (moment, reserved)

        since = self._wait_began()

        if self._is_offline():
            return self._grant(self._reserve_offline(asks, described), asks, described)
        try:
            planned = self._store.update(change)
        except ConflictError:
            return Grant((), ask_again_at=self._clock.now() + _AGAIN_SECONDS)
        except StorageError as error:
            self._go_offline(error)
            return self._grant(self._reserve_offline(asks, described), asks, described)
        self._go_online()
        if planned[1].slots:
            self._waiting_since = None
        self._spending.tell(self._store.last_seen)
        return self._grant(planned, asks, described)

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        """Tell all processes that the service wants no call for so long; this one knows, whatever goes wrong."""

        def change(ledger: Ledger, now: float) -> tuple[Ledger, None]:
            if ledger.not_before >= now + seconds - _WORTH_A_WRITE_SECONDS:
                return ledger, None
            return reservation.held_off(ledger, now, seconds, self._rate, throttled=throttled), None

        self._try(change, None)

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
        """Correct the count of billed transactions: with the next reservation, or by a write of its own."""
        if transactions or described:
            self._store.settle(transactions, described)
            if at_once:
                self._try(lambda ledger, now: (ledger, None), None, always=True)
                self._spending.tell(self._store.last_seen)

    def postpone(self, *, at_least_seconds: float = 0.0, calls: int = 1) -> float:
        """
        Append to the backlog a call that cannot be made now.

        Args:
            at_least_seconds: the turn comes no sooner.
            calls: how many calls it will make.

        Returns:
            In how many seconds its turn comes, after all calls that were postponed before.
        """

        def change(ledger: Ledger, now: float) -> tuple[Ledger, float]:
            return reservation.postponed(ledger, now, at_least_seconds, calls, self._rate)

        return self._try(change, at_least_seconds + self._jitter(0.0, _SCATTERED_SECONDS))

    def backlog_seconds(self) -> float:
        """How far ahead the backlog reaches: a new call that can wait has to join it. 0 if there is none."""
        try:
            ledger = self._store.look()
        except StorageError:
            return 0.0
        return reservation.backlog_seconds(ledger, self._clock.utc().timestamp())

    def spending(self) -> Ledger:
        """
        The ledger with the transactions of this day and this month.

        Raises:
            StorageError: it cannot be reached.
        """
        return reservation.of_today(self._store.look(), self._clock.utc().timestamp())

    def outlook(self) -> Outlook:
        """
        What lies ahead.

        Raises:
            StorageError: the ledger cannot be reached.
        """
        ledger, now = self.spending(), self._clock.utc().timestamp()
        calls, seconds = reservation.backlog_of(ledger, now, self._rate)
        return Outlook(ledger, calls, seconds, reservation.share(ledger, now, self._rate))

    def _try(self, change: Change[_T], otherwise: _T, *, always: bool = False) -> _T:
        """Change the ledger, where doing without is better than failing."""
        if self._is_offline():
            return otherwise
        try:
            return self._store.update(change, always=always)
        except StorageError as error:
            log.event(_logger, "quota.not_written", level=logging.WARNING, problem=error)
            return otherwise

    def _grant(self, planned: tuple[float, Reserved], asks: Sequence[int], described: Sequence[int]) -> Grant:
        moment, reserved = planned
        if reserved.exhausted is not None:
            self._spending.tell_exhausted(reserved.exhausted)
            raise _refusal(reserved.exhausted, asks[0])
        of_class = described or [0] * len(asks)
        asked = zip(reserved.slots, asks, of_class, strict=False)
        slots = tuple(Slot(moment + after, price, some) for after, price, some in asked)
        return Grant(slots, moment + reserved.ask_again, moment + reserved.held_off)

    def _wait_began(self) -> float:
        if self._waiting_since is None:
            self._waiting_since = self._clock.now()
        return self._waiting_since

    def _is_offline(self) -> bool:
        with self._lock:
            return self._local_ledger is not None and self._clock.now() < self._offline_until

    def _go_offline(self, error: StorageError) -> None:
        """Go on without the shared ledger for a while, from where it was last seen."""
        with self._lock:
            first = self._local_ledger is None
            self._offline_until = self._clock.now() + OFFLINE_SECONDS
            if first:
                self._local_ledger = self._store.last_seen or (Ledger() if self._limits == NO_LIMITS else None)
            if self._local_ledger is None:
                raise StorageError(
                    "How much was paid already cannot be looked up.", retry_after_seconds=OFFLINE_SECONDS
                ) from error
        if first:
            log.event(_logger, "quota.unreachable", level=logging.WARNING, share=OFFLINE_SHARE, problem=error)

    def _reserve_offline(self, asks: Sequence[int], described: Sequence[int]) -> tuple[float, Reserved]:
        moment, now = self._clock.now(), self._clock.utc().timestamp()
        with self._lock:
            ledger = self._local_ledger or Ledger()
            rate = self._rate.slowed(OFFLINE_SHARE)
            self._local_ledger, reserved = reservation.reserve(ledger, now, asks, rate, self._limits)
        # The shared ledger does not have them yet.
        count = len(reserved.slots)
        self._store.settle(sum(asks[:count]), sum(described[:count]))
        return moment, reserved

    def _go_online(self) -> None:
        with self._lock:
            was_offline, self._local_ledger = self._local_ledger is not None, None
        if was_offline:
            log.event(_logger, "quota.reached_again")


def _refusal(exhausted: Exhausted, price: int) -> QuotaExhaustedError:
    """The error for a call of that price, which does not fit in what the limit leaves."""
    window, limit = exhausted.window, exhausted.limit
    setting = {"day": "VISION_DAILY_LIMIT", "month": "VISION_MONTHLY_LIMIT"}[window]
    return QuotaExhaustedError(
        f"Billed transactions: the call costs {price}, and {setting}={limit} leaves {exhausted.left} of the {window}"
        " (UTC).",
        action=f"Raise {setting}, or ask for less: no {window} has room for this call." if price > limit else None,
        retry_after_seconds=exhausted.seconds,
    )
