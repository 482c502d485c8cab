"""`make chaos` in small, for every run of the tests: see bench/README.md for the whole."""

import pytest

from bench import changes, chaos, lost_events

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_host_killed_in_bad_weather_with_every_event_twice_loses_nothing_and_pays_nothing_twice() -> None:
    plan = chaos.Plan(uploads=30, kills=2, seed=1, duplicate=True)
    result = chaos.run(plan)
    print(chaos.report(plan, result))
    assert result.problems() == []
    # It was no fine weather.
    assert any(status.startswith("5") for status in result.statuses)
    assert result.in_flight.total() > 0


def test_images_that_change_and_go_while_the_host_is_killed_have_their_records_and_leave_nothing() -> None:
    plan = changes.Plan(names=12, seconds=15, kills=2, seed=1)
    result = changes.run(plan)
    print(changes.report(plan, result))
    assert result.problems() == []
    # There was something to do.
    assert result.paid.total() > result.images
    assert result.in_flight.total() > 0


def test_one_reconciliation_finds_what_events_never_told_and_pays_nothing_for_what_is_older_than_the_app() -> None:
    plan = lost_events.Plan(old=60, uploads=40, deletions=10, kills=3, seed=1)
    result = lost_events.run(plan)
    print(lost_events.report(plan, result))
    assert result.problems(plan) == []
    assert result.in_flight.total() > 0
