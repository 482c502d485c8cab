"""
Wait until the app is done with images, and have those processed for which no event comes.

Asking costs the app work that it should put into the images: only what is not settled is asked for, a few at a time.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from local.app import AppClient, ImageState

POLL_SECONDS = 0.4
MAX_DELAY_SECONDS = 6.4
# How many images are asked for in one round: the fewest while the app is busy, more when most turn out to be settled.
FEWEST, MOST = 16, 128
PARALLEL_REQUESTS = 4


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Turn:
    """When an image is asked for next, how long to wait after that, and since and until when it is put off."""

    due: float
    since: datetime
    delay_seconds: float = POLL_SECONDS
    put_off_until: datetime | None = field(default=None)


class Watch:
    """
    Images that the app is not done with, asked for in the order in which they were added until they are settled.

    An image that is not settled when its turn comes is asked for again after a while, and later ones come first.
    """

    def __init__(
        self, app: AppClient, *, now: Callable[[], float] = time.monotonic, utc: Callable[[], datetime] = _utc
    ) -> None:
        self._app = app
        self._now = now
        self._utc = utc
        self._turns: dict[str, _Turn] = {}
        self._without_event: set[str] = set()
        self._batch = FEWEST
        self._threads = ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="ask")
        self.pause_seconds = POLL_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    @property
    def unsettled(self) -> Collection[str]:
        """The images that are still waited for, in the order in which they were added."""
        return self._turns.keys()

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
        found = [state for state in self._threads.map(self._app.image, names) if state]
        settled = [state.name for state in found if state.settled]
        for state in found:
            self._turns[state.name].put_off_until = state.put_off_until(self._turns[state.name].since)
            if not state.settled and state.name in self._without_event and self._app.process_again(state.name):
                self._without_event.remove(state.name)
        self._reschedule(names, settled)
        return found

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
    with Watch(app) as watch:
        for name in names:
            watch.add(name, already_there=name in already_there)
        while not stop.is_set():
            states.update({state.name: state for state in watch.ask()})
            show(states)
            seconds_left = deadline - time.monotonic()
            if not watch.unsettled or seconds_left < 0 or watch.is_in_vain(seconds_left):
                break
            stop.wait(watch.pause_seconds)
    return states
