"""Bursts on a real wire, in small: what the service does, what is lost, how it is judged."""

import asyncio
import logging
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from doubles.azurite import Azurite, running_azurite

from bench import simulate
from bench.burst import child, report, runs
from bench.burst.runs import Burst, run
from bench.burst.server import Tier
from bench.simulate import Scenario
from bench.world import Faults
from local.stack.containers import make_containers
from local.vision.rate import Rate

TASK = {"rate": {"calls": 5, "seconds": 60.0}, "unavailable": 0.0, "reset": 0.0, "latency_seconds": 0.4, "seed": 1}
TASK |= {"outage": (0.0, 0.0), "foreign": 0.0}
GOOD = Burst(0, 1042, 0, 0, 1000, 105.0, 0, 1.0, 5.0, Counter(), Counter())
SMALL = Scenario("small", 2, 4, 60, Rate(30, 1.0))


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers that need nothing but requests run in this environment."""
    monkeypatch.setattr(runs, "python_of", lambda lock: Path(sys.executable))


def statuses(tier: Tier, calls: int) -> list[str]:
    answers = [tier.fate("/vision/v3.2/analyze").answer for _ in range(calls)]
    return [answer.split(b" ")[1].decode() if answer else "reset" for answer in answers]


def test_the_service_throttles_beyond_its_rate_and_says_for_how_long() -> None:
    tier = Tier(TASK)
    assert statuses(tier, 5) == ["200"] * 5
    answer = tier.fate("/vision/v3.2/analyze").answer
    assert answer is not None
    assert b" 429 " in answer
    assert b"Retry-After: 12\r\n" in answer
    assert (tier.told["calls"], tier.told["throttled"], tier.told["answered"]) == (6, 1, 5)


def test_the_service_fails_as_often_as_it_is_told_and_the_same_each_time() -> None:
    task = {**TASK, "rate": {"calls": 100_000, "seconds": 1.0}, "unavailable": 0.3, "reset": 0.1}
    seen = statuses(Tier(task), 2000)
    assert seen == statuses(Tier(task), 2000)
    assert 500 < seen.count("503") < 700
    assert 150 < seen.count("reset") < 250
    assert statuses(Tier({**task, "seed": 2}), 2000) != seen


def test_in_an_outage_every_call_fails_and_is_counted() -> None:
    tier = Tier({**TASK, "outage": (0.0, 3600.0)})
    assert [tier.fate("/vision/v3.2/analyze").answer for _ in range(6)] == [tier.fate("/").answer] * 6
    assert (tier.told["calls"], tier.told["in_outage"], tier.told["throttled"]) == (7, 7, 0)
    assert statuses(tier, 1) == ["503"]
    assert statuses(Tier({**TASK, "outage": (3600.0, 7200.0)}), 1) == ["200"]


def test_another_client_takes_its_share_of_the_limit() -> None:
    tier = Tier({**TASK, "rate": {"calls": 100, "seconds": 3600.0}})

    async def for_a_while() -> None:
        another = asyncio.ensure_future(tier.serve_another(1.0, 0.0001))
        while not tier.fate("/vision/v3.2/analyze").answer or not tier.told["throttled"]:
            await asyncio.sleep(0.01)
        another.cancel()

    asyncio.run(for_a_while())
    assert tier.told["answered"] < 60


def test_what_raises_is_lost_and_what_is_deferred_comes_back() -> None:
    tried = list[bytes | None]()

    def ask(image: bytes | None) -> None:
        tried.append(image)
        if len(tried) in (2, 3):
            raise KeyError if len(tried) == 2 else TimeoutError

    burst = child.Burst(5, ask, lambda error: 0.0 if isinstance(error, TimeoutError) else None)
    burst.work()
    assert (burst.done, burst.deferred, len(tried)) == (4, 1, 6)
    assert burst.failures == {"KeyError": 1, "TimeoutError": 1}
    assert burst.finished_at > 0


def test_warnings_of_the_books_are_counted() -> None:
    events = child.Events()
    lines = (("shared.pace.quota", "quota.unreachable share=0.5"), ("shared.pace.obstacles", "breaker.opened"))
    for logger, message in lines:
        events.emit(logging.LogRecord(logger, logging.WARNING, "", 0, message, (), None))
    assert events.counts == {"quota.unreachable": 1}


def test_threads_share_the_images_of_a_burst() -> None:
    together = threading.Barrier(4, timeout=60)
    burst = child.Burst(4, lambda image: together.wait(), lambda error: None)
    threads = [threading.Thread(target=burst.work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert burst.done == 4


def test_a_real_burst_of_two_processes_loses_nothing_where_a_session_does(azurite: Azurite) -> None:
    make_containers(azurite.connection_string)
    ours = run(SMALL, "ours", azurite.connection_string)
    assert (ours.lost, ours.answered) == (0, 60)
    assert 60 <= ours.calls - ours.throttled < 80
    assert 1.0 < ours.seconds < 60
    throttling = replace(SMALL, rate=Rate(2, 1.0), threads=8)
    session = run(throttling, "requests.Session", "")
    assert session.lost > 20
    assert session.lost == session.failures.total() == 60 - session.answered


def test_a_client_that_ends_early_fails_the_run() -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        run(SMALL, "stamina around requests", "")  # which is not installed here


def test_the_scenarios_are_the_simulations_own() -> None:
    names = [scenario.name for scenario in report.chosen()]
    assert names == [
        "1 process, 16 threads, bucket",
        "1 process, 16 threads, fixed window",
        "1 process, 64 threads, bucket",
        "1 process, 64 threads, fixed window",
        "4 processes, bucket",
        "4 processes, fixed window",
    ]
    assert set(names) <= {scenario.name for scenario in simulate.scenarios()}


def test_what_goes_wrong_around_it_is_for_ours_alone() -> None:
    assert [(scenario.name, scenario.processes) for scenario in report.troubled()] == [
        ("set twice too high, 4 processes", 4),
        ("another client takes 30%, 4 processes", 4),
        ("60 s outage", 1),
    ]


@pytest.mark.parametrize(
    ("worse", "held"),
    [
        ({}, True),
        ({"lost": 1}, False),
        ({"calls": 1061}, False),
        ({"seconds": 111.0}, False),
        ({"throttled": 1}, False),
    ],
)
def test_a_burst_is_judged_by_the_goals_of_its_scenario(worse: dict[str, int], held: bool) -> None:
    four = next(scenario for scenario in report.chosen() if scenario.name == "4 processes, bucket")
    goal = simulate.goal_of(four, report.result_of(four, GOOD._replace(**worse)))
    assert goal.held == held
    assert "time 1.1" in goal.limit


def test_the_time_behind_a_bucket_is_that_of_the_calls() -> None:
    alone = report.chosen()[0]
    assert report.result_of(alone, GOOD).time == pytest.approx(105.0 / 104.2)


@pytest.mark.parametrize(("rate", "throttled", "held"), [(0.98, 0, True), (0.97, 0, False), (0.98, 1, False)])
def test_the_pace_has_to_be_kept_without_a_refusal(rate: float, throttled: int, held: bool) -> None:
    scenario = report.pace_scenarios()[1]
    assert (scenario.images, scenario.faults) == (3000, Faults(0.0, 0.0))
    assert report.pace_goal(scenario, GOOD._replace(rate=rate, throttled=throttled)).held == held
