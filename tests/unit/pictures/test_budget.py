"""Who waits for whom, by events alone: no test here waits for a time to pass."""

import threading
from collections.abc import Callable

import pytest

from shared.errors import BusyError
from shared.pictures.budget import Budget

LONG = 60.0


class Holder(threading.Thread):
    """Takes a share in a thread of its own, tells that it has it, and holds it until it is let go."""

    def __init__(self, budget: Budget, size: int, said: list[int]) -> None:
        super().__init__(daemon=True)
        self.has_it, self._may_go = threading.Event(), threading.Event()
        self._budget, self._size, self._said = budget, size, said
        self.start()

    def run(self) -> None:
        with self._budget.share(self._size):
            self._said.append(self._size)
            self.has_it.set()
            self._may_go.wait(LONG)

    def let_go(self) -> None:
        self._may_go.set()
        self.join(LONG)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread to come to where it waits itself."""
    turn = threading.Event()
    for _ in range(100_000):
        if is_so():
            return
        turn.wait(0.0005)
    raise AssertionError("it never was so")


def test_what_fits_is_lent_at_once_and_comes_back() -> None:
    budget, said = Budget(10, 0), list[int]()
    first, second = Holder(budget, 6, said), Holder(budget, 4, said)
    assert first.has_it.wait(LONG)
    assert second.has_it.wait(LONG)
    with pytest.raises(BusyError), budget.share(1):
        pass
    first.let_go()
    with budget.share(6):
        pass
    second.let_go()


def test_a_small_one_never_overtakes_a_large_one() -> None:
    budget, said = Budget(10, LONG), list[int]()
    first = Holder(budget, 6, said)
    assert first.has_it.wait(LONG)
    large = Holder(budget, 9, said)
    until(lambda: budget.waiting == 1)
    small = Holder(budget, 1, said)
    until(lambda: budget.waiting == 2)
    assert said == [6]
    first.let_go()
    assert large.has_it.wait(LONG)
    assert small.has_it.wait(LONG)
    assert said == [6, 9, 1]
    large.let_go()
    small.let_go()


def test_one_that_is_larger_than_all_there_is_goes_alone() -> None:
    budget, said = Budget(10, LONG), list[int]()
    first = Holder(budget, 1, said)
    assert first.has_it.wait(LONG)
    giant = Holder(budget, 1000, said)
    until(lambda: budget.waiting == 1)
    first.let_go()
    assert giant.has_it.wait(LONG)
    giant.let_go()
    with budget.share(10):
        pass


def test_who_waits_too_long_is_told_when_to_come_again_and_holds_up_no_other() -> None:
    budget = Budget(10, 0)
    with budget.share(8):
        with pytest.raises(BusyError) as caught, budget.share(5):
            pass
        assert caught.value.retry_after_seconds
        assert budget.waiting == 0
        with budget.share(2):
            pass
    with budget.share(10):
        pass


def test_a_failure_gives_the_share_back() -> None:
    budget = Budget(10, 0)
    with pytest.raises(RuntimeError), budget.share(10):
        raise RuntimeError
    with budget.share(10):
        pass
