"""When a Read is polled, and how the median duration is learned."""

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.vision import poll_schedule
from shared.vision.poll_schedule import Median


def polls_until(done_seconds: float, median_seconds: float) -> list[float]:
    """The moments of the polls, the last of which finds the document done."""
    moments = [poll_schedule.first_wait(median_seconds)]
    while moments[-1] < done_seconds:
        moments.append(moments[-1] + poll_schedule.next_wait(median_seconds, moments[-1]))
    return moments


def test_the_first_poll_comes_just_before_the_median_document_is_done() -> None:
    assert poll_schedule.first_wait(2.0) == pytest.approx(1.8)
    assert poll_schedule.first_wait(8.0) == pytest.approx(7.2)


def test_the_waits_stay_the_same_until_a_document_takes_long() -> None:
    assert poll_schedule.next_wait(2.0, 1.8) == poll_schedule.next_wait(2.0, 12.9) == pytest.approx(1.3)
    assert poll_schedule.next_wait(2.0, 40.0) == pytest.approx(4.0)


def test_a_document_that_takes_minutes_is_polled_rarely_and_found_within_a_tenth_of_its_time() -> None:
    moments = polls_until(600.0, 2.0)
    assert len(moments) < 55
    assert moments[-1] - 600.0 < 60.0


def test_an_estimate_starts_at_two_seconds() -> None:
    assert Median().seconds == 2.0


@pytest.mark.parametrize(("observed", "expected"), [(3.0, 2 * math.exp(0.05)), (1.0, 2 * math.exp(-0.05)), (2.0, 2.0)])
def test_one_observation_moves_the_estimate_one_step_towards_it(observed: float, expected: float) -> None:
    median = Median()
    median.learn(observed)
    assert median.seconds == pytest.approx(expected)


def test_a_huge_document_moves_the_estimate_no_further_than_one_just_too_long() -> None:
    huge, long = Median(), Median()
    huge.learn(40_000.0)
    long.learn(2.1)
    assert huge.seconds == long.seconds > 2.0


@pytest.mark.parametrize("observed", [-1.0, math.nan, math.inf, -math.inf])
def test_what_is_no_duration_teaches_nothing(observed: float) -> None:
    median = Median()
    median.learn(observed)
    assert median.seconds == 2.0


def test_the_estimate_stays_within_its_limits() -> None:
    low, high = Median(), Median()
    for _ in range(200):
        low.learn(0.0)
        high.learn(3600.0)
    assert (low.seconds, high.seconds) == (poll_schedule.MIN_SECONDS, poll_schedule.MAX_SECONDS)
    assert (Median(0.0).seconds, Median(1e9).seconds) == (poll_schedule.MIN_SECONDS, poll_schedule.MAX_SECONDS)


@pytest.mark.parametrize("true_median", [0.8, 2.0, 8.0])
def test_the_median_is_learned_from_timestamps_of_whole_seconds(true_median: float) -> None:
    chance = random.Random(1)
    median = Median()
    estimates = []
    for _ in range(400):
        created = chance.random()
        updated = created + chance.lognormvariate(math.log(true_median), 0.866)
        median.learn(math.floor(updated) - math.floor(created))
        estimates.append(median.seconds)
    settled = sorted(estimates[60:])
    assert settled[len(settled) // 2] == pytest.approx(true_median, rel=0.3)


def test_no_observation_of_many_threads_is_lost() -> None:
    median = Median(poll_schedule.MIN_SECONDS)
    observations = 40
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(median.learn, [math.nan, 3600.0] * observations))
    assert median.seconds == pytest.approx(poll_schedule.MIN_SECONDS * math.exp(0.05 * observations))
