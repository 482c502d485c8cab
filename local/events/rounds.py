"""Look at the container again and again, whatever happens, and say what is in the way."""

import sqlite3
import threading
import time
from collections.abc import Callable

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseTimeoutError

from local.events.container import READ_SECONDS
from local.events.webhook import NotDeliveredError
from local.trouble import Trouble

# Listing a large container must not take the machine: a tenth of the time at most, unless the pause became too long.
REST_FOR_EACH_OF_LOOKING = 9
MAX_PAUSE_SECONDS = 30.0


class Rounds:
    """
    Calls a function until it is told to stop.

    After a look that failed the next follows at the base interval, since a look that hung says nothing of how much work
    a look is. For the same reason the shorter of the last two that succeeded counts.
    """

    def __init__(
        self,
        stop: threading.Event,
        trouble: Trouble,
        *,
        interval_seconds: float,
        rest: float = REST_FOR_EACH_OF_LOOKING,
        longest_after_failures: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        *rest* is how long to rest for each second of looking.

        After one failed look after the other the pauses double, up to *longest_after_failures* seconds.
        """
        self._stop = stop
        self._trouble = trouble
        self._interval_seconds = interval_seconds
        self._rest = rest
        self._longest_after_failures = longest_after_failures
        self._clock = clock
        self._last_seconds = 0.0
        self._failed = 0

    def until_one_succeeds(self, look: Callable[[], object]) -> bool:
        """Look until there was a look that succeeded; False when told to stop before that."""
        while not self._stop.is_set():
            if self._took(look) is not None:
                return True
            self._stop.wait(self._interval_seconds)
        return False

    def until_stopped(self, look: Callable[[], object]) -> None:
        """Look again and again."""
        while not self._stop.is_set():
            took = self._took(look)
            self._stop.wait(self._pause_after_failure() if took is None else self._pause_after(took))

    def _pause_after_failure(self) -> float:
        self._failed += 1
        # No more doubling than any bound needs: the number would not fit.
        doubled = self._interval_seconds * 2.0 ** min(self._failed, 30)
        return max(self._interval_seconds, min(doubled, self._longest_after_failures))

    def _pause_after(self, took: float) -> float:
        self._failed = 0
        work, self._last_seconds = min(took, self._last_seconds), took
        return max(self._interval_seconds, min(self._rest * work, MAX_PAUSE_SECONDS))

    def _took(self, look: Callable[[], object]) -> float | None:
        """Look once; returns the seconds that it took, or None if it failed."""
        begun = self._clock()
        try:
            look()
        except NotDeliveredError as error:
            self._trouble.note("host", str(error), since=begun)
        except AzureError as error:
            self._trouble.note("storage", _reason(error), since=begun)
        except sqlite3.OperationalError as error:
            self._trouble.note("journal", f"the list of what was told cannot be used: {error}", since=begun)
        else:
            self._trouble.over()
            return self._clock() - begun
        return None


def _reason(error: AzureError) -> str:
    if isinstance(error, HttpResponseError) and error.status_code:
        return f"storage answers {error.status_code}: {error.message.splitlines()[0]}"
    if isinstance(error, ServiceResponseTimeoutError):
        return f"storage does not answer within {READ_SECONDS:.0f} s"
    is_reached = not isinstance(error, ServiceRequestError)
    return "storage breaks the connection off" if is_reached else "storage cannot be reached"
