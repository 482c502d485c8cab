"""The durable reconciliation, driven as the SDK drives it: what is yielded is answered, turn by turn."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared.lifecycle import reconcile_loop as typed_loop
from shared.lifecycle.reconcile_loop import MAX_PAGES, MOST_CRASHES

# Histories are JSON that mypy knows nothing of, and so are these tests'.
loop: Any = typed_loop

PLAN = {
    "id": "0123456789abcdef",
    "by": "timer",
    "mode": "repair",
    "phases": ["images", "analysis", "forgetting"],
    "began": "2026-01-01T00:00:00+00:00",
    "since": "2026-01-01T00:00:00+00:00",
    "until": "2026-01-01T00:00:00+00:00",
    "images_prefix": "",
    "records_prefix": "",
}
BOOM = Exception("boom")


def paged(continuation: str | None = None, **counts: int) -> dict[str, Any]:
    return {"continuation": continuation, "counts": counts}


class Context:
    """A durable context whose clock goes with its timers; activities are answered from a list, the last for ever."""

    def __init__(self, given: dict[str, Any], outcomes: list[Any]) -> None:
        self.current_utc_datetime = datetime(2026, 1, 1, tzinfo=UTC)
        self.given = given
        self.outcomes = outcomes
        self.waits: list[float] = []
        self.works: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.continued: dict[str, Any] | None = None

    def get_input(self) -> dict[str, Any]:
        return self.given

    def set_custom_status(self, status: dict[str, Any]) -> None:
        self.statuses.append(status)

    def create_timer(self, due: datetime) -> SimpleNamespace:
        return SimpleNamespace(due=due)

    def call_activity_with_retry(self, name: str, options: object, work: dict[str, Any]) -> SimpleNamespace:
        assert name == "ReconcilePage"
        self.works.append(work)
        return SimpleNamespace(due=None)

    def continue_as_new(self, state: dict[str, Any]) -> None:
        self.continued = state

    def run(self) -> Any:
        generator, answer, error = loop.orchestrate(self), None, None
        while True:
            try:
                task = generator.throw(error) if error else generator.send(answer)
            except StopIteration as stop:
                return stop.value
            answer = error = None
            if task.due:
                self.waits.append((task.due - self.current_utc_datetime) / timedelta(seconds=1))
                self.current_utc_datetime = task.due
            else:
                outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
                answer, error = (None, outcome) if isinstance(outcome, Exception) else (outcome, None)

    def steps(self) -> list[tuple[str, str | None]]:
        return [(work["phase"], work["continuation"]) for work in self.works]


def test_each_phase_is_done_page_by_page_between_two_reports() -> None:
    context = Context(PLAN, [paged(), paged("p2"), paged("p3"), paged()])
    assert context.run()["state"] == "ended"
    assert context.steps() == [
        ("report", None),
        ("images", None),
        ("images", "p2"),
        ("images", "p3"),
        ("analysis", None),
        ("forgetting", None),
        ("report", None),
    ]
    assert [work["ended"] for work in context.works] == [False] * 6 + [True]
    assert context.waits == []


def test_the_counts_of_all_pages_are_added_up_and_reported() -> None:
    outcomes = [paged(), paged("p2", images=3, older=1), paged(images=2, without_result=1), paged(orphans=4), paged()]
    context = Context(PLAN, outcomes)
    counts = {"images": 5, "older": 1, "without_result": 1, "orphans": 4}
    assert context.run() == {"state": "ended", "counts": counts, "problem": None}
    assert context.works[-1]["counts"] == counts
    assert context.statuses[-2] == {"phase": "forgetting", "counts": counts}


def test_a_page_that_raised_is_done_again_and_counted_once() -> None:
    context = Context(PLAN, [paged(), paged("p2", images=3), BOOM, BOOM, paged(images=2), paged()])
    assert context.run()["counts"] == {"images": 5}
    assert context.steps()[1:6] == [("images", None), *[("images", "p2")] * 3, ("analysis", None)]
    assert context.waits == [300.0, 600.0]


def test_a_page_that_raises_again_and_again_ends_the_run_and_that_is_reported() -> None:
    context = Context(PLAN, [paged(), paged("p2", images=3), *[BOOM] * MOST_CRASHES, paged()])
    assert context.run() == {"state": "failed", "counts": {"images": 3}, "problem": "boom"}
    assert context.works[-1] == {
        "plan": PLAN,
        "phase": "report",
        "continuation": None,
        "counts": {"images": 3},
        "ended": True,
        "problem": "boom",
    }
    assert context.waits == [300.0, 600.0, 1200.0, 2400.0]


def test_a_report_that_cannot_be_written_ends_it() -> None:
    context = Context(PLAN, [BOOM])
    assert context.run()["state"] == "failed"
    assert {phase for phase, _ in context.steps()} == {"report"}
    assert len(context.works) == 2 * MOST_CRASHES


def test_a_success_in_between_forgets_the_crashes() -> None:
    state = loop.begin(PLAN)
    for _ in range(MOST_CRASHES - 1):
        state = loop.advance(state, {"message": "boom"})
    state = loop.advance(state, paged())
    assert (state["crashes"], state["wait"], state["problem"], state["number"]) == (0, 0.0, None, 0)


def test_after_many_pages_it_goes_on_with_a_fresh_history() -> None:
    context = Context(PLAN, [paged(), paged("again", images=1)])
    assert context.run() is None
    assert len(context.works) == MAX_PAGES
    assert context.continued is not None
    again = Context(context.continued, [paged(images=1), paged()])
    assert again.run()["counts"] == {"images": MAX_PAGES}
    assert again.steps() == [("images", "again"), ("analysis", None), ("forgetting", None), ("report", None)]


def test_an_input_that_lacks_a_member_ends_the_instance_and_is_no_crash_of_the_activity() -> None:
    context = Context({key: value for key, value in PLAN.items() if key != "phases"}, [paged()])
    with pytest.raises(KeyError, match="phases"):
        context.run()
    assert context.works == []
