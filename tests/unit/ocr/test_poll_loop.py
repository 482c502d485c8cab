"""What the orchestrator does next: decided by outcomes alone, the same at every replay."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ocr import poll_loop as typed_loop

# Histories are JSON that mypy knows nothing of, and so are these tests'.
poll_loop: Any = typed_loop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = {"kind": "image", "name": "a.jpg"}
TICKET = {"operation": "https://vision.invalid/1", "submitted": "2026-01-01T00:00:00+00:00"}
PROBLEM = {"code": "vision_throttled", "status": 429, "message": "later", "action": "wait", "requestId": None}
SUBMITTED = {"state": "submitted", "ticket": TICKET, "seconds": 1.8}
WAIT = {"state": "wait", "seconds": 7.0, "problem": PROBLEM}
DONE = {"state": "done", "record": "text/a.jpg.json", "plain": "text/a.jpg.txt", "etag": "0x1"}
CRASHED = {"state": "crashed", "message": "Activity function 'OcrPoll' failed:  ValueError: oh"}

OUTCOMES = st.sampled_from(
    [
        SUBMITTED,
        {"state": "running", "seconds": 3.0, "polls": 1},
        {"state": "running", "seconds": 60.0, "polls": 2},
        {"state": "read", "polls": 1},
        {"state": "read"},
        WAIT,
        {"state": "again"},
        CRASHED,
        DONE,
        {"state": "superseded", "deleted": True},
        {"state": "failed", "problem": PROBLEM},
    ]
)


def after(*outcomes: dict[str, Any]) -> dict[str, Any]:
    state = poll_loop.begin(JOB, NOW)
    for outcome in outcomes:
        state = poll_loop.advance(state, outcome)
    return state


def next_of(state: dict[str, Any]) -> tuple[str, float, float]:
    """What is next: the activity, after how long a timer, and how long it is to wait itself."""
    return state["step"], state["pause"], state["wait"]


def test_a_job_begins_with_its_submit() -> None:
    assert next_of(after()) == ("OcrSubmit", 0.0, 0.0)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([SUBMITTED], ("OcrPoll", 0.0, 1.8)),
        ([{**SUBMITTED, "seconds": 5.0}], ("OcrPoll", 0.0, 5.0)),
        ([{**SUBMITTED, "seconds": 5.1}], ("OcrPoll", 5.1, 0.0)),
        ([SUBMITTED, {"state": "running", "seconds": 1.3, "polls": 2}], ("OcrPoll", 0.0, 1.3)),
        ([SUBMITTED, {"state": "running", "seconds": 40.0, "polls": 2}], ("OcrPoll", 40.0, 0.0)),
        ([SUBMITTED, WAIT], ("OcrPoll", 7.0, 0.0)),
        ([SUBMITTED, {"state": "read", "polls": 1}], ("OcrStore", 0.0, 0.0)),
        ([SUBMITTED, {"state": "again"}], ("OcrSubmit", 0.0, 0.0)),
        ([{"state": "read"}], ("OcrStore", 0.0, 0.0)),
        ([{"state": "read"}, WAIT], ("OcrStore", 7.0, 0.0)),
        ([{"state": "read"}, {"state": "again"}], ("OcrSubmit", 0.0, 0.0)),
        ([SUBMITTED, {"state": "read"}, {"state": "running", "seconds": 0.0}], ("OcrPoll", 0.0, 0.0)),
        ([WAIT], ("OcrSubmit", 7.0, 0.0)),
        ([WAIT, SUBMITTED], ("OcrPoll", 0.0, 1.8)),
        ([CRASHED], ("OcrStore", 0.0, 0.0)),
        ([DONE], ("end", 0.0, 0.0)),
    ],
)
def test_each_outcome_leads_on(outcomes: list[dict[str, Any]], expected: tuple[str, float, float]) -> None:
    assert next_of(after(*outcomes)) == expected


@pytest.mark.parametrize(
    "outcome", [DONE, {"state": "superseded", "deleted": False}, {"state": "failed", "problem": PROBLEM}]
)
def test_an_end_keeps_its_outcome(outcome: dict[str, Any]) -> None:
    state = after(SUBMITTED, outcome)
    assert (state["step"], state["outcome"]) == ("end", outcome)


def test_a_state_that_only_another_version_knows_is_an_end_too() -> None:
    outcome = {"state": "lost", "where": "in the history of another version"}
    state = after(SUBMITTED, outcome)
    assert (state["step"], state["outcome"]) == ("end", outcome)


def test_waiting_keeps_the_ticket_so_that_nothing_is_submitted_again() -> None:
    state = after(SUBMITTED, WAIT, WAIT, {"state": "read"}, WAIT)
    assert state["ticket"] == TICKET


def test_a_new_submit_forgets_the_ticket() -> None:
    assert after(SUBMITTED, {"state": "again"})["ticket"] is None


def test_failures_are_counted_until_something_succeeds() -> None:
    assert after(WAIT, WAIT)["failures"] == 2
    assert after(WAIT, WAIT, SUBMITTED)["failures"] == 0
    assert after(WAIT, SUBMITTED, WAIT)["failures"] == 1


def test_polls_are_counted() -> None:
    running = {"state": "running", "seconds": 1.0, "polls": 3}
    assert after(SUBMITTED, running, {**WAIT, "polls": 1}, {"state": "read", "polls": 1})["polls"] == 5


def test_the_status_tells_step_polls_times_and_problem() -> None:
    state = after(SUBMITTED, {"state": "running", "seconds": 12.34, "polls": 2})
    assert poll_loop.status(state, NOW + timedelta(seconds=65.43)) == {
        "step": "OcrPoll",
        "polls": 2,
        "elapsedSeconds": 65.4,
        "waitSeconds": 12.3,
        "problem": None,
    }


def test_the_status_tells_what_is_waited_for_until_it_is_over() -> None:
    assert poll_loop.status(after(SUBMITTED, WAIT), NOW)["problem"] == PROBLEM
    assert poll_loop.status(after(SUBMITTED, WAIT, {"state": "read"}), NOW)["problem"] is None


def test_an_activity_gets_what_it_needs_and_no_more() -> None:
    assert poll_loop.work_of(after(SUBMITTED, WAIT)) == {
        "job": JOB,
        "ticket": TICKET,
        "wait": 0.0,
        "polls": 0,
        "failures": 1,
        "crash": None,
    }


def test_a_crash_is_recorded_by_the_store() -> None:
    state = after(SUBMITTED, CRASHED)
    crash = poll_loop.work_of(state)["crash"]
    assert (crash["code"], crash["status"]) == ("internal_error", 500)
    assert "ValueError: oh" in crash["message"]
    assert crash["action"]
    assert state["ticket"] == TICKET


def test_a_crash_that_cannot_even_be_recorded_ends_the_job() -> None:
    state = after(SUBMITTED, CRASHED, CRASHED)
    assert state["step"] == "end"
    assert state["outcome"]["state"] == "failed"
    assert state["outcome"]["problem"]["code"] == "internal_error"


def test_a_crash_whose_record_has_to_wait_is_recorded_then() -> None:
    state = after(SUBMITTED, CRASHED, WAIT)
    assert next_of(state) == ("OcrStore", 7.0, 0.0)
    assert state["crash"]["code"] == "internal_error"


@given(st.lists(OUTCOMES, max_size=12))
def test_whatever_comes_the_state_is_json_and_the_past_is_left_alone(outcomes: list[dict[str, Any]]) -> None:
    """It travels as the input of the next execution, and a replay sees the very outcomes again."""
    state = poll_loop.begin(JOB, NOW)
    for outcome in outcomes:
        if state["step"] == "end":
            break
        if outcome["state"] == "running" and not state["ticket"]:
            continue  # there is nothing to be polled
        before = copy.deepcopy((state, outcome))
        new = poll_loop.advance(state, outcome)
        assert (state, outcome) == before
        assert json.loads(json.dumps(new)) == new
        assert set(new) == set(state)
        assert new["step"] in ("OcrSubmit", "OcrPoll", "OcrStore", "end")
        assert min(new["pause"], new["wait"]) == 0.0
        assert new["step"] != "OcrPoll" or new["ticket"]
        state = new


class Context:
    """A durable context that plays no part of its own: calls and timers are handed to whoever drives it."""

    def __init__(self, given_input: dict[str, Any]) -> None:
        self.current_utc_datetime = NOW
        self.statuses: list[dict[str, Any]] = []
        self.next_input: dict[str, Any] | None = None
        self._input = given_input

    def get_input(self) -> dict[str, Any]:
        return self._input

    def set_custom_status(self, status: dict[str, Any]) -> None:
        self.statuses.append(status)

    def create_timer(self, fire_at: datetime) -> tuple[str, float]:
        return "timer", (fire_at - self.current_utc_datetime).total_seconds()

    def call_activity_with_retry(self, name: str, options: Any, work: dict[str, Any]) -> tuple[str, Any]:
        assert (options.max_number_of_attempts, options.first_retry_interval_in_milliseconds) == (3, 5000)
        return name, work

    def continue_as_new(self, state: dict[str, Any]) -> None:
        self.next_input = state


def play(context: Context, *outcomes: dict[str, Any] | Exception) -> tuple[list[tuple[str, Any]], Any]:
    """Run the orchestrator on these outcomes of its activities; returns what it yielded and its result."""
    generator, left, yielded = poll_loop.orchestrate(context), list(outcomes), []
    try:
        task = next(generator)
        while True:
            yielded.append(task)
            if task[0] == "timer":
                context.current_utc_datetime += timedelta(seconds=task[1])
                task = generator.send(None)
                continue
            outcome = left.pop(0)
            task = generator.throw(outcome) if isinstance(outcome, Exception) else generator.send(outcome)
    except StopIteration as end:
        assert not left
        return yielded, end.value


def test_a_short_document_takes_three_activities_and_no_timer() -> None:
    yielded, result = play(Context(JOB), SUBMITTED, {"state": "read", "polls": 1}, DONE)
    assert [name for name, _ in yielded] == ["OcrSubmit", "OcrPoll", "OcrStore"]
    assert result == DONE


def test_long_waits_are_timers() -> None:
    yielded, _ = play(Context(JOB), WAIT, SUBMITTED, {"state": "read"}, DONE)
    assert [task if task[0] == "timer" else task[0] for task in yielded] == [
        "OcrSubmit",
        ("timer", 7.0),
        "OcrSubmit",
        "OcrPoll",
        "OcrStore",
    ]


def test_a_status_is_set_before_every_activity() -> None:
    context = Context(JOB)
    play(context, WAIT, SUBMITTED, {"state": "read", "polls": 1}, DONE)
    assert [status["step"] for status in context.statuses] == ["OcrSubmit", "OcrSubmit", "OcrPoll", "OcrStore"]
    assert json.dumps([status["elapsedSeconds"] for status in context.statuses]) == "[0, 0, 7, 7]"


def test_an_activity_that_raises_has_that_recorded() -> None:
    yielded, result = play(Context(JOB), RuntimeError("x" * 1000), {"state": "failed", "problem": PROBLEM})
    assert [name for name, _ in yielded] == ["OcrSubmit", "OcrStore"]
    assert len(yielded[1][1]["crash"]["message"]) < 600
    assert result["state"] == "failed"


def test_after_fifty_turns_it_continues_as_new_where_it_was() -> None:
    running = {"state": "running", "seconds": 1.0, "polls": 3}
    context = Context(JOB)
    yielded, result = play(context, SUBMITTED, *[running] * 49)
    assert (len(yielded), result) == (50, None)
    assert context.next_input is not None
    assert context.next_input["polls"] == 147

    following = Context(json.loads(json.dumps(context.next_input)))
    following.current_utc_datetime = NOW + timedelta(hours=1)
    yielded, result = play(following, {"state": "read", "polls": 1}, DONE)
    assert [name for name, _ in yielded] == ["OcrPoll", "OcrStore"]
    assert yielded[0][1]["ticket"] == TICKET
    assert (following.statuses[-1]["polls"], following.statuses[-1]["elapsedSeconds"]) == (148, 3600.0)
    assert result == DONE


def test_an_end_at_the_fiftieth_turn_is_an_end() -> None:
    running = {"state": "running", "seconds": 1.0, "polls": 1}
    context = Context(JOB)
    _, result = play(context, SUBMITTED, *[running] * 47, {"state": "read"}, DONE)
    assert result == DONE
    assert context.next_input is None
