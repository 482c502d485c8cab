"""When to ask again: a first poll just before the median, nearly constant waits after it."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import schedule
from shared.schedule import Median

SECONDS = st.floats(0.0, 1e6)


def test_the_first_poll_is_a_little_before_the_median() -> None:
    assert schedule.first_wait(2.0) == pytest.approx(1.8)


@pytest.mark.parametrize(("elapsed", "wait"), [(1.8, 1.3), (13.0, 1.3), (20.0, 2.0), (600.0, 60.0)])
def test_waits_are_constant_until_a_document_shows_that_it_is_large(elapsed: float, wait: float) -> None:
    assert schedule.next_wait(2.0, elapsed) == pytest.approx(wait)


@given(st.floats(schedule.MIN_SECONDS, schedule.MAX_SECONDS), SECONDS)
def test_a_wait_is_never_shorter_than_a_third_of_a_second(median: float, elapsed: float) -> None:
    assert schedule.next_wait(median, elapsed) >= 0.3
    assert schedule.first_wait(median) >= 0.4


@given(st.lists(SECONDS, max_size=200))
def test_the_estimate_stays_within_its_bounds(durations: list[float]) -> None:
    median = Median()
    for duration in durations:
        median.learn(duration)
        assert schedule.MIN_SECONDS <= median.seconds <= schedule.MAX_SECONDS


@pytest.mark.parametrize("true_seconds", [1.0, 5.0, 20.0])
def test_the_median_is_learned(true_seconds: float) -> None:
    chance, median = random.Random(7), Median()
    for _ in range(600):
        median.learn(chance.lognormvariate(math.log(true_seconds), 0.8))
    assert median.seconds == pytest.approx(true_seconds, rel=0.5)


def test_one_huge_document_moves_it_no_more_than_one_that_is_hardly_too_long() -> None:
    one, other = Median(2.0), Median(2.0)
    one.learn(2.1)
    other.learn(1e6)
    assert one.seconds == other.seconds == pytest.approx(2.0 * math.exp(0.08))


@pytest.mark.parametrize("nonsense", [-1.0, math.inf, math.nan, -math.inf, 2.0])
def test_what_is_no_duration_or_the_estimate_itself_teaches_nothing(nonsense: float) -> None:
    median = Median(2.0)
    median.learn(nonsense)
    assert median.seconds == 2.0


@pytest.mark.parametrize(("start", "seconds"), [(0.0, 0.5), (1000.0, 60.0)])
def test_a_start_out_of_bounds_is_moved_into_them(start: float, seconds: float) -> None:
    assert Median(start).seconds == seconds
