"""A share of memory for each picture that is being decoded: first come, first served, and large ones wait."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.errors import BusyError

_RETRY_SECONDS = 5.0


class Budget:
    """
    Bytes that are lent to threads. Who came first is served first, so that small pictures never overtake a large one.

    Args:
        capacity: how many bytes there are.
        wait_seconds: how long one waits for its share.
        left: how much of so many seconds the one that asks may wait.
    """

    def __init__(
        self, capacity: int, wait_seconds: float, left: Callable[[float], float] = lambda seconds: seconds
    ) -> None:
        self.capacity = capacity
        self._wait_seconds = wait_seconds
        self._left = left
        self._free = capacity
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait for their share."""
        return len(self._queue)

    @contextmanager
    def share(self, size: int) -> Iterator[None]:
        """
        Hold so many bytes; at most all there are.

        Raises:
            BusyError: others hold them for too long.
        """
        size = min(size, self.capacity)
        self._take(size)
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()

    def _take(self, size: int) -> None:
        seconds = self._left(self._wait_seconds)
        ticket, end = object(), time.monotonic() + seconds
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or self._free < size:
                    if not self._changed.wait(end - time.monotonic()) and time.monotonic() >= end:
                        raise BusyError(
                            "So many large pictures are being decoded that this one's turn did not come within "
                            f"{seconds:.3g} seconds.",
                            retry_after_seconds=_RETRY_SECONDS,
                        )
                self._free -= size
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
