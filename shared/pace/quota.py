"""
The pace and the spending of all processes together: the slots of `shared.pace.gate`, and the backlog.

A process reserves slots for callers that wait now and counts their paid transactions, in one write of the books for all
of them. While the books cannot be reached, each process goes its own way, slower.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared import log
from shared.clock import Clock
from shared.errors import ConflictError, QuotaExhaustedError, StorageError
from shared.pace import reservation
from shared.pace.ledger import NO_LIMITS, Ledger, Limits, Rate
from shared.pace.ledger_store import Books, Change
from shared.pace.reservation import Reserved
from shared.pace.slots import Grant, Slot
from shared.pace.spending import SpendingLog
from shared.storage.blobs import Blobs

# Without the books nobody knows how many processes there are.
ALONE_SHARE = 0.5
ALONE_SECONDS = 10.0
# After losing the race for the books again and again.
_AGAIN_SECONDS = 0.2
# A 429 that hardly adds to what everybody knows is not written.
_WORTH_A_WRITE_SECONDS = 0.25
# What is postponed without the books comes back in no order, within a minute.
_SCATTERED_SECONDS = 60.0

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class Quota:
    """
    `shared.pace.slots.Slots` shared by all processes, and their backlog. Safe for threads.

    Args:
        blobs: the host account.
        name: of the blob, in the container `quota`.
        rate: the tier's.
        clock: the time.
        limits: of paid transactions.
        pick: chooses waits between two bounds.
    """

    def __init__(
        self,
        blobs: Blobs,
        name: str,
        rate: Rate,
        clock: Clock,
        limits: Limits = NO_LIMITS,
        *,
        pick: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.interval_seconds = rate.interval_seconds
        self._books = Books(blobs, name, clock, pick)
        self._rate = rate
        self._clock = clock
        self._limits = limits
        self._pick = pick
        self._lock = threading.Lock()
        # The process's own books, while the shared ones cannot be reached.
        self._alone: Ledger | None = None
        self._alone_until = 0.0
        self._spending = SpendingLog(clock, limits)
        # Since when the gate's leader asks in vain. One at a time asks.
        self._waiting_since: float | None = None

    def reserve(self, asks: Sequence[bool]) -> Grant:
        """
        Reserve slots for the first of those who ask. See `shared.pace.slots.Slots`.

        Raises:
            QuotaExhaustedError: the first asks for a paid call, and the limit is reached.
            StorageError: the books cannot be reached and there are limits that only they know how near they are.
        """

        def change(books: Ledger, now: float) -> tuple[Ledger, tuple[float, Reserved]]:
            moment = self._clock.now()
            waited = moment - since
            books, reserved = reservation.reserve(books, now, asks, self._rate, self._limits, waited_seconds=waited)
            return books, (moment, reserved)

        since = self._wait_began()

        if self._is_alone():
            return self._grant(self._reserve_alone(asks), asks)
        try:
            planned = self._books.update(change)
        except ConflictError:
            return Grant((), ask_again_at=self._clock.now() + _AGAIN_SECONDS)
        except StorageError as error:
            self._part(error)
            return self._grant(self._reserve_alone(asks), asks)
        self._rejoin()
        if planned[1].slots:
            self._waiting_since = None
        self._spending.tell(self._books.last_seen)
        return self._grant(planned, asks)

    def push(self, seconds: float, *, throttled: bool) -> None:
        """Tell all processes that the service wants no call for so long; whatever goes wrong, this one knows."""

        def change(books: Ledger, now: float) -> tuple[Ledger, None]:
            if books.not_before >= now + seconds - _WORTH_A_WRITE_SECONDS:
                return books, None
            return reservation.pushed(books, now, seconds, self._rate, throttled=throttled), None

        self._try(change, None)

    def settle(self, transactions: int, *, at_once: bool = False) -> None:
        """Correct the count of paid transactions: with the next reservation, or by a write of its own."""
        if transactions:
            self._books.settle(transactions)
            if at_once:
                self._try(lambda books, now: (books, None), None, always=True)
                self._spending.tell(self._books.last_seen)

    def postpone(self, *, at_least_seconds: float = 0.0, calls: int = 1) -> float:
        """
        Append to the backlog what cannot be done now.

        Args:
            at_least_seconds: the turn comes no sooner.
            calls: how many calls it will make.

        Returns:
            In how many seconds its turn comes, after everything that was postponed before.
        """

        def change(books: Ledger, now: float) -> tuple[Ledger, float]:
            return reservation.postponed(books, now, at_least_seconds, calls, self._rate)

        return self._try(change, at_least_seconds + self._pick(0.0, _SCATTERED_SECONDS))

    def ahead_seconds(self) -> float:
        """How far ahead the backlog reaches: what comes now and can wait has to join it. 0 if there is none."""
        try:
            books = self._books.look()
        except StorageError:
            return 0.0
        return reservation.behind(books, self._clock.utc().timestamp())

    def _try(self, change: Change[_T], otherwise: _T, *, always: bool = False) -> _T:
        """Change the books, where doing without is better than failing."""
        if self._is_alone():
            return otherwise
        try:
            return self._books.update(change, always=always)
        except StorageError as error:
            log.event(_logger, "quota.not_written", level=logging.WARNING, problem=error.message)
            return otherwise

    def _grant(self, planned: tuple[float, Reserved], asks: Sequence[bool]) -> Grant:
        moment, reserved = planned
        if reserved.exhausted is not None:
            self._spending.tell_exhausted(reserved.exhausted)
            raise QuotaExhaustedError(
                f"The limit of paid calls is reached; it begins anew in {reserved.exhausted:.0f} s.",
                retry_after_seconds=reserved.exhausted,
            )
        slots = tuple(Slot(moment + after, paid) for after, paid in zip(reserved.slots, asks, strict=False))
        return Grant(slots, moment + reserved.ask_again, moment + reserved.pushed)

    def _wait_began(self) -> float:
        if self._waiting_since is None:
            self._waiting_since = self._clock.now()
        return self._waiting_since

    def _is_alone(self) -> bool:
        with self._lock:
            return self._alone is not None and self._clock.now() < self._alone_until

    def _part(self, error: StorageError) -> None:
        """Go on without the shared books for a while, from where they were last seen."""
        with self._lock:
            first = self._alone is None
            self._alone_until = self._clock.now() + ALONE_SECONDS
            self._alone = self._alone or self._books.last_seen or (Ledger() if self._limits == NO_LIMITS else None)
            if self._alone is None:
                raise StorageError(
                    "How much was paid already cannot be looked up.", retry_after_seconds=ALONE_SECONDS
                ) from error
        if first:
            log.event(_logger, "quota.unreachable", level=logging.WARNING, share=ALONE_SHARE, problem=error.message)

    def _reserve_alone(self, asks: Sequence[bool]) -> tuple[float, Reserved]:
        moment, now = self._clock.now(), self._clock.utc().timestamp()
        with self._lock:
            books = self._alone or Ledger()
            self._alone, reserved = reservation.reserve(books, now, asks, self._rate.slowed(ALONE_SHARE), self._limits)
        # The shared books do not have them yet.
        self._books.settle(sum(asks[: len(reserved.slots)]))
        return moment, reserved

    def _rejoin(self) -> None:
        with self._lock:
            was_alone, self._alone = self._alone is not None, None
        if was_alone:
            log.event(_logger, "quota.reached_again")
