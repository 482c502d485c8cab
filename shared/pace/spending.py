"""
What the log tells of billed transactions: how many there were, that a limit is near, and that one is reached.

Each at most once in a while, because every reservation of slots could say the same.
"""

import logging
import threading

from shared import log
from shared.clock import Clock
from shared.pace.ledger import Ledger, Limits
from shared.pace.reservation import Exhausted

# Of a limit, from which on it is near.
NEAR_SHARE = 0.8
# Between two counts that one process tells.
COUNT_SECONDS = 600.0

_logger = logging.getLogger(__name__)


class SpendingLog:
    """
    What one process has told of the spending. Safe for threads.

    Args:
        clock: the time.
        limits: of billed transactions.
    """

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        # Of the day's limit and of the month's: the date of which it was told that it is near, and the reset of which
        # it was told that it is reached.
        self._near: dict[str, str] = {}
        self._resets: dict[str, float] = {}
        self._count_at = 0.0

    def tell(self, ledger: Ledger | None) -> None:
        """Tell what the ledger counts, every ten minutes, and once for each day and month that its limit is near."""
        if ledger is None:
            return
        windows = (
            ("day", ledger.day, ledger.paid_of_day, self._limits.per_day),
            ("month", ledger.month, ledger.paid_of_month, self._limits.per_month),
        )
        for window, date, used, limit in windows:
            if limit and used >= NEAR_SHARE * limit and self._is_new(window, date):
                log.event(
                    _logger, "spending.neared", level=logging.WARNING, window=window, date=date, used=used, limit=limit
                )
        if self._is_time():
            log.event(_logger, "spending.counted", of_day=ledger.paid_of_day, of_month=ledger.paid_of_month)

    def tell_exhausted(self, exhausted: Exhausted) -> None:
        """Tell that a limit leaves too little for a call, once for each reset."""
        reset = round(self._clock.utc().timestamp() + exhausted.seconds)
        with self._lock:
            told, self._resets[exhausted.window] = self._resets.get(exhausted.window, 0.0), reset
        if abs(told - reset) > 1:
            log.event(_logger, "quota.exhausted", level=logging.WARNING, seconds=round(exhausted.seconds))

    def _is_new(self, window: str, date: str) -> bool:
        with self._lock:
            before, self._near[window] = self._near.get(window), date
        return before != date

    def _is_time(self) -> bool:
        now = self._clock.utc().timestamp()
        with self._lock:
            due = now >= self._count_at
            if due:
                self._count_at = now + COUNT_SECONDS
        return due
