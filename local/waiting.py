"""
Wait until the app is done with images, and have those processed for which no event comes.

Asking costs the app work that it should put into the images: only what is not settled is asked for, a few at a time.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.app import AppClient, ImageState
from local.daemon_pool import DaemonPool

POLL_SECONDS = 0.4
MAX_DELAY_SECONDS = 6.4
# How many images are asked for in one round: the fewest while the app is busy, more when most turn out to be settled.
FEWEST, MOST = 16, 128
PARALLEL_REQUESTS = 4
STOP_SECONDS = 0.05  # how late it is noticed that waiting is to end


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Turn:
    """When an image is asked for next, how long to wait after that, since when, and what was last known of it."""

    due: float
    since: datetime
    delay_seconds: float = POLL_SECONDS
    state: ImageState | None = None

    @property
    def put_off_until(self) -> datetime | None:
        return self.state.put_off_until(self.since) if self.state else None


class Watch:
    """
    Images that the app is not done with, asked for in the order in which they were added until they are settled.

    An image that is not settled when its turn comes is asked for again after a while, and later ones come first.
    Once *stop* is set, no answer is waited for.
    """

    def __init__(
        self,
        app: AppClient,
        stop: threading.Event,
        *,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = _utc,
    ) -> None:
        self._app = app
        self._stop = stop
        self._now = now
        self._utc = utc
        self._turns: dict[str, _Turn] = {}
        self._without_event: set[str] = set()
        self._batch = FEWEST
        self.pause_seconds = POLL_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether no image is waited for."""
        return not self._turns

    @property
    def unsettled(self) -> Mapping[str, ImageState | None]:
        """
        The images that are still waited for, in the order in which they were added, each with its last known state.

        It is None of those that the app has not heard of.
        """
        return {name: turn.state for name, turn in self._turns.items()}

    def is_in_vain(self, seconds: float) -> bool:
        """Whether the app has said of each image that is waited for that it cannot be complete in so many seconds."""
        moments = [turn.put_off_until for turn in self._turns.values()]
        limit = self._utc() + timedelta(seconds=seconds)
        return bool(moments) and all(moment is not None and moment > limit for moment in moments)

    def add(self, name: str, *, already_there: bool) -> None:
        """
        Wait for the image *name* too.

        No event comes for one that was *already there*: unless it turns out to be settled it is processed again.
        """
        self._turns[name] = _Turn(self._now(), self._utc())
        if already_there:
            self._without_event.add(name)

    def ask(self) -> list[ImageState]:
        """
        Ask for the next few, and return what the app knows of them; `pause_seconds` then says when to ask again.

        Raises LocalError for an answer that waiting does not mend.
        """
        names = self._next()
        found = self._ask_for(names)
        settled = [state.name for state in found if state.settled]
        for state in found:
            self._turns[state.name].state = state
        self._reschedule(names, settled)
        return found

    def _ask_for(self, names: Sequence[str]) -> list[ImageState]:
        pool = DaemonPool(self._state_now, names, threads=min(PARALLEL_REQUESTS, len(names)))
        found: dict[str, ImageState | None] = {}
        while len(found) < len(names) and not self._stop.is_set():
            if result := pool.next(STOP_SECONDS):
                if result.error:
                    raise result.error
                found[result.item] = result.value
        return [state for state in map(found.get, names) if state]

    def _state_now(self, name: str) -> ImageState | None:
        """Ask for one image, and have it processed again if no event comes for it and it needs one."""
        state = self._app.image(name)
        if state and not state.settled and name in self._without_event and self._app.process_again(name):
            self._without_event.discard(name)
        return state

    def _next(self) -> list[str]:
        """The few that were added first, of those whose turn has come."""
        if len(self._turns) <= FEWEST:
            return list(self._turns)
        now = self._now()
        due = (name for name, turn in self._turns.items() if turn.due <= now)
        return [name for name, _ in zip(due, range(self._batch), strict=False)]

    def _reschedule(self, names: Sequence[str], settled: Sequence[str]) -> None:
        for name in settled:
            del self._turns[name]
            self._without_event.discard(name)
        for name in names:
            if name in self._turns:
                turn = self._turns[name]
                turn.due = self._now() + turn.delay_seconds
                turn.delay_seconds = min(2 * turn.delay_seconds, MAX_DELAY_SECONDS)
        most = bool(settled) and 4 * len(settled) >= 3 * len(names)
        self._batch = min(2 * self._batch, MOST) if most else FEWEST
        # Where most are settled, asking is all that is left to do.
        self.pause_seconds = 0.0 if most and self._turns else POLL_SECONDS


def wait_for_images(
    app: AppClient,
    names: Sequence[str],
    *,
    timeout_seconds: float,
    stop: threading.Event,
    show: Callable[[dict[str, ImageState]], None] = lambda states: None,
    already_there: Collection[str] = (),
) -> dict[str, ImageState]:
    """
    Ask for each image until it is complete or failed, or the time is up; returns what is known by then.

    It also ends when *stop* is set, and when all that is missing is put off until after the time is up.

    Those *already there* before, for which no event comes, are processed again unless they are settled. *show* is
    called after every round. An image that the app has not heard of is missing from the answer.
    """
    deadline = time.monotonic() + timeout_seconds
    states: dict[str, ImageState] = {}
    watch = Watch(app, stop)
    for name in names:
        watch.add(name, already_there=name in already_there)
    while not stop.is_set():
        states.update({state.name: state for state in watch.ask()})
        show(states)
        seconds_left = deadline - time.monotonic()
        if watch.is_over or seconds_left < 0 or watch.is_in_vain(seconds_left):
            break
        stop.wait(watch.pause_seconds)
    return states
