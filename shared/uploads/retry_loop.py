"""
The durable retry: what RetryOrchestrator does next, and nothing else.

It sleeps on a durable timer until the appointment, has the step done, and sleeps again if it still cannot be done.
Like every orchestrator it decides the same at each replay: no clock but the context's, no settings, no I/O.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from shared.json_types import Json

STEP = "RetryStep"
READER = "OcrOrchestrator"
# Replayed from the beginning at every turn, so the history must not grow without end.
MAX_TURNS = 50
# An activity that raises is a mistake of the app, not of the image: tried again later, and reported in the end.
CRASH_SECONDS, MOST_CRASHES = 300.0, 5
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000


def begin(appointment: Json) -> Json:
    """The state of an appointment that has just been made, or the one in which an earlier execution left it."""
    return {"crashes": 0, "crash": None, **appointment}


def advance(state: Json, outcome: Json) -> Json:
    """The state after RetryStep's outcome: `{"state": "deferred", "seconds", "attempts"}`, `ended` or `crashed`."""
    if outcome["state"] == "deferred":
        return {**state, "seconds": outcome["seconds"], "attempts": outcome["attempts"], "crashes": 0, "crash": None}
    crashes = state["crashes"] + 1
    last = crashes >= MOST_CRASHES
    return {
        **state,
        "seconds": 0.0 if last else CRASH_SECONDS * 2 ** (crashes - 1),
        "crashes": crashes,
        "crash": outcome["message"] if last else None,
    }


def orchestrate(context: Any) -> Generator[Any, Any, Json | None]:
    """
    Have an image's steps done, however long it takes.

    Args:
        context: a `DurableOrchestrationContext`.
    """
    from azure.durable_functions import RetryOptions

    state = begin(context.get_input())
    for _ in range(MAX_TURNS):
        due = context.current_utc_datetime + timedelta(seconds=state["seconds"])
        context.set_custom_status({"until": due.isoformat(), "attempts": state["attempts"]})
        if state["seconds"]:
            yield context.create_timer(due)
        work = {key: state[key] for key in ("name", "steps", "key", "attempts", "crash")}
        try:
            options = RetryOptions(CRASH_WAIT_MILLISECONDS, CRASH_ATTEMPTS)
            outcome = yield context.call_activity_with_retry(STEP, options, work)
        except Exception as error:  # the SDK raises nothing more specific
            if state["crash"]:
                return {"state": "failed", "message": state["crash"]}
            outcome = {"state": "crashed", "message": str(error)[:500]}
        if outcome["state"] == "ended":
            if outcome["job"]:
                # Only in histories that the version before has begun: RetryStep hands over the text that became due.
                yield context.call_sub_orchestrator(READER, outcome["job"])
            return dict(outcome)
        state = advance(state, outcome)
    context.continue_as_new(state)
    return None
