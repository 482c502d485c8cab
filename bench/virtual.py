"""
Virtual time: real threads, of which one runs at a time, on a clock that jumps to whatever comes next.

Code that waits only by its clock (`shared.clock.Clock`) runs unchanged, hours of it in seconds, and each run of the
same program with the same seeds is the same to the last event.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)


class _Sleeper:
    """A thread that waits for a moment, or sooner for an event."""

    def __init__(self) -> None:
        self.baton = threading.Semaphore(0)
        self.event: threading.Event | None = None
        # Entries in the heap of an earlier wait are recognized by their ticket.
        self.ticket = -1


class VirtualClock:
    """`shared.clock.Clock` for threads started by `run`; they must not wait for each other by anything else."""

    def __init__(self) -> None:
        self._now = 0.0
        self._tickets = itertools.count()
        self._moments: list[tuple[float, int, _Sleeper]] = []
        self._watching: list[_Sleeper] = []
        self._own = threading.local()
        self._finished = threading.Event()
        self._failure: BaseException | None = None

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def utc(self) -> datetime:
        """The date that goes with it."""
        return EPOCH + timedelta(seconds=self._now)

    def sleep(self, seconds: float) -> None:
        """Let the others run until then."""
        self._block(seconds, None)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the others run until one of them sets the event, or until then."""
        if not event.is_set():
            self._block(seconds, event)
        return event.is_set()

    def run(self, workers: Sequence[Callable[[], None]]) -> float:
        """Run them all to their end, each in a thread of its own; the seconds it took. Raises what one of them does."""
        started = self._now
        threads = [threading.Thread(target=self._work, args=(worker, _Sleeper()), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
            self._finished.wait()  # until it has put itself to sleep, so that the order is that of the list
            self._finished.clear()
        self._hand_on(None)
        for thread in threads:
            thread.join()
            if self._failure:
                raise self._failure
        return self._now - started

    def _work(self, worker: Callable[[], None], sleeper: _Sleeper) -> None:
        self._own.sleeper = sleeper
        sleeper.ticket = next(self._tickets)
        heapq.heappush(self._moments, (self._now, sleeper.ticket, sleeper))
        self._finished.set()
        sleeper.baton.acquire()
        try:
            worker()
        except BaseException as error:
            self._failure = error
        self._hand_on(sleeper)

    def _block(self, seconds: float, event: threading.Event | None) -> None:
        sleeper: _Sleeper = self._own.sleeper
        sleeper.ticket, sleeper.event = next(self._tickets), event
        heapq.heappush(self._moments, (self._now + max(0.0, seconds), sleeper.ticket, sleeper))
        if event is not None:
            self._watching.append(sleeper)
        if self._hand_on(sleeper) is not sleeper:
            sleeper.baton.acquire()

    def _hand_on(self, sleeper: _Sleeper | None) -> _Sleeper | None:
        """Let the next one run, which may be the same; nobody, if all have ended."""
        following = self._next()
        if following is not None and following is not sleeper:
            following.baton.release()
        return following

    def _next(self) -> _Sleeper | None:
        for sleeper in self._watching:
            if sleeper.event is not None and sleeper.event.is_set():
                return self._awake(sleeper)
        while self._moments:
            moment, ticket, sleeper = heapq.heappop(self._moments)
            if ticket == sleeper.ticket:
                self._now = max(self._now, moment)
                return self._awake(sleeper)
        return None

    def _awake(self, sleeper: _Sleeper) -> _Sleeper:
        if sleeper.event is not None:
            self._watching.remove(sleeper)
            sleeper.event = None
        sleeper.ticket = -1
        return sleeper
