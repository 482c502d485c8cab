"""
The ledger of one Computer Vision resource: its next free slot, its backlog, its billed transactions.

A value and its JSON. `shared.pace.reservation` computes the next one, `shared.pace.ledger_store` keeps it in a blob.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

# Calls do not arrive as evenly as they leave. A service that counts in windows refuses the eleventh that a delay of the
# first has brought into the second of the ten after it; a pace this much slower forgives one of 15 ms.
_SHARE_OF_TIER = 0.985
# The least part of the rate that 429s leave.
LEAST_SHARE = 0.1


class Rate(NamedTuple):
    """So many calls in so many seconds, evenly."""

    calls: int
    seconds: float

    @classmethod
    def for_tier(cls, calls: int, seconds: float) -> "Rate":
        """The pace for a service that refuses more than so many calls in so many seconds: hardly slower than that."""
        return cls(calls, seconds).slowed(_SHARE_OF_TIER)

    @property
    def interval_seconds(self) -> float:
        """From one slot to the next."""
        return self.seconds / self.calls

    def slowed(self, share: float) -> "Rate":
        """That share of the rate."""
        return Rate(self.calls, self.seconds / share)

    def interval_at(self, share: float) -> float:
        """Seconds from one slot to the next at that share of the rate."""
        return self.seconds / share / self.calls


class Limits(NamedTuple):
    """The most billed transactions of a day and of a month (UTC); None is no limit."""

    per_day: int | None = None
    per_month: int | None = None


NO_LIMITS = Limits()


class Ledger(NamedTuple):
    """
    The ledger. Moments are seconds since 1970.

    `backlog` is the first free turn behind all postponed calls, `backlog_from` the first turn that was given out.
    Before that no postponed call is due, and a new call overtakes none.
    `share` is the part of the rate that was used after it was last cut, at `cut_at`.
    `day` and `month` are those that the counts are of, such as `2026-01-31` and `2026-01`. Of the paid transactions,
    the `described` ones are of the other class of price: descriptions and text (`shared.vision.billing.described`).
    """

    next_slot: float = 0.0
    not_before: float = 0.0
    backlog_from: float = 0.0
    backlog: float = 0.0
    share: float = 1.0
    cut_at: float = 0.0
    day: str = ""
    paid_of_day: int = 0
    month: str = ""
    paid_of_month: int = 0
    described_of_day: int = 0
    described_of_month: int = 0

    def to_json(self) -> bytes:
        """As it is stored: moments as dates, for readers of the blob."""
        return json.dumps(
            {
                "nextSlot": _date(self.next_slot),
                "notBefore": _date(self.not_before),
                "backlogFrom": _date(self.backlog_from),
                "backlog": _date(self.backlog),
                "share": self.share,
                "cutAt": _date(self.cut_at),
                "day": self.day,
                "paidOfDay": self.paid_of_day,
                "month": self.month,
                "paidOfMonth": self.paid_of_month,
                "describedOfDay": self.described_of_day,
                "describedOfMonth": self.described_of_month,
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Ledger":
        """Read what `to_json` wrote; a ledger that cannot be read begins anew."""
        try:
            stored: dict[str, Any] = json.loads(data)
            return cls(
                _moment(stored["nextSlot"]),
                _moment(stored["notBefore"]),
                _moment(stored["backlogFrom"]),
                _moment(stored["backlog"]),
                min(1.0, max(LEAST_SHARE, float(stored["share"]))),
                _moment(stored["cutAt"]),
                str(stored["day"]),
                int(stored["paidOfDay"]),
                str(stored["month"]),
                int(stored["paidOfMonth"]),
                _described(stored, "describedOfDay", int(stored["paidOfDay"])),
                _described(stored, "describedOfMonth", int(stored["paidOfMonth"])),
            )
        except (ValueError, KeyError, TypeError):
            return cls()


def _described(stored: dict[str, Any], name: str, paid: int) -> int:
    """
    How many of the paid transactions are of the dearer class; no limit depends on it.

    The version before did not tell them apart, also one that writes beside this one, so all are taken for it. So they
    are where the number is none: what limits the calls must not be lost with it.
    """
    told = stored.get(name, paid)
    return told if type(told) is int and told >= 0 else paid


@lru_cache(maxsize=16)
def _date(moment: float) -> str:
    """A moment as it is stored; from one reservation to the next, most moments of the ledger stay what they were."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


def _moment(date: str) -> float:
    return datetime.fromisoformat(date).timestamp()
