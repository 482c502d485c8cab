"""
The durable poll loop: what OcrOrchestrator does next, and nothing else.

It runs again from its beginning at every turn, so it has to decide the same each time. It knows no clock but the
context's, no settings, no randomness, and does nothing itself. Waits come out of the activities' outcomes.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Final, Literal, TypedDict

from shared import clock
from shared.durable.orchestrators import JobJson, OrchestrationContext, Problem
from shared.ocr.outcomes import Crashed, End, Outcome

SUBMIT: Final = "OcrSubmit"
POLL: Final = "OcrPoll"
STORE: Final = "OcrStore"
END: Final = "end"
# Waits of so many seconds are taken inside OcrPoll: a timer with its turns costs eight events of history, this a
# coroutine that sleeps. Most documents are done by then.
PATIENCE_SECONDS = 5.0
# An orchestrator is replayed from its beginning, so its history must not grow without end.
MAX_TURNS = 50
# For surprises only; an expected error is an outcome.
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000


class ReadState(TypedDict):
    """
    How far a Read is, and the input of an execution that goes on with it.

    Attributes:
        step: the activity that is next, or `END`.
        ticket: of the document's submission; None before.
        pause, wait: seconds until the next activity, on a durable timer or inside OcrPoll; one of them is 0.
        polls: how often Computer Vision was asked for the text.
        failures: how often in a row the same activity has had to wait.
        problem: the reason of the last wait, until an activity succeeds.
        crash: the mistake of the app that OcrStore is to record.
        begun: when the orchestration began.
        outcome: the end, once `step` is `END`.
    """

    job: JobJson
    step: Literal["OcrSubmit", "OcrPoll", "OcrStore", "end"]
    ticket: dict[str, object] | None
    pause: float
    wait: float
    polls: int
    failures: int
    problem: Problem | None
    crash: Problem | None
    begun: str
    outcome: End | None


class ReadWork(TypedDict):
    """The input of an activity: that part of the state which it needs."""

    job: JobJson
    ticket: dict[str, object] | None
    wait: float
    polls: int
    failures: int
    crash: Problem | None


class Status(TypedDict):
    """The instance's custom status, which `GET /api/ocr/{id}` shows until the end."""

    step: str
    polls: int
    elapsedSeconds: float
    waitSeconds: float
    problem: Problem | None


def begin(job: JobJson, now: datetime) -> ReadState:
    """The state of a job that has just begun."""
    return {
        "job": job,
        "step": SUBMIT,
        "ticket": None,
        "pause": 0.0,
        "wait": 0.0,
        "polls": 0,
        "failures": 0,
        "problem": None,
        "crash": None,
        "begun": now.isoformat(),
        "outcome": None,
    }


def advance(state: ReadState, outcome: Outcome | Crashed) -> ReadState:
    """The state after an activity's outcome."""
    state = {
        **state,
        "job": outcome.get("job", state["job"]),
        "pause": 0.0,
        "wait": 0.0,
        "polls": state["polls"] + outcome.get("polls", 0),
    }
    if outcome["state"] == "wait":
        return {
            **state,
            "pause": outcome["seconds"],
            "failures": state["failures"] + 1,
            "problem": outcome["problem"],
        }
    if outcome["state"] == "crashed":
        return _after_crash(state, outcome)
    state = {**state, "failures": 0, "problem": None}
    if outcome["state"] == "submitted":
        return _next_poll({**state, "ticket": outcome["ticket"]}, outcome["seconds"])
    if outcome["state"] == "running":
        return _next_poll(state, outcome["seconds"])
    if outcome["state"] == "read":
        return {**state, "step": STORE}
    if outcome["state"] == "again":
        return {**state, "step": SUBMIT, "ticket": None}
    # For mypy only ends are left here, so it misses a branch above. A state that this version does not know, from the
    # history of another one, ends the Read too.
    end: End = outcome
    return {**state, "step": END, "outcome": end}


def status(state: ReadState, now: datetime) -> Status:
    """The status that a caller sees meanwhile."""
    return {
        "step": state["step"],
        "polls": state["polls"],
        "elapsedSeconds": clock.short((now - datetime.fromisoformat(state["begun"])).total_seconds()),
        "waitSeconds": clock.short(state["pause"] + state["wait"]),
        "problem": state["problem"],
    }


def work_of(state: ReadState) -> ReadWork:
    """The input of the activity that is next."""
    return {
        "job": state["job"],
        "ticket": state["ticket"],
        "wait": state["wait"],
        "polls": state["polls"],
        "failures": state["failures"],
        "crash": state["crash"],
    }


def orchestrate(context: OrchestrationContext[JobJson | ReadState]) -> Generator[object, Outcome, End | None]:
    """
    Read one document, from its job (or the state in which an earlier execution left it) to the outcome.

    It yields tasks, and is sent the outcomes of those that are activities.
    """
    given = context.get_input()
    state = given if "step" in given else begin(given, context.current_utc_datetime)
    for _ in range(MAX_TURNS):
        context.set_custom_status(status(state, context.current_utc_datetime))
        if state["pause"]:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=state["pause"]))
        outcome: Outcome | Crashed
        try:
            outcome = yield context.call_activity_with_retry(state["step"], _retries(), work_of(state))
        except Exception as error:  # the SDK raises nothing more specific
            outcome = {"state": "crashed", "message": str(error)[:500]}
        state = advance(state, outcome)
        if state["step"] == END:
            return state["outcome"]
    context.continue_as_new(state)
    return None


def _next_poll(state: ReadState, seconds: float) -> ReadState:
    short = seconds <= PATIENCE_SECONDS
    return {**state, "step": POLL, "pause": 0.0 if short else seconds, "wait": seconds if short else 0.0}


def _after_crash(state: ReadState, crash: Crashed) -> ReadState:
    """An activity raised at every attempt: have that recorded, and if not even that can be done, say so."""
    problem: Problem = {
        "code": "internal_error",
        "status": 500,
        "message": f"The app made a mistake while it read the text: {crash['message']}",
        "action": "Look for the instance's id in the app's log.",
        "requestId": None,
    }
    if state["crash"]:
        return {**state, "step": END, "outcome": {"state": "failed", "problem": problem}}
    return {**state, "step": STORE, "crash": problem}


def _retries() -> object:
    # Imported here, where the host has it already: functions that read no text do not pay for it.
    from azure.durable_functions import RetryOptions

    return RetryOptions(CRASH_WAIT_MILLISECONDS, CRASH_ATTEMPTS)
