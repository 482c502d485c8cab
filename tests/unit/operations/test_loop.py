from datetime import timedelta
from typing import Any

import pytest
from doubles.clock import EPOCH
from doubles.operation_runs import kept_operation
from doubles.parts import parts

from shared.operations import loop
from shared.operations.loop import State, Waiting

PROBLEM: Any = {"code": "busy", "status": 503, "message": "later", "action": "Wait.", "requestId": None}
JOB = kept_operation(parts()).to_json()


def waiting(seconds: float) -> Waiting:
    return {"state": "wait", "seconds": seconds, "problem": PROBLEM}


def after(*seconds: float) -> State:
    state, now = loop.begin(JOB, EPOCH), EPOCH
    for each in seconds:
        state = loop.advance(state, waiting(each), now)
        now += timedelta(seconds=each)
    return state


def test_it_begins_at_once() -> None:
    state = loop.begin(JOB, EPOCH)
    assert loop.status(state) == {"waitSeconds": 0, "problem": None}
    assert loop.work_of(state) == {"job": JOB, "failures": 0, "end": None}


def test_a_wait_is_told_and_counted() -> None:
    state = after(2.0, 4.06)
    assert loop.status(state) == {"waitSeconds": 4.1, "problem": PROBLEM}
    assert loop.work_of(state)["failures"] == 2


@pytest.mark.parametrize(
    "end",
    [{"state": "done", "job": JOB}, {"state": "superseded", "deleted": True}, loop.crashed("ValueError: oh")],
    ids=lambda each: each["state"],
)
def test_an_end_is_handed_to_the_step_once_more(end: Any) -> None:
    state = loop.advance(after(2.0), end, EPOCH)
    assert (state["seconds"], loop.work_of(state)["end"]) == (0.0, end)


def test_nothing_waits_beyond_a_day() -> None:
    day = 86_400.0
    assert after(day)["end"] is None
    assert after(day, 1.0)["end"] == {"state": "failed", "problem": PROBLEM}
    assert after(day + 1.0)["end"] == {"state": "failed", "problem": PROBLEM}
    assert after(*[300.0] * 288)["end"] is None
    assert after(*[300.0] * 289)["end"] is not None


def test_a_crash_tells_little_of_the_apps_inside() -> None:
    problem = loop.crashed("x" * 5000)["problem"]
    assert (problem["code"], problem["status"]) == ("internal_error", 500)
    assert len(problem["message"]) < 600
