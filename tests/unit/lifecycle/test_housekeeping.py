"""What the hourly timer begins."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from doubles.http_requests import Hub
from doubles.parts import Parts, parts

from shared import names
from shared.answers import owners
from shared.errors import StorageError
from shared.lifecycle import adoption, housekeeping, plans, report
from shared.lifecycle.reconcile_loop import CLEANING, COMPARING, INDEXING, begin

HOUR = 3600.0
SHA = "ab" * 32


class Clockwork:
    """An app whose timer fires at the half of each hour; what is begun ends at once, unless it hangs."""

    def __init__(self, **settings: str) -> None:
        self.app: Parts = parts(**settings)
        self.hub = Hub()
        self.hangs = False
        self.app.clock.advance(HOUR / 2)

    def tick(self, hours: int = 1) -> list[tuple[str, list[str]]]:
        """Let so many hours pass and the timer fire in each; what was begun."""
        for _ in range(hours):
            self.app.clock.advance(HOUR)
            self.fire()
        return self.taken()

    def fire(self) -> None:
        before = len(self.hub.started)
        asyncio.run(housekeeping.begin_due(self.app.services, self.hub))  # type: ignore[arg-type]  # a durable client
        for _, instance, plan in self.hub.started[before:]:
            if not self.hangs:
                self.run(instance, plan)

    def run(self, instance: str, plan: Any) -> None:
        for ended in (False, True):
            state = begin(plan)
            work: Any = {"plan": plan, "phase": "report", "continuation": None, "counts": state["counts"]}
            report.tell(self.app.services, {**work, "ended": ended, "problem": None})
        self.hub.set(instance, "Completed")

    def taken(self) -> list[tuple[str, list[str]]]:
        found = [(instance, plan["phases"]) for _, instance, plan in self.hub.started]
        self.hub.started.clear()
        return found


WHOLE = ("reconcile", [*COMPARING, *CLEANING, *INDEXING])


def test_a_comparison_begins_at_the_first_hour_and_then_once_a_day() -> None:
    clockwork = Clockwork()
    assert clockwork.tick() == [WHOLE]
    assert clockwork.app.clock.utc().hour == 1
    assert clockwork.tick(1) == []
    # 03:30
    assert clockwork.tick(1) == [WHOLE]
    assert clockwork.tick(23) == []
    assert clockwork.tick(1) == [WHOLE]
    assert clockwork.app.clock.utc() == datetime(2026, 1, 2, 3, 30, tzinfo=UTC)


def test_the_hour_is_a_setting() -> None:
    clockwork = Clockwork(RECONCILE_HOUR="14")
    clockwork.tick()
    begun = []
    for _ in range(24):
        if clockwork.tick():
            begun.append(clockwork.app.clock.utc().hour)
    assert begun == [14]


def test_an_hour_that_was_missed_is_caught_up_at_the_next() -> None:
    clockwork = Clockwork()
    clockwork.tick(10)
    clockwork.taken()
    # The app was stopped from 10:30 until 08:20 of the next day.
    clockwork.app.clock.advance(21 * HOUR)
    assert clockwork.tick() == [WHOLE]
    assert clockwork.tick(18) == []


def test_a_timer_that_fires_a_moment_early_is_in_time_and_not_twice() -> None:
    clockwork = Clockwork()
    clockwork.tick(2)
    clockwork.taken()
    clockwork.app.clock.advance(-0.4)
    assert clockwork.tick() == [WHOLE]
    clockwork.app.clock.advance(0.4)
    assert clockwork.tick() == []


def test_two_processes_at_once_begin_one() -> None:
    clockwork = Clockwork()
    clockwork.hangs = True
    clockwork.fire()
    clockwork.fire()
    assert clockwork.taken() == [WHOLE]


def test_two_processes_of_which_the_other_is_faster_begin_one() -> None:
    clockwork = Clockwork()
    clockwork.hangs = True
    plan = plans.by_timer(clockwork.app.services)

    class Late(Hub):
        """Another process begins the run after this one has asked for its status."""

        async def get_status(self, instance_id: str) -> Any:
            found = await super().get_status(instance_id)
            if not found:
                await super().start_new("ReconcileOrchestrator", instance_id, plan)
            return found

    hub = Late()
    assert asyncio.run(plans.begin(hub, "reconcile", plan)) is False  # type: ignore[arg-type]
    assert len(hub.started) == 1


def test_a_run_that_could_not_be_begun_is_due_an_hour_later() -> None:
    clockwork = Clockwork()
    clockwork.hub.failing = ConnectionError("refused")
    with pytest.raises(StorageError, match="refused"):
        clockwork.fire()
    clockwork.hub.failing = None
    assert clockwork.tick() == [WHOLE]


def test_a_run_that_died_before_it_told_its_beginning_is_due_an_hour_later() -> None:
    clockwork = Clockwork()
    clockwork.hangs = True
    clockwork.tick()
    clockwork.hub.set("reconcile", "Failed")
    clockwork.taken()
    assert clockwork.tick() == [WHOLE]


def test_off_cleans_once_a_day_and_compares_nothing() -> None:
    clockwork = Clockwork(RECONCILE="off")
    adoption.note(clockwork.app.services, clockwork.app.clock.utc().isoformat())
    assert clockwork.tick() == [("reconcile", [*CLEANING, *INDEXING])]
    assert clockwork.tick(24) == [("reconcile", [*CLEANING, *INDEXING])]
    assert report.section(clockwork.app.services) is None


def test_off_looks_once_whose_bytes_the_images_have_and_starts_none() -> None:
    clockwork = Clockwork(RECONCILE="off")
    assert plans.by_timer(clockwork.app.services)["mode"] == "report"
    assert clockwork.tick() == [("reconcile", ["images", *CLEANING, *INDEXING])]


def test_answers_whose_hours_are_over_are_forgotten_every_hour() -> None:
    clockwork = Clockwork()
    clockwork.tick(5)
    clockwork.taken()
    owners.begin_forgetting(clockwork.app.host, SHA)
    assert clockwork.tick(20) == []
    # At the hour of the comparison, that one forgets them too.
    assert clockwork.app.clock.utc() == datetime(2026, 1, 2, 1, 30, tzinfo=UTC)
    assert clockwork.tick(4) == [WHOLE, ("forget", ["forgetting"])]


def test_the_history_of_the_run_before_is_deleted_when_the_timer_begins_one() -> None:
    clockwork = Clockwork()
    clockwork.tick()
    before = clockwork.hub.statuses["reconcile"]
    clockwork.hangs = True
    purged: list[str] = []

    async def purge(instance_id: str) -> None:
        purged.append(instance_id)

    clockwork.hub.purge_instance_history = purge  # type: ignore[method-assign]
    clockwork.tick(2)
    assert purged == ["reconcile"]
    assert clockwork.hub.statuses["reconcile"] is not before


def test_the_first_start_is_noted_by_the_timer() -> None:
    clockwork = Clockwork()
    clockwork.fire()
    assert names.FIRST_START in clockwork.app.host.contents(names.RECONCILIATION)


def test_a_clock_that_was_put_back_keeps_no_comparison_from_beginning() -> None:
    clockwork = Clockwork()
    clockwork.app.clock.advance(365 * 24 * HOUR)
    assert clockwork.tick() == [WHOLE]
    clockwork.app.clock.advance(-365 * 24 * HOUR)
    assert clockwork.tick() == [WHOLE]
    assert clockwork.tick(48) == [WHOLE, WHOLE]
