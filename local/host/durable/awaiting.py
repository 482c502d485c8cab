"""What an orchestration waits for while its actions are replayed: settled by events, continued at once."""

from collections.abc import Callable, Sequence


class Pending:
    """Something that is settled once, well or not; whoever waits continues inside of `settle`."""

    def __init__(self) -> None:
        self.is_settled = False
        self.has_failed = False
        self._waiting: list[Callable[[], None]] = []

    def settle(self, *, failed: bool = False) -> None:
        """Settle it and continue those who wait, in the order in which they came."""
        self.is_settled, self.has_failed = True, failed
        waiting, self._waiting = self._waiting, []
        for continuation in waiting:
            continuation()

    def then(self, continuation: Callable[[], None]) -> None:
        """Call *continuation* once this is settled: now, if it is already."""
        if self.is_settled:
            continuation()
        else:
            self._waiting.append(continuation)


def all_of(parts: Sequence[Pending]) -> Pending:
    """Return what is settled with the last of *parts*; a failure does not settle it early, as with .NET's tasks."""
    return _after(parts, len(parts))


def any_of(parts: Sequence[Pending]) -> Pending:
    """Return what is settled with the first of *parts*."""
    return _after(parts, min(1, len(parts)))


def _after(parts: Sequence[Pending], needed: int) -> Pending:
    whole = Pending()

    def one_more() -> None:
        settled = sum(part.is_settled for part in parts)
        if settled >= needed and not whole.is_settled:
            whole.settle(failed=any(part.has_failed for part in parts))

    for part in parts:
        part.then(one_more)
    if not needed:
        whole.settle()
    return whole
