"""
Is the app able to work: settings, storage, Computer Vision. The app asks them at most twice a minute.

A look has threads of its own, one for each part, and ends in `LOOK_SECONDS` even if a part hangs. One look is under way
at a time; other callers get the last report.
"""

import asyncio
import hmac
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from shared import __version__, names, services, threads
from shared.api import retention
from shared.api.retention import Retention
from shared.clock import Clock, SystemClock
from shared.errors import BlobsightError, BusyError, PythonMismatchError, StorageError, VisionUnavailableError
from shared.lifecycle import first_start
from shared.lifecycle import report as report_of_reconciliation
from shared.services import App
from shared.settings import health_key
from shared.transport import time_budget

LOOK_SECONDS = 5.0
# The endpoint is open to all, and each look spends one call of the quota, one listing and one write.
_FRESH_SECONDS = 30.0
# Leaves the report time for an answer that a part gives at the very end.
_PART_SECONDS = 4.5

_T = TypeVar("_T")
Problem = dict[str, str]
Spending = dict[str, dict[str, str | int | None]]
Section = dict[str, object]


class Report(NamedTuple):
    """
    The findings of a look; `problems` and `warnings` hold `{"part", "code", "message", "action"}` each.

    A warning keeps nothing from working. `spending` tells the billed transactions of the day and the month (UTC), and
    their limits; None where the ledger could not be read. `reconciliation` tells the last comparison of images and
    records (`shared.lifecycle.report.section`); None before the first, and where it could not be read.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    spending: Spending | None = None
    reconciliation: Section | None = None

    @property
    def up(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def short(self) -> dict[str, object]:
        """The part for every caller."""
        return {"status": "up" if self.up else "down", "version": __version__}

    def detailed(self) -> dict[str, object]:
        """The whole, for the operator."""
        return {
            **self.short(),
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "spending": self.spending,
            "reconciliation": self.reconciliation,
        }


class Health:
    """The last report and its time, and the look under way. Safe for threads, and for event loops: nothing blocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[float, Report] | None = None
        self._under_way: Future[Report] | None = None
        self._look = Look()

    async def report(self) -> Report:
        """
        The last report, or a new one if that is too old; it takes `LOOK_SECONDS` at most.

        While a look is under way, only the caller who started it waits for it, and all where there is no report yet.
        """
        with self._lock:
            last = self._last
            if last and (self._under_way or self._clock.now() - last[0] < _FRESH_SECONDS):
                return last[1]
            self._under_way = self._under_way or _in_thread("health", self._renew)
            under_way = self._under_way
        return await asyncio.wrap_future(under_way)

    def _renew(self) -> Report:
        try:
            report = self._look()
            with self._lock:
                self._last = (self._clock.now(), report)
            return report
        finally:
            with self._lock:
                self._under_way = None


class Look:
    """Asks every part once. A part that has not answered the look before is not asked again until it has."""

    def __init__(self) -> None:
        self._asked: dict[str, Future[None]] = {}
        self._retention = Retention()
        self._looking_at_retention: Future[None] | None = None
        # What tells more than health: how it is asked, and the look under way.
        self._aside: dict[str, Future[Any]] = {}

    def __call__(self) -> Report:
        """The report of what the parts answer within `LOOK_SECONDS`."""
        until = time.monotonic() + LOOK_SECONDS
        try:
            app = services.current()
        except BlobsightError as error:
            part = "packages" if isinstance(error, PythonMismatchError) else "settings"
            return Report((_problem(part, error),))
        for part, (check, _) in _PARTS.items():
            if part not in self._asked:
                self._asked[part] = _in_thread(f"health of {part}", partial(check, app))
        for name, ask in _ASIDE.items():
            if name not in self._aside:
                self._aside[name] = _in_thread(f"health of {name}", partial(ask, app))
        looks: list[Future[Any]] = [*self._asked.values(), *self._begin_retention(app), *self._aside.values()]
        wait(looks, timeout=until - time.monotonic())
        found = [self._found(part) for part in _PARTS]
        problems = tuple(problem for problem in found if problem)
        return Report(problems, self._warnings(), self._found_aside("spending"), self._found_aside("reconciliation"))

    def _begin_retention(self, app: App) -> list[Future[None]]:
        """The look at what the host's account keeps, if it is due; one that did not end in time is not waited for."""
        begun = self._looking_at_retention
        if (begun and not begun.done()) or not self._retention.is_due(app):
            return []
        self._looking_at_retention = _in_thread("health of retention", partial(self._retention.look, app))
        return [self._looking_at_retention]

    def _warnings(self) -> tuple[Problem, ...]:
        warning = self._retention.warning()
        if not warning:
            return ()
        message, action = warning
        return ({"part": "host", "code": retention.CODE, "message": message, "action": action},)

    def _found_aside(self, name: str) -> Any:
        looking = self._aside[name]
        if not looking.done():
            return None
        del self._aside[name]
        with suppress(BlobsightError):
            return looking.result()
        return None

    def _found(self, part: str) -> Problem | None:
        asked = self._asked[part]
        if not asked.done():
            return _problem(part, _PARTS[part][1](f"There was no answer within {LOOK_SECONDS:g} s."))
        del self._asked[part]
        try:
            asked.result()
        except BlobsightError as error:
            return _problem(part, error)
        return None


_health = Health(SystemClock())


async def report() -> Report:
    """The process's health."""
    return await _health.report()


def may_know(key: str | None) -> bool:
    """Whether the key opens the details. Without the setting HEALTH_KEY none does."""
    expected = health_key()
    if not key or not expected:
        return False
    # A header has the bytes that a stranger sent, which can be no text at all.
    return hmac.compare_digest(key.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))


def _in_thread(name: str, action: Callable[[], _T]) -> "Future[_T]":
    """Begin it in a thread that keeps no process from ending."""
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            with time_budget.apart(_PART_SECONDS):
                result = action()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threads.begin(name, run)
    return future


def _vision(app: App) -> None:
    # Where others come first, the service is well.
    with suppress(BusyError):
        app.vision.list_models()


def _images(app: App) -> None:
    for image in app.images.page(names.IMAGES, limit=1).items:
        # The kind of the account's namespace shows in answers about a blob only.
        app.images.head(names.IMAGES, image.name)


def _host(app: App) -> None:
    # A full or read-only account still lists.
    app.host.write(names.HEALTH, names.HEALTH_BLOB, b"", content_type=names.BYTES)


def _spending(app: App) -> Spending:
    ledger, limits = app.quota.spending(), app.settings
    return {
        "day": {"date": ledger.day, "transactions": ledger.paid_of_day, "limit": limits.vision_daily_limit},
        "month": {"date": ledger.month, "transactions": ledger.paid_of_month, "limit": limits.vision_monthly_limit},
    }


def _reconciliation(app: App) -> Section | None:
    first_start.note(app)
    return report_of_reconciliation.section(app)


# What is told besides, and makes nothing unhealthy.
_ASIDE: dict[str, Callable[[App], object]] = {"spending": _spending, "reconciliation": _reconciliation}
# How each is asked, and the error if it does not answer.
_PARTS: dict[str, tuple[Callable[[App], None], type[BlobsightError]]] = {
    "vision": (_vision, VisionUnavailableError),
    "images": (_images, StorageError),
    "host": (_host, StorageError),
}


def _problem(part: str, error: BlobsightError) -> Problem:
    return {"part": part, "code": error.code, "message": error.message, "action": error.action}
