"""The durable retry, driven as the SDK drives it: what is yielded is answered, turn by turn."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared.uploads import retry_loop as typed_loop
from shared.uploads.retry_loop import MAX_TURNS, MOST_CRASHES

# Histories are JSON that mypy knows nothing of, and so are these tests'.
retry_loop: Any = typed_loop

APPOINTMENT = {"name": "a.jpg", "steps": ["analysis"], "key": "0x1,q", "seconds": 30.0, "attempts": 1}
ENDED = {"state": "ended", "steps": {"analysis": "done"}, "job": None}


class Context:
    """A durable context whose clock goes with its timers; activities are answered from a list."""

    def __init__(self, given: dict[str, Any], outcomes: list[Any]) -> None:
        self.current_utc_datetime = datetime(2026, 1, 1, tzinfo=UTC)
        self.given = given
        self.outcomes = outcomes
        self.waits: list[float] = []
        self.works: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.children: list[tuple[str, Any]] = []
        self.continued: dict[str, Any] | None = None

    def get_input(self) -> dict[str, Any]:
        return self.given

    def set_custom_status(self, status: dict[str, Any]) -> None:
        self.statuses.append(status)

    def create_timer(self, due: datetime) -> SimpleNamespace:
        return SimpleNamespace(kind="timer", due=due)

    def call_activity_with_retry(self, name: str, options: object, work: dict[str, Any]) -> SimpleNamespace:
        assert name == "RetryStep"
        self.works.append(work)
        return SimpleNamespace(kind="activity")

    def call_sub_orchestrator(self, name: str, job: Any) -> SimpleNamespace:
        self.children.append((name, job))
        return SimpleNamespace(kind="child")

    def continue_as_new(self, state: dict[str, Any]) -> None:
        self.continued = state

    def run(self) -> Any:
        generator, answer, error = retry_loop.orchestrate(self), None, None
        while True:
            try:
                task = generator.throw(error) if error else generator.send(answer)
            except StopIteration as stop:
                return stop.value
            answer = error = None
            if task.kind == "timer":
                self.waits.append((task.due - self.current_utc_datetime) / timedelta(seconds=1))
                self.current_utc_datetime = task.due
            elif task.kind == "activity":
                outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
                answer, error = (None, outcome) if isinstance(outcome, Exception) else (outcome, None)


def deferred(seconds: float, attempts: int) -> dict[str, Any]:
    return {"state": "deferred", "seconds": seconds, "attempts": attempts}


def test_it_sleeps_until_the_appointment_and_again_as_long_as_it_cannot_be_done() -> None:
    context = Context(APPOINTMENT, [deferred(10.0, 2), deferred(20.0, 3), ENDED])
    assert context.run() == ENDED
    assert context.waits == [30.0, 10.0, 20.0]
    assert [work["attempts"] for work in context.works] == [1, 2, 3]
    assert context.statuses[0] == {"until": "2026-01-01T00:00:30+00:00", "attempts": 1}


def test_an_appointment_for_now_needs_no_timer() -> None:
    context = Context({**APPOINTMENT, "seconds": 0.0}, [ENDED])
    context.run()
    assert context.waits == []


def test_text_that_the_version_before_found_due_is_read_as_the_sub_orchestration_that_its_history_has() -> None:
    """Without an id of its own: with another one the history would not fit."""
    context = Context(APPOINTMENT, [{**ENDED, "job": {"kind": "image"}}])
    context.run()
    assert context.children == [("OcrOrchestrator", {"kind": "image"})]


def test_after_many_turns_it_goes_on_with_a_fresh_history() -> None:
    context = Context(APPOINTMENT, [deferred(10.0, 7)])
    assert context.run() is None
    assert len(context.works) == MAX_TURNS
    assert context.continued is not None
    assert (context.continued["seconds"], context.continued["attempts"]) == (10.0, 7)
    again = Context(context.continued, [ENDED])
    assert again.run() == ENDED
    assert again.waits == [10.0]


def test_an_activity_that_raises_again_and_again_is_reported_and_does_not_loop() -> None:
    crashed: list[Any] = [Exception("boom")] * MOST_CRASHES
    context = Context(APPOINTMENT, [*crashed, {"state": "ended", "steps": {"analysis": "failed"}, "job": None}])
    assert context.run()["steps"] == {"analysis": "failed"}
    assert context.waits == [30.0, 300.0, 600.0, 1200.0, 2400.0]
    assert [work["crash"] for work in context.works] == [None] * MOST_CRASHES + ["boom"]


def test_a_report_that_cannot_be_written_ends_it() -> None:
    context = Context(APPOINTMENT, [Exception("boom")])
    assert context.run() == {"state": "failed", "message": "boom"}
    assert len(context.works) == MOST_CRASHES + 1


def test_a_success_in_between_forgets_the_crashes() -> None:
    state = retry_loop.begin(APPOINTMENT)
    for _ in range(MOST_CRASHES - 1):
        state = retry_loop.advance(state, {"state": "crashed", "message": "boom"})
    assert state["crashes"] == MOST_CRASHES - 1
    state = retry_loop.advance(state, deferred(1.0, 2))
    assert (state["crashes"], state["crash"]) == (0, None)


@pytest.mark.parametrize("attempts", [1, 9])
def test_the_work_names_the_image_and_carries_no_wait(attempts: int) -> None:
    context = Context({**APPOINTMENT, "attempts": attempts}, [ENDED])
    context.run()
    assert context.works == [
        {"name": "a.jpg", "steps": ["analysis"], "key": "0x1,q", "attempts": attempts, "crash": None}
    ]


def test_an_input_that_lacks_a_member_ends_the_instance_and_is_no_crash_of_the_activity() -> None:
    context = Context({key: value for key, value in APPOINTMENT.items() if key != "key"}, [ENDED])
    with pytest.raises(KeyError, match="key"):
        context.run()
    assert context.waits == [30.0]
