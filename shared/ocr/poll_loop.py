"""
The durable poll loop: what OcrOrchestrator does next, and nothing else.

It runs again from its beginning at every turn, so it has to decide the same each time: it knows no clock but the
context's, no settings, no randomness, and does nothing itself. Waits come out of the activities' outcomes.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from shared.json_types import Json

SUBMIT, POLL, STORE = "OcrSubmit", "OcrPoll", "OcrStore"
END = "end"
# Waits of so many seconds are taken inside OcrPoll: a timer with its turns costs eight events of history, this a
# coroutine that sleeps. Most documents are done by then.
PATIENCE_SECONDS = 5.0
# An orchestrator is replayed from its beginning, so its history must not grow without end.
MAX_TURNS = 50
# For surprises only; what can be expected is an outcome.
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000


def begin(job: Json, now: datetime) -> Json:
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


def advance(state: Json, outcome: Json) -> Json:
    """The state after an activity's outcome (see `shared.ocr.reading`)."""
    said = outcome["state"]
    state = {
        **state,
        "job": outcome.get("job", state["job"]),
        "pause": 0.0,
        "wait": 0.0,
        "polls": state["polls"] + outcome.get("polls", 0),
    }
    if said == "wait":
        return {
            **state,
            "pause": outcome["seconds"],
            "failures": state["failures"] + 1,
            "problem": outcome["problem"],
        }
    if said == "crashed":
        return _after_crash(state, outcome)
    state = {**state, "failures": 0, "problem": None}
    if said == "submitted":
        return _next_poll({**state, "ticket": outcome["ticket"]}, outcome["seconds"])
    if said == "running":
        return _next_poll(state, outcome["seconds"])
    if said == "read":
        return {**state, "step": STORE}
    if said == "again":
        return {**state, "step": SUBMIT, "ticket": None}
    return {**state, "step": END, "outcome": outcome}


def status(state: Json, now: datetime) -> Json:
    """What a caller is told meanwhile."""
    return {
        "step": state["step"],
        "polls": state["polls"],
        "elapsedSeconds": round((now - datetime.fromisoformat(state["begun"])).total_seconds(), 1),
        "waitSeconds": round(state["pause"] + state["wait"], 1),
        "problem": state["problem"],
    }


def work_of(state: Json) -> Json:
    """The input of the activity that is next."""
    return {key: state[key] for key in ("job", "ticket", "wait", "polls", "failures", "crash")}


def orchestrate(context: Any) -> Generator[Any, Any, Json | None]:
    """
    Read one document, from its job (or the state in which an earlier execution left it) to the outcome.

    Args:
        context: a `DurableOrchestrationContext`.
    """
    given = context.get_input()
    state = given if "step" in given else begin(given, context.current_utc_datetime)
    for _ in range(MAX_TURNS):
        context.set_custom_status(status(state, context.current_utc_datetime))
        if state["pause"]:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=state["pause"]))
        try:
            outcome = yield context.call_activity_with_retry(state["step"], _retries(), work_of(state))
        except Exception as error:  # the SDK raises nothing more specific
            outcome = {"state": "crashed", "message": str(error)[:500]}
        state = advance(state, outcome)
        if state["step"] == END:
            return dict(state["outcome"])
    context.continue_as_new(state)
    return None


def _next_poll(state: Json, seconds: float) -> Json:
    short = seconds <= PATIENCE_SECONDS
    return {**state, "step": POLL, "pause": 0.0 if short else seconds, "wait": seconds if short else 0.0}


def _after_crash(state: Json, outcome: Json) -> Json:
    """An activity raised at every attempt: have that recorded, and if not even that can be done, say so."""
    problem = {
        "code": "internal_error",
        "status": 500,
        "message": f"The app made a mistake while it read the text: {outcome['message']}",
        "action": "Look for the instance's id in the app's log.",
        "requestId": None,
    }
    if state["crash"]:
        return {**state, "step": END, "outcome": {"state": "failed", "problem": problem}}
    return {**state, "step": STORE, "crash": problem}


def _retries() -> Any:
    # Imported here, where the host has it already: functions that read no text do not pay for it.
    from azure.durable_functions import RetryOptions

    return RetryOptions(CRASH_WAIT_MILLISECONDS, CRASH_ATTEMPTS)
