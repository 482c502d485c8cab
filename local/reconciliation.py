"""What an app's comparison of images and records has found, in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.counts import images


@dataclass(frozen=True)
class Reconciliation:
    """
    The last comparison of an app.

    Attributes:
        state: ended, failed or running; of a running one the numbers are those of the one before.
        mode: `report` if it only counts; `repair` if it starts and deletes.
        checked: when the last one began; None before its end.
        without_result: images that came since the app's first start and have neither a record nor a reason; None where
            that is not known.
        started: how many of these were started.
        older: images that came before the first start and have no result.
    """

    state: str
    mode: str
    checked: datetime | None
    without_result: int | None
    started: int
    older: int

    @classmethod
    def of_health(cls, section: dict[str, Any]) -> "Reconciliation":
        """Read the member `reconciliation` of a health report; raises LookupError, TypeError or ValueError."""
        checked = section["checkedAt"]
        return cls(
            section["state"],
            section["mode"],
            datetime.fromisoformat(checked) if checked else None,
            section["imagesWithoutResult"],
            section["started"] or 0,
            section["waitForBackfill"] or 0,
        )

    @property
    def has_failed(self) -> bool:
        """Whether the last one was given up."""
        return self.state == "failed"

    def lines(self) -> Iterator[str]:
        """Yield what to say, one line for each thing."""
        if self.checked is None:
            yield "images without a result: not known yet, as the first comparison is under way"
            return
        at = f"{self.checked.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if self.without_result is None:
            yield f"images without a result: not known, as the comparison of {at} failed (the log says why)"
        else:
            yield f"images without a result: {self.without_result}, checked at {at}{self._started}"
        if self.older:
            yield waiting(self.older)
        if self.state == "running":
            yield "another comparison is under way"

    @property
    def _started(self) -> str:
        return f"; {told_of_starts(self.without_result, self.started, self.mode)}" if self.without_result else ""


def told_of_starts(count: int, started: int, mode: object) -> str:
    """Say how many of the *count* images without a result were started, at least one."""
    if mode == "report":
        return "none is started, as RECONCILE is `report`"
    if started == count:
        return "it was started" if count == 1 else "all were started"
    return f"{started} of them {'was' if started == 1 else 'were'} started"


def waiting(older: int) -> str:
    """Say that so many images came before the app did."""
    verbs = ("was", "waits", "starts it") if older == 1 else ("were", "wait", "starts them")
    return (
        f"{images(older)} {verbs[0]} there before the app's first start and {verbs[1]} for a backfill; an earlier "
        f"RECONCILE_SINCE {verbs[2]}"
    )
