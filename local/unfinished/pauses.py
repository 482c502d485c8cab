"""Say now and then that a command goes on, where it has long had nothing to print."""

import sys
import time
from collections.abc import Callable

QUIET_SECONDS = 10.0


class Pauses:
    """Tells *how_far* on standard error for the *command*, every ten seconds in which nothing was printed."""

    def __init__(
        self, how_far: Callable[[], str], clock: Callable[[], float] = time.monotonic, *, command: str = "unfinished"
    ) -> None:
        self._command = command
        self._how_far = how_far
        self._clock = clock
        self._last = clock()

    def printed(self) -> None:
        """Something has been printed."""
        self._last = self._clock()

    def passed(self) -> None:
        """A step of the work is done, whether it had something to print or not."""
        if self._clock() - self._last >= QUIET_SECONDS:
            print(f"{self._command}: {self._how_far()}", file=sys.stderr, flush=True)
            self.printed()
