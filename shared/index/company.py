"""
Invocations of one process that store lines together: each waits a moment for others, where that saves a request.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

# What quiet times have cost is made up for by that many images at most, and what bursts have saved lasts as long.
_MOST_OWED, _MOST_SAVED = 8, 32


class _Waiter(NamedTuple):
    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[bool]"


class Company:
    """
    The invocations that are at work, and what they have saved: an image for each request is the balance.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work = 0
        self._waiters: list[_Waiter] = []
        self._saved = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, an invocation may write records."""
        with self._lock:
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
            self._wake_if_alone()

    def count(self, *, images: int = 0, requests: int = 0) -> None:
        """Images that have come, and requests that were made for the index."""
        with self._lock:
            self._saved = min(_MOST_SAVED, max(-_MOST_OWED, self._saved + images - requests))

    def can_pay(self, requests: int) -> bool:
        """Whether so many requests cost no more than was saved."""
        with self._lock:
            return self._saved >= requests

    def wake(self, *, alone: bool) -> None:
        """Have all who wait look whether their lines are stored; *alone* ends their waits in any case."""
        with self._lock:
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            with suppress(RuntimeError):  # its event loop is closed
                # Each waiter is taken off the list once, so no other call sets it.
                waiter.loop.call_soon_threadsafe(waiter.woken.set_result, alone)

    async def wait(self, seconds: float, is_stored: Callable[[], bool]) -> None:
        """Return when the lines are stored, when all who are at work wait, or after so many seconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while not is_stored() and (left := ends - loop.time()) > 0:
            waiter = _Waiter(loop, loop.create_future())
            with self._lock:
                self._waiters.append(waiter)
            self._wake_if_alone()
            try:
                done, _ = await asyncio.wait((waiter.woken,), timeout=left)
            finally:
                with self._lock:
                    self._waiters = [each for each in self._waiters if each is not waiter]
            if done and waiter.woken.result():
                return

    def _wake_if_alone(self) -> None:
        with self._lock:
            alone = self._at_work <= len(self._waiters)
        if alone:
            self.wake(alone=True)
