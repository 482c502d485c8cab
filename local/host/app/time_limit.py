"""
`functionTimeout` of host.json: how long one run of a function may take, and what becomes of its process afterwards.

As in Azure, a run that takes longer has failed. If it has not ended two seconds later either, nothing but the end of
its process can end it. All runs in the process fail with it then.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from local.host.app.context import Invocation, task_of
from local.host.errors import CutShortError

GRACE_SECONDS = 2.0
# How long an event loop may take to notice what it should: it is blocked if it takes longer.
BLOCKED_SECONDS = 3.0
LOOK_SECONDS = 0.5
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class TimeLimit:
    """
    Bounds every run to *seconds*; None for no bound.

    *given_up* has a result, a sentence with the reason, from the moment on when the process has to end.
    """

    def __init__(self, seconds: float | None, grace_seconds: float = GRACE_SECONDS) -> None:
        self.given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._seconds = seconds
        self._grace_seconds = grace_seconds
        self._begun: dict[Invocation, float] = {}
        self._waits: set[asyncio.Task[None]] = set()

    @property
    def has_left_some(self) -> bool:
        """Whether a run that took too long may still go on."""
        return bool(self._waits) or self.given_up.done()

    async def run(self, invocation: Invocation, call: Coroutine[Any, Any, Result]) -> Result:
        """
        Run *call* in a task of *invocation* and return its result.

        Raises CutShortError when it takes too long, and when the process is given up.
        """
        if self.given_up.done():
            call.close()
            raise self._aborted()
        task = task_of(invocation, call)
        self._begun[invocation] = time.monotonic()
        try:
            futures: set[asyncio.Future[Any]] = {task, self.given_up}
            await asyncio.wait(futures, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            del self._begun[invocation]
        if task.done():
            return task.result()
        if self.given_up.done():
            raise self._aborted()
        wait = asyncio.create_task(self._wait_for_the_end(invocation, task))
        self._waits.add(wait)
        wait.add_done_callback(self._waits.discard)
        raise CutShortError(self.told(invocation))

    def told(self, invocation: Invocation) -> str:
        """Return the platform's words for a run that took too long."""
        return f"Timeout value of {_time_span(self._seconds)} was exceeded by function: Functions.{invocation.function}"

    def overdue(self, by_seconds: float) -> Invocation | None:
        """Return a run that takes *by_seconds* more than it may, unnoticed; None if none does. Safe for threads."""
        if self._seconds is None:
            return None
        latest = time.monotonic() - self._seconds - by_seconds
        return next((invocation for invocation, begun in tuple(self._begun.items()) if begun < latest), None)

    def _aborted(self) -> CutShortError:
        return CutShortError(f"it was aborted with its process. {self.given_up.result()}")

    async def _wait_for_the_end(self, invocation: Invocation, task: asyncio.Task[Any]) -> None:
        """Give the process up if *task* does not end by itself; what it gives or raises is dropped."""
        await asyncio.wait({task}, timeout=self._grace_seconds)
        if task.done():
            _ = task.cancelled() or task.exception()
            logger.info("%s has ended after all; its run has failed all the same", invocation.function)
        elif not self.given_up.done():
            logger.error(
                "A function timeout has occurred. Restarting the process that runs invocation %s of %s",
                invocation.id,
                invocation.function,
            )
            self.given_up.set_result(self.told(invocation))


class Watchdog:
    """
    Notices in a thread of its own what the event loop cannot: that a function blocks the loop for too long.

    *give_up* is called with the reason, in that thread; it is to end the process.
    """

    def __init__(self, limit: TimeLimit, give_up: Callable[[str], None], look_seconds: float = LOOK_SECONDS) -> None:
        self._limit = limit
        self._give_up = give_up
        self._look_seconds = look_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._look_seconds):
            overdue = self._limit.overdue(BLOCKED_SECONDS)
            # A process that was stopped for a while, such as with its machine, gets the time to notice by itself.
            if (
                overdue
                and not self._stopped.wait(self._look_seconds)
                and self._limit.overdue(BLOCKED_SECONDS) is overdue
            ):
                self._give_up(f"{self._limit.told(overdue)}, which blocks the event loop")
                return


def _time_span(seconds: float | None) -> str:
    """Write a duration as .NET does: 00:05:00, 1.00:00:00."""
    whole = timedelta(seconds=seconds or 0)
    minutes, second = divmod(whole.seconds, 60)
    days = f"{whole.days}." if whole.days else ""
    fraction = f".{whole.microseconds:06d}0" if whole.microseconds else ""
    return f"{days}{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{fraction}"
