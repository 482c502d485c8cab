"""`make chaos` in small, for every run of the tests: see bench/README.md for the whole."""

import pytest

from bench import chaos

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_host_killed_in_bad_weather_with_every_event_twice_loses_nothing_and_pays_nothing_twice() -> None:
    plan = chaos.Plan(uploads=30, kills=2, seed=1, duplicate=True)
    result = chaos.run(plan)
    print(chaos.report(plan, result))
    assert result.problems() == []
    # It was no fine weather.
    assert any(status.startswith("5") for status in result.statuses)
    assert result.in_flight.total() > 0
