"""
The lines of the index that this process has not stored yet.

Each invocation that has written records stores their lines before it ends. Those that end at the same time store them
together: one writes for all that wait.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar

from shared import names, threads
from shared.clock import Clock
from shared.errors import StorageError
from shared.index import places
from shared.index.backlog import Backlog
from shared.index.company import Company
from shared.index.entry import Line
from shared.index.tail import Tail
from shared.index.times import MOST_AGE_SECONDS, moment
from shared.storage.blobs import Blobs
from shared.transport import time_budget

# An upload waits for others that long at most, beside its hand-over; a Read may take longer.
UPLOAD_LINGER_SECONDS, READ_LINGER_SECONDS = 0.25, 1.0
_WAIT_SECONDS = 150.0


class Noted:
    """
    The lines of one invocation.

    Attributes:
        last: the number of the newest one; 0 where there is none.
        writer: what has them; None where there are none.
    """

    def __init__(self) -> None:
        self.last = 0
        self.writer: IndexWriter | None = None

    def flush(self) -> None:
        """Store them, if there are any; raises as `IndexWriter.flush` does."""
        if self.writer is not None:
            self.writer.flush_of(self)


_noted: ContextVar[Noted | None] = ContextVar("lines of the index", default=None)


@contextmanager
def noting() -> Iterator[Noted]:
    """Inside, lines are noted as those of this invocation, in all of its threads."""
    noted = Noted()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


class IndexWriter:
    """
    Stores lines of the index in the host account. Safe for threads.

    Args:
        host: that account.
        clock: the time.
    """

    def __init__(self, host: Blobs, clock: Clock) -> None:
        self._tail = Tail(host, clock)
        self._company = Company()
        self._changed = threading.Condition()
        self._backlog = Backlog()
        self._host, self._clock = host, clock
        # The numbers of the newest line that was noted, and of the last one before which all are stored.
        self._newest = self._stored = 0
        self._is_led = False
        self._failures = 0
        self._problem: StorageError | None = None

    @property
    def operations(self) -> int:
        """How many requests were made for the index."""
        return self._tail.operations

    def note(self, line: Line) -> None:
        """Leave a line to the next `flush`."""
        with self._changed:
            self._backlog.add(line)
            self._newest += 1
            if (noted := _noted.get()) is not None:
                noted.last, noted.writer = self._newest, self

    @contextmanager
    def working(self) -> Iterator[Noted]:
        """The same, and other invocations may wait for these lines to be stored with theirs."""
        with self._company.at_work(), noting() as noted:
            yield noted

    def flush(self) -> None:
        """
        Return when every line that was noted before is stored.

        Raises:
            StorageError: storage does not take them; they stay for the next call.
        """
        self._flush(self._newest)

    def flush_of(self, noted: Noted) -> None:
        """The same of the lines of one invocation; nothing is asked of storage where there are none left."""
        self._flush(noted.last)

    async def store(self, noted: Noted, executor: Executor, linger_seconds: float = 0.0, *, images: int = 0) -> None:
        """
        The same, without blocking the event loop.

        Args:
            noted: of which invocation.
            executor: whose thread writes.
            linger_seconds: how long it waits at most for others that are at work, where that saves a request.
            images: how many have come with this invocation; each pays for one request.

        Raises:
            StorageError: as `flush` raises it.
        """
        if self._is_stored(noted.last):
            return
        self._company.count(images=images)
        if linger_seconds and not self._company.can_pay(self._tail.cost):
            await self._company.wait(linger_seconds, lambda: self._is_stored(noted.last))
        if not self._is_stored(noted.last):
            await threads.in_pool(executor, lambda: self._flush_in_background(noted))

    def _flush_in_background(self, noted: Noted) -> None:
        with time_budget.within(time_budget.BACKGROUND_SECONDS):
            self.flush_of(noted)

    def _is_stored(self, number: int) -> bool:
        with self._changed:
            return self._stored >= number

    def _flush(self, number: int) -> None:
        while (batch := self._taken(number)) is not None:
            lines, newest = batch
            before = self._tail.operations
            try:
                self._tail.add(lines)
                self._make_up_for_lost()
            except BaseException as error:
                self._give_back(lines, error)
                raise
            finally:
                self._company.count(requests=self._tail.operations - before)
            with self._changed:
                self._stored, self._is_led = newest, False
                self._changed.notify_all()
            self._company.wake(alone=False)

    def _taken(self, number: int) -> tuple[list[Line], int] | None:
        """All lines that are not stored, for this thread to store; None once the one of that number is."""
        with self._changed:
            while self._stored < number:
                if not self._is_led:
                    self._is_led = True
                    since = moment(self._host, self._clock) - MOST_AGE_SECONDS
                    return self._backlog.without_late(self._backlog.take(), since), self._newest
                failures = self._failures
                if not self._changed.wait(time_budget.left(_WAIT_SECONDS)):
                    raise StorageError("Blob storage has not taken the lines of the index in time.")
                if self._failures > failures and self._problem:
                    # The one who wrote for all could not.
                    raise self._problem
            return None

    def _make_up_for_lost(self) -> None:
        """Have the records compared with the index where lines were given up."""
        if lost := self._backlog.lost:
            self._host.delete(names.INDEX, places.BUILT)
            with self._changed:
                self._backlog.lost -= lost

    def _give_back(self, lines: list[Line], error: BaseException) -> None:
        with self._changed:
            self._backlog.give_back(lines)
            self._is_led = False
            # Others may have more time than the one who wrote for all, whose caller does not wait any longer.
            if isinstance(error, StorageError) and time_budget.left(_WAIT_SECONDS) > 0:
                self._failures, self._problem = self._failures + 1, error
            self._changed.notify_all()
