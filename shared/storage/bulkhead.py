"""
How many callers of HTTP functions may wait for storage: a part of the worker's threads, of which each caller holds one.

While storage answers, a further caller waits for a place, which is soon free. Once all places are taken and storage has
answered none of those inside for a while, further callers are refused at once. So the other threads are there for
requests that need no storage.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.clock import Clock
from shared.errors import ConflictError, StorageDeniedError, StorageRefusedError

# Longer than a healthy account takes, on a busy machine too.
SILENT_SECONDS = 2.0
# That storage did not answer the last one says nothing after so long.
_REMEMBERED_SECONDS = 30.0


class Full(Exception):  # noqa: N818 (not an error of the app: `storage` makes one of it)
    """All places are taken, and storage does not answer those who have them."""


class Bulkhead:
    """
    The places of one account. Safe for threads.

    Args:
        most: how many there are.
        clock: the time.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        # When storage last answered; before any answer, when the first caller was let in.
        self._answered_at = 0.0
        # When it last did not, since it last did.
        self._failed_at = -math.inf
        self._changed = threading.Event()

    @contextmanager
    def place(self) -> Iterator[None]:
        """
        Wait for a place and keep it inside.

        What storage says of a blob or of the app is an answer; no error of its own is.

        Raises:
            Full: there is none.
        """
        self._enter()
        answered = False
        try:
            yield
            answered = True
        except (ConflictError, StorageDeniedError, StorageRefusedError):
            answered = True
            raise
        finally:
            self._leave(answered=answered)

    def _enter(self) -> None:
        while True:
            with self._lock:
                now = self._clock.now()
                if self._inside < self._most:
                    if not self._inside and now - self._failed_at > _REMEMBERED_SECONDS:
                        self._answered_at = now
                    self._inside += 1
                    return
                patience, changed = self._answered_at + SILENT_SECONDS - now, self._changed
            if patience <= 0:
                raise Full
            self._clock.wait(changed, patience)

    def _leave(self, *, answered: bool) -> None:
        with self._lock:
            self._inside -= 1
            now = self._clock.now()
            if answered:
                self._answered_at, self._failed_at = now, -math.inf
            else:
                self._failed_at = now
            self._changed.set()
            self._changed = threading.Event()
