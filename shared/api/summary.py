"""
`GET /api/images?summary=true`: how many images are in each state, what waits, at which rate it goes, what it has cost.

The counts are the index's, which has each image within seconds; the rest is the ledger's. No image is looked at.
"""

from datetime import UTC, datetime
from typing import TypedDict

from shared.api.image_states import STATES
from shared.pace.ledger import Ledger
from shared.receipts import prices
from shared.receipts.prices import Transactions
from shared.services import App


class Queue(TypedDict):
    """The calls that were put off: how many, in how many seconds the last one comes, and when that is."""

    calls: int
    seconds: float
    until: str | None


class Pace(TypedDict):
    """The tier's rate, and the share of it that is used since the service refused calls."""

    calls: int
    seconds: float
    share: float


class Spent(TypedDict):
    """Billed transactions of a day or a month (UTC), those of descriptions and text among them, and their money."""

    date: str
    transactions: int
    descriptionAndText: int
    money: float
    limit: int | None


class Summary(TypedDict):
    """The whole; `building` while the index was never made whole, so that images are missing in the counts."""

    images: dict[str, int]
    building: bool
    queue: Queue
    rate: Pace
    day: Spent
    month: Spent
    currency: str


def summary(app: App) -> Summary:
    """
    The summary of now.

    Raises:
        StorageError: the index or the ledger cannot be read.
    """
    found = app.search.find("", limit=1)
    outlook = app.quota.outlook()
    ledger, (calls, seconds) = outlook.ledger, app.settings.vision_rate
    counts = dict(found.found.facets.get("state", ()))
    ends = (
        datetime.fromtimestamp(ledger.backlog, UTC).isoformat(timespec="milliseconds")
        if outlook.backlog_calls
        else None
    )
    return {
        "images": {"total": found.found.total, **{state: counts.get(state, 0) for state in STATES}},
        "building": found.building,
        "queue": {"calls": outlook.backlog_calls, "seconds": round(outlook.backlog_seconds, 1), "until": ends},
        "rate": {"calls": calls, "seconds": seconds, "share": round(outlook.share, 3)},
        "day": _spent(app, ledger, "day"),
        "month": _spent(app, ledger, "month"),
        "currency": app.settings.vision_prices.currency,
    }


def _spent(app: App, ledger: Ledger, window: str) -> Spent:
    of_day = window == "day"
    paid = ledger.paid_of_day if of_day else ledger.paid_of_month
    # Corrections of the two counts may come in two writes.
    described = min(paid, ledger.described_of_day if of_day else ledger.described_of_month)
    return {
        "date": ledger.day if of_day else ledger.month,
        "transactions": paid,
        "descriptionAndText": described,
        "money": prices.cost(Transactions(paid - described, described), app.settings.vision_prices),
        "limit": app.settings.vision_daily_limit if of_day else app.settings.vision_monthly_limit,
    }
