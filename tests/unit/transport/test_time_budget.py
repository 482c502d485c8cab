import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles.clock import FakeClock

from shared import threads
from shared.transport import time_budget


def test_without_an_invocation_a_wait_takes_what_it_takes() -> None:
    assert time_budget.left(30) == 30
    assert time_budget.left_for_turns(30) == 30
    assert not time_budget.is_callers()


def test_all_waits_of_a_request_share_its_time(clock: FakeClock) -> None:
    with time_budget.request(20, clock):
        assert time_budget.is_callers()
        assert time_budget.left(30) == 20
        assert time_budget.left(5) == 5
        time_budget.sleep(18)
        assert time_budget.left(5) == 2
        time_budget.sleep(18)
        assert time_budget.left(5) == 0
    assert time_budget.left(5) == 5


def test_nothing_paid_begins_when_it_would_be_cut_off(clock: FakeClock) -> None:
    with time_budget.request(30, clock):
        assert time_budget.left_for_turns(60) == pytest.approx(20)
        clock.advance(15)
        assert time_budget.left_for_turns(60) == pytest.approx(5)
        clock.advance(10)
        assert time_budget.left_for_turns(60) == 0
        assert time_budget.left(60) == 5


def test_an_inner_limit_only_shortens(clock: FakeClock) -> None:
    with time_budget.request(20, clock):
        with time_budget.within(150):
            assert time_budget.left(1000) == 20
        with time_budget.within(2):
            assert time_budget.is_callers()
            assert time_budget.left(1000) == 2
        assert time_budget.left(1000) == 20


def test_overtime_is_counted_from_the_end_however_often_it_is_begun(clock: FakeClock) -> None:
    with time_budget.request(20, clock):
        clock.advance(20)
        for spent in (0.0, 1.0, 0.5):
            clock.advance(spent)
            with time_budget.overtime(), time_budget.within(150):
                left = time_budget.left(150)
        assert left == 0
        with time_budget.overtime():
            clock.advance(-1)
            assert time_budget.left(150) == pytest.approx(1.0)
    with time_budget.overtime():
        assert time_budget.left(150) == 150


def test_a_thread_that_does_a_part_of_an_invocation_has_its_time(clock: FakeClock) -> None:
    found: list[float] = []
    with time_budget.request(20, clock), ThreadPoolExecutor(4) as pool:
        together = threading.Barrier(4)

        def part(number: int) -> float:
            together.wait(60)
            return time_budget.left(number)

        assert list(threads.side_by_side(pool, part, [10, 20, 30, 40])) == [10, 20, 20, 20]
        threads.begin("part", lambda: found.append(time_budget.left(60))).join()
    assert found == [20]


def test_what_is_begun_by_a_request_and_is_no_part_of_it_has_a_time_of_its_own(clock: FakeClock) -> None:
    with time_budget.request(20, clock), time_budget.apart(100):
        assert not time_budget.is_callers()
        assert 20 < time_budget.left(150) <= 100
