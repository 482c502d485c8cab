"""
Run timer-triggered functions at their times, which are UTC.

A time that was missed while the host was away is made up for once at the next start. When each function ran last is in
a file, written after the run: a function that is killed in the middle is late at the next start.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.host.errors import InvocationError
from local.host.runner import Runner
from local.host.timers.trigger import TimerFunction, timer_datum

# Times go by the wall clock, which may be set or sleep; waits go by another.
MAX_SLEEP_SECONDS = 5.0
logger = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class LastRuns:
    """When each function ran last, in a JSON file of names and times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = json.loads(path.read_text())
            self._times = {name: datetime.fromisoformat(text) for name, text in content.items()}
        except FileNotFoundError:
            self._times = {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s is not used: %s. Timers that came due while the host was away do not run", path, error)
            self._times = {}

    def get(self, name: str) -> datetime | None:
        """Return when *name* ran last, if it ever did."""
        return self._times.get(name)

    def put(self, name: str, at: datetime) -> None:
        """Write down that *name* ran."""
        self._times[name] = at
        # Written aside first: a crash must not leave half a file.
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({name: time.isoformat() for name, time in self._times.items()}, indent=2))
        new.replace(self._path)


class TimerListener:
    """Waits for the times of all timer functions, until it is stopped."""

    def __init__(
        self,
        functions: Sequence[TimerFunction],
        runner: Runner,
        last_runs: LastRuns,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._functions = functions
        self._runner = runner
        self._last_runs = last_runs
        self._now = now
        self._stopped = asyncio.Event()
        self._asked: dict[str, asyncio.Event] = {function.name.lower(): asyncio.Event() for function in functions}

    async def run(self) -> None:
        """Run each function at its times until `stop`; returns when those that run have finished."""
        await asyncio.gather(*(self._follow(function) for function in self._functions), self._stopped.wait())

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()
        for asked in self._asked.values():
            asked.set()

    def run_now(self, name: str) -> bool:
        """Have a function run as soon as it does not run already; false if there is no timer function *name*."""
        asked = self._asked.get(name.lower())
        if asked is not None:
            asked.set()
        return asked is not None

    async def _follow(self, function: TimerFunction) -> None:
        last = self._last_runs.get(function.name) if function.is_monitored else None
        if last is None:
            last = self._now()
            self._write_down(function, last)
        due = function.schedule.next_after(last)
        is_past_due = due is not None and due < self._now()
        if function.runs_on_startup or is_past_due:
            last = await self._run(function, last, is_past_due=is_past_due)
        while not self._stopped.is_set():
            due = function.schedule.next_after(self._now())
            if due is None or not await self._wait_until(due, self._asked[function.name.lower()]):
                return
            last = await self._run(function, last, is_past_due=False)

    async def _wait_until(self, due: datetime, asked: asyncio.Event) -> bool:
        """Wait until *due* or until somebody asks; false once the listener is stopped."""
        while not self._stopped.is_set():
            seconds = (due - self._now()).total_seconds()
            if seconds <= 0 or asked.is_set():
                asked.clear()
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), min(seconds, MAX_SLEEP_SECONDS))
        return False

    async def _run(self, function: TimerFunction, last: datetime, *, is_past_due: bool) -> datetime:
        began = self._now()
        trigger = timer_datum(last, function.schedule.next_after(began), is_past_due=is_past_due)
        # The log tells about it already, and the next time comes anyway.
        with contextlib.suppress(InvocationError):
            await self._runner.run(function.function, trigger, {}, {})
        self._write_down(function, began)
        return began

    def _write_down(self, function: TimerFunction, at: datetime) -> None:
        if function.is_monitored:
            self._last_runs.put(function.name, at)
