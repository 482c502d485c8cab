"""Work on items in daemon threads, a few at a time: the process can end whatever one of them is waiting for."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


class Result(NamedTuple, Generic[Item, Value]):
    """What the work on one item returned, or what it raised instead."""

    item: Item
    value: Value | None
    error: Exception | None = None


class DaemonPool(Generic[Item, Value]):
    """Works on the items in their order from the beginning, each taken only when its turn comes."""

    def __init__(self, work: Callable[[Item], Value], items: Iterable[Item], *, threads: int) -> None:
        self._work = work
        self._todo = iter(items)
        self._lock = threading.Lock()
        self._is_open = True
        self._begun = self._handed_out = 0
        self._results: SimpleQueue[Result[Item, Value]] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        """Whether results may still come."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def under_way(self) -> int:
        """How many items were begun whose results have not been handed out."""
        with self._lock:
            return self._begun - self._handed_out

    def results(self) -> Iterator[Result[Item, Value]]:
        """Hand out what has come since the last call."""
        while result := self.next(0):
            yield result

    def next(self, seconds: float) -> Result[Item, Value] | None:
        """Wait for a result; None when there is none within so many seconds. For one thread."""
        try:
            result = self._results.get(timeout=seconds)
        except Empty:
            return None
        self._handed_out += 1
        return result

    def begin_no_more(self) -> None:
        """Finish what is under way, and leave the rest."""
        with self._lock:
            self._is_open = False

    def _run(self) -> None:
        for item in iter(self._next_item, None):
            self._results.put(self._result(item[0]))

    def _next_item(self) -> tuple[Item] | None:
        with self._lock:
            if self._is_open:
                for item in self._todo:
                    self._begun += 1
                    return (item,)
            return None

    def _result(self, item: Item) -> Result[Item, Value]:
        try:
            return Result(item, self._work(item))
        except Exception as error:  # handed to the caller, whose thread is the one that can do something about it
            return Result(item, None, error)
