"""
From one state of the ledger to the next: slots are reserved, calls postponed, waits and payments written down.

All functions here are pure: no clock, no storage, no threads. `shared.pace.quota` applies them to the ledger that all
processes share; several processes may compute at once, and one of them wins.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from shared.pace.ledger import LEAST_SHARE, NO_LIMITS, Ledger, Limits, Rate
from shared.transport.error_answers import MAX_RETRY_AFTER_SECONDS

# No process reserves slots further ahead than this, so the next caller, in any process, waits hardly longer.
HORIZON_SECONDS = 1.0
# How far ahead a process may reserve that has just got slots, and how that grows with each second in which it gets
# none. It grows steeply at first, then slowly, but always: the process that has waited longest comes first, even if its
# clock is behind.
_FIRST_HORIZON_SECONDS = 0.3
_GROWTH = (0.3, 0.1)
# A machine with a wrong clock has reserved slots this much further ahead than the horizon; it must not stop the others.
_IMPLAUSIBLE_SECONDS = 60.0
_DAY_SECONDS = 86_400
# No reset is further away than a month, and no backlog behind it longer than days.
_IMPLAUSIBLE_BACKLOG_SECONDS = 45.0 * _DAY_SECONDS
# A backlog that begins so much later waits for a limit to begin anew or for a key to be mended. Calls that may come now
# do not wait for that.
_MUCH_LATER_SECONDS = 60.0
_ROUNDING_SECONDS = 1e-6
# A 429 at the configured rate shows that it is too high for the limiter, or that others use the resource too. All
# processes go a little slower, and come back to the rate in some 250 calls.
_SHARE_AFTER_429 = 0.95
_RECOVERY_A_SLOT = 0.0002


class Exhausted(NamedTuple):
    """A limit that leaves too little for a call: `day` or `month`, transactions, and seconds until it begins anew."""

    window: str
    limit: int
    left: int
    seconds: float


class Reserved(NamedTuple):
    """
    What a reservation came to.

    `slots` are seconds from now, one for each of the first asks. Where none is free yet, `ask_again` says in how many
    seconds one may be. `exhausted` is the limit that leaves too little for the first ask, where it has no slot because
    of that. `held_off` is how many seconds, from now, the service wants no call.
    """

    slots: tuple[float, ...] = ()
    ask_again: float = 0.0
    held_off: float = 0.0
    exhausted: Exhausted | None = None


def reserve(
    ledger: Ledger,
    now: float,
    asks: Sequence[int],
    rate: Rate,
    limits: Limits = NO_LIMITS,
    *,
    waited_seconds: float = math.inf,
    described: Sequence[int] = (),
) -> tuple[Ledger, Reserved]:
    """
    Reserve slots for the callers that wait now.

    Args:
        ledger: the state before.
        now: seconds since 1970.
        asks: the transactions that the call of each caller is expected to cost, first come first; 0 is a free one.
        rate: the tier's.
        limits: of billed transactions.
        waited_seconds: how long the process has waited for slots.
        described: how many of the transactions of each ask are of the class of descriptions and text.

    Returns:
        The ledger afterwards (the same, if there was nothing to reserve) and what was reserved. It counts what
        the calls are expected to cost; `settled` corrects that when more or less was billed.
    """
    ledger = of_today(ledger, now)
    wait = _held_off_seconds(ledger, now)
    affordable = _affordable(ledger, asks, limits)
    if not affordable:
        return ledger, Reserved(exhausted=_exhausted(ledger, now, asks[0], limits), held_off=wait)
    interval = rate.interval_at(share(ledger, now, rate))
    # The last slot may be as far ahead as the horizon, and the next one is an interval behind it.
    plausible = ledger.next_slot <= now + HORIZON_SECONDS + interval + _IMPLAUSIBLE_SECONDS
    start = max(now + wait, ledger.next_slot if plausible else now)
    # A process that needs many slots waits until several are free, and lets those that need one go first.
    wanted = min(affordable, max(1, int(HORIZON_SECONDS / interval / 4)))
    horizon, growth = _horizon(waited_seconds)
    too_early = start + (wanted - 1) * interval - horizon - now
    if wait or too_early > _ROUNDING_SECONDS:
        return ledger, Reserved(ask_again=max(wait, too_early / (1 + growth)), held_off=wait)
    free = int((now + horizon - start + _ROUNDING_SECONDS) / interval) + 1
    count = min(affordable, free)
    slots = tuple(start - now + number * interval for number in range(count))
    paid, described_paid = sum(asks[:count]), sum(described[:count])
    booked = ledger._replace(
        next_slot=start + count * interval,
        paid_of_day=ledger.paid_of_day + paid,
        paid_of_month=ledger.paid_of_month + paid,
        described_of_day=ledger.described_of_day + described_paid,
        described_of_month=ledger.described_of_month + described_paid,
    )
    return booked, Reserved(slots=slots)


def settled(ledger: Ledger, now: float, transactions: int, described: int = 0) -> Ledger:
    """The ledger with transactions that were reserved and not billed (negative), or billed and not reserved."""
    ledger = of_today(ledger, now)
    return ledger._replace(
        paid_of_day=max(0, ledger.paid_of_day + transactions),
        paid_of_month=max(0, ledger.paid_of_month + transactions),
        described_of_day=max(0, ledger.described_of_day + described),
        described_of_month=max(0, ledger.described_of_month + described),
    )


def held_off(ledger: Ledger, now: float, seconds: float, rate: Rate, *, throttled: bool) -> Ledger:
    """The ledger when the service wants no call for so many seconds; *throttled*, because there were too many."""
    before = _held_off_seconds(ledger, now)
    if throttled and not before:
        ledger = ledger._replace(share=max(LEAST_SHARE, _SHARE_AFTER_429 * share(ledger, now, rate)), cut_at=now)
    until = now + min(seconds, MAX_RETRY_AFTER_SECONDS)
    return ledger._replace(not_before=max(until, now + before))


def postponed(ledger: Ledger, now: float, at_least: float, calls: int, rate: Rate) -> tuple[Ledger, float]:
    """
    Append a call, or several, to the backlog.

    A call that may not come before the backlog's end comes by itself, at its own time. So the backlog has no gap, in
    which new calls would wait without a reason. A call that may come soon does not wait for a backlog that begins much
    later: it begins another, and the calls of the one before keep their turns.

    Returns:
        The ledger afterwards, and in how many seconds the turn comes: not before *at_least*.
    """
    earliest = now + max(at_least, _held_off_seconds(ledger, now))
    length = calls * rate.interval_seconds
    plausible = now < ledger.backlog <= now + _IMPLAUSIBLE_BACKLOG_SECONDS
    if not plausible or ledger.backlog_from > earliest + _MUCH_LATER_SECONDS:
        return ledger._replace(backlog_from=earliest, backlog=earliest + length), earliest - now
    if earliest > ledger.backlog:
        return ledger, earliest - now
    return ledger._replace(backlog=ledger.backlog + length), ledger.backlog - now


def backlog_seconds(ledger: Ledger, now: float) -> float:
    """How long a call that comes now and can wait has to wait for the postponed ones; 0 if none of them is due yet."""
    seconds = ledger.backlog - now
    if ledger.backlog_from > now + HORIZON_SECONDS or not HORIZON_SECONDS < seconds <= _IMPLAUSIBLE_BACKLOG_SECONDS:
        return 0.0
    return seconds


def backlog_of(ledger: Ledger, now: float, rate: Rate) -> tuple[int, float]:
    """How many postponed calls have their turns still ahead, and in how many seconds the last of these ends."""
    seconds = ledger.backlog - now
    if not 0 < seconds <= _IMPLAUSIBLE_BACKLOG_SECONDS:
        return 0, 0.0
    length = ledger.backlog - max(now, ledger.backlog_from)
    return math.ceil(length / rate.interval_seconds - _ROUNDING_SECONDS), seconds


def _horizon(waited: float) -> tuple[float, float]:
    """How many seconds ahead a process may reserve that has waited so long, and by how much that grows in a second."""
    steep, flat = _GROWTH
    horizon = _FIRST_HORIZON_SECONDS + steep * min(waited, 1.0) + flat * max(0.0, waited - 1.0)
    if horizon >= HORIZON_SECONDS:
        return HORIZON_SECONDS, 0.0
    return horizon, steep if waited < 1.0 else flat


def share(ledger: Ledger, now: float, rate: Rate) -> float:
    """The part of the rate to use now."""
    if ledger.share == 1.0 or ledger.cut_at > now + _IMPLAUSIBLE_SECONDS:
        return 1.0
    recovered = max(0.0, now - ledger.cut_at) / rate.interval_seconds * _RECOVERY_A_SLOT
    return min(1.0, ledger.share + recovered)


def _held_off_seconds(ledger: Ledger, now: float) -> float:
    seconds = ledger.not_before - now
    return seconds if 0 < seconds <= MAX_RETRY_AFTER_SECONDS + _IMPLAUSIBLE_SECONDS else 0.0


def of_today(ledger: Ledger, now: float) -> Ledger:
    """The ledger with counts of this day and this month."""
    day, tomorrow = _dates(int(now // _DAY_SECONDS))
    # At midnight, a clock that is a little behind must not begin yesterday anew.
    if not day <= ledger.day <= tomorrow:
        ledger = ledger._replace(day=day, paid_of_day=0, described_of_day=0)
    if not day[:7] <= ledger.month <= tomorrow[:7]:
        ledger = ledger._replace(month=day[:7], paid_of_month=0, described_of_month=0)
    return ledger


def _affordable(ledger: Ledger, asks: Sequence[int], limits: Limits) -> int:
    """How many of the asks, from the first on, the limits leave room for."""
    left = min((limit - count for _, limit, count in _counts(ledger, limits)), default=None)
    if left is None:
        return len(asks)
    for number, price in enumerate(asks):
        left -= price
        if left < 0 and price:
            return number
    return len(asks)


def _counts(ledger: Ledger, limits: Limits) -> list[tuple[str, int, int]]:
    """Of each limit that is set, the longest window first: the window, the limit, and the count."""
    windows = (("month", limits.per_month, ledger.paid_of_month), ("day", limits.per_day, ledger.paid_of_day))
    return [(window, limit, count) for window, limit, count in windows if limit is not None]


def _exhausted(ledger: Ledger, now: float, price: int, limits: Limits) -> Exhausted:
    """The limit that leaves less than the price: the month's, if both do."""
    window, limit, count = next(each for each in _counts(ledger, limits) if each[1] - each[2] < price)
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    reset = (today.replace(day=1) + timedelta(days=32)).replace(day=1) if window == "month" else today + timedelta(1)
    return Exhausted(window, limit, max(0, limit - count), reset.timestamp() - now)


@lru_cache(maxsize=4)
def _dates(day: int) -> tuple[str, str]:
    """Day number *day* since 1970, and the one after it; two reservations rarely have different ones."""
    date = datetime.fromtimestamp(day * _DAY_SECONDS, UTC).date()
    return date.isoformat(), (date + timedelta(days=1)).isoformat()
