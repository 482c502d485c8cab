"""Bursts on a virtual clock: the goals that `python -m bench.simulate` measures, one run of each kind."""

import itertools
import threading

import pytest

from bench import simulate
from bench.virtual import VirtualClock

QUICK = simulate.quick()


@pytest.mark.parametrize("scenario", QUICK, ids=[scenario.name for scenario in QUICK])
def test_a_scenario_meets_its_goals(scenario: simulate.Scenario) -> None:
    assert simulate.missed(scenario, simulate.run(scenario, seed=1)) == []


def test_the_same_seed_is_the_same_run() -> None:
    assert simulate.run(QUICK[0], seed=2) == simulate.run(QUICK[0], seed=2)
    assert simulate.run(QUICK[0], seed=2) != simulate.run(QUICK[0], seed=3)


def test_a_missed_goal_is_named_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    impossible = simulate.Scenario("impossible", images=20, most_calls=0.5)
    monkeypatch.setattr(simulate, "quick", lambda: [impossible])
    assert simulate.main(["--quick"]) == 1
    assert "calls an image" in capsys.readouterr().out
    monkeypatch.setattr(simulate, "quick", lambda: [simulate.Scenario("easy", images=20, most_calls=2.0)])
    assert simulate.main(["--quick"]) == 0


def test_virtual_time_goes_in_the_order_of_the_waits() -> None:
    clock, seen = VirtualClock(), list[tuple[str, float]]()

    def sleeper(name: str, seconds: float) -> None:
        clock.sleep(seconds)
        seen.append((name, clock.now()))

    took = clock.run([lambda: sleeper("late", 7200.0), lambda: sleeper("early", 60.0)])
    assert seen == [("early", 60.0), ("late", 7200.0)]
    assert took == 7200.0


def test_virtual_events_wake_who_waits_and_waits_end() -> None:
    clock, event, seen = VirtualClock(), threading.Event(), list[tuple[bool, float]]()

    def waits(seconds: float) -> None:
        result = clock.wait(event, seconds)
        seen.append((result, clock.now()))

    def sets() -> None:
        clock.sleep(5.0)
        event.set()

    clock.run([lambda: waits(1.0), lambda: waits(10.0), sets])
    assert seen == [(False, 1.0), (True, 5.0)]


def test_a_failing_thread_fails_the_run() -> None:
    clock = VirtualClock()

    def fails() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        clock.run([fails, *itertools.repeat(lambda: clock.sleep(1.0), 3)])
