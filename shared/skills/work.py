"""What one batch does side by side: a few things at once, in threads of their own, until its time is over."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from shared import services
from shared.clock import Deadline, SystemClock
from shared.errors import BusyError
from shared.services import App

_T = TypeVar("_T")
# Of the threads for all batches, so that one batch of a thousand records leaves room for others.
SIDE_BY_SIDE = 8


class Work:
    """
    The work of one batch.

    Args:
        app: the app.
        seconds: after which the batch is answered, from now on.
    """

    def __init__(self, app: App, seconds: float) -> None:
        self.app = app
        self.seconds = seconds
        # The event loop waits by the machine's clock.
        self._ends = Deadline.after(seconds, SystemClock())
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)

    def remaining(self) -> float:
        """Seconds until the batch is answered, at least 0."""
        return self._ends.remaining()

    async def pause(self, seconds: float) -> None:
        """Let others work for so long."""
        await asyncio.sleep(seconds)

    def refuse_if_late(self) -> None:
        """Raise BusyError where the batch was answered already: an answer that comes too late is not to be paid for."""
        if not self.remaining():
            raise BusyError("The batch was answered before this image was asked about.")

    async def in_thread(self, action: Callable[[], _T]) -> _T:
        """Do what blocks once it has a place."""
        async with self._places:
            return await services.in_thread(self.app.batches, action)
