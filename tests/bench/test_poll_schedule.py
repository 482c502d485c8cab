"""The schedule's figures on the virtual clock, with fewer documents than `make bench` takes."""

import random

import pytest

from bench import poll_schedule
from bench.poll_optimum import Optimum
from bench.poll_schedule import (
    MAX_LATENCY_SECONDS,
    MAX_POLLS,
    MIN_OF_SAMPLE,
    OPTIMUM,
    OURS,
    QUICKSTART,
    USUAL,
    Backoff,
    Figures,
    Ours,
    Quickstart,
    Service,
    Timetable,
)


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    return dict(poll_schedule.compare(USUAL, documents=1000, seeds=4))


def test_ours_keeps_to_its_limits_of_added_latency_and_polls(
    figures: dict[str, Figures],
) -> None:
    assert figures[OURS].mean_seconds <= MAX_LATENCY_SECONDS
    assert figures[OURS].polls <= MAX_POLLS


def test_ours_is_near_the_optimum_and_cannot_beat_it(figures: dict[str, Figures]) -> None:
    assert figures[OPTIMUM].polls == pytest.approx(figures[OURS].polls, rel=0.03)
    assert 0.98 < figures[OURS].mean_seconds / figures[OPTIMUM].mean_seconds < 1.10


def test_ours_reads_half_again_as_many_documents_as_the_sample_at_the_same_rate(figures: dict[str, Figures]) -> None:
    assert figures[OURS].documents_per_second >= MIN_OF_SAMPLE * figures[QUICKSTART].documents_per_second


def test_backoff_waits_longer_than_ours_for_as_many_polls(figures: dict[str, Figures]) -> None:
    backoff = figures["exponential 0.5 s x2, at most 10 s"]
    assert backoff.polls > figures[OURS].polls
    assert backoff.mean_seconds > 1.5 * figures[OURS].mean_seconds


@pytest.mark.parametrize(
    ("policy", "expected_polls", "found_at"),
    [
        (Quickstart(), 4, 3.4),  # at 0.0, 1.1, 2.2, 3.3
        (Backoff(1.0), 2, 3.2),  # at 1.0, 3.1
        (Timetable([1.5, 2.9]), 2, 3.0),
        (Ours(2.0), 3, 4.7),  # at 1.8, 3.2, 4.6
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_document_is_found_by_the_first_poll_that_reaches_the_service_after_its_end(
    policy: poll_schedule.Policy, expected_polls: int, found_at: float
) -> None:
    done = {Quickstart: 2.5, Backoff: 2.5, Timetable: 2.5, Ours: 3.3}[type(policy)]
    measured = poll_schedule.simulate(policy, [done], random.Random(0), round_trip_seconds=0.1)
    assert measured.polls == expected_polls
    assert measured.mean_seconds == pytest.approx(found_at - done)


def test_a_poll_that_is_on_its_way_when_the_document_ends_finds_it() -> None:
    measured = poll_schedule.simulate(Timetable([2.0, 4.0]), [2.04], random.Random(0), round_trip_seconds=0.1)
    assert (measured.polls, measured.mean_seconds) == (1, pytest.approx(0.06))


def test_documents_that_do_not_count_are_polled_all_the_same() -> None:
    chance = random.Random(0)
    measured = poll_schedule.simulate(Timetable([1.0, 2.0]), [9.5, 0.5], chance, uncounted=1, round_trip_seconds=0.0)
    assert (measured.polls, measured.mean_seconds) == (1, pytest.approx(0.5))


def test_the_median_is_learned_while_many_documents_are_under_way() -> None:
    slow = Service(8.0, 60.0)
    at_first = poll_schedule.at_a_time(20, service=slow, seeds=4)
    later = poll_schedule.at_a_time(400, service=slow, seeds=4)
    assert later.polls < 0.9 * at_first.polls


def test_a_dearer_poll_buys_fewer_polls() -> None:
    optimum = Optimum(USUAL.share_done, USUAL.median_seconds, round_trip_seconds=0.1, steps_per_median=40)
    few, many = (Timetable(optimum.costing(polls)) for polls in (1.6, 3.0))
    durations = USUAL.durations(3000, random.Random(5))
    rare, often = (poll_schedule.simulate(each, durations, random.Random(5)) for each in (few, many))
    assert rare.polls == pytest.approx(1.6, rel=0.05)
    assert often.polls == pytest.approx(3.0, rel=0.05)
    assert rare.mean_seconds > 1.5 * often.mean_seconds


def test_a_goal_that_is_missed_is_told(figures: dict[str, Figures]) -> None:
    worse = {**figures, OURS: figures[OURS]._replace(mean_seconds=2.0, polls=3.9)}
    missed = [goal.what for goal in poll_schedule.goals(worse) if not goal.held]
    assert missed[:2] == [f"{OURS}: added latency", f"{OURS}: polls a document"]
    assert missed[-2:] == ["added latency, of the optimum's", "documents a second, of the quickstart's"]
