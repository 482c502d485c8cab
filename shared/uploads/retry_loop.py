"""
The durable retry: what RetryOrchestrator does next, and nothing else.

It sleeps on a durable timer until the appointment, has the step done, and sleeps again if it still cannot be done.
Like every orchestrator it decides the same at each replay: no clock but the context's, no settings, no I/O.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Final, Literal, TypedDict

from shared.durable.orchestrators import AppointmentJson, JobJson, OrchestrationContext

STEP: Final = "RetryStep"
READER: Final = "OcrOrchestrator"
# Replayed from the beginning at every turn, so the history must not grow without end.
MAX_TURNS = 50
# An activity that raises is a mistake of the app, not of the image: tried again later, and reported in the end.
CRASH_SECONDS, MOST_CRASHES = 300.0, 5
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000


class RetryState(AppointmentJson):
    """
    The appointment and how its tries went, and the input of an execution that goes on with it.

    Attributes:
        crashes: how often in a row the activity has raised.
        crash: the mistake of the app that RetryStep is to record.
    """

    crashes: int
    crash: str | None


class RetryWork(TypedDict):
    """The input of RetryStep: that part of the state which it needs."""

    name: str
    steps: list[str]
    key: str
    attempts: int
    crash: str | None


class Deferred(TypedDict):
    """The steps could not be done; they are tried again after so many seconds. `attempts` counts this one too."""

    state: Literal["deferred"]
    seconds: float
    attempts: int


class Ended(TypedDict):
    """How each step ended. In histories that the version before has begun, `job` is the text that became due."""

    state: Literal["ended"]
    steps: dict[str, str]
    job: JobJson | None


class Crashed(TypedDict):
    """The activity raised at every attempt. The loop says so itself, the activity does not."""

    state: Literal["crashed"]
    message: str


class Failed(TypedDict):
    """The end of an appointment whose crash could not be recorded either."""

    state: Literal["failed"]
    message: str


def begin(appointment: AppointmentJson) -> RetryState:
    """The state of an appointment that has just been made, or the one in which an earlier execution left it."""
    return {"crashes": 0, "crash": None, **appointment}


def advance(state: RetryState, outcome: Deferred | Crashed) -> RetryState:
    """The state after an outcome of RetryStep that is no end."""
    if outcome["state"] == "deferred":
        return {**state, "seconds": outcome["seconds"], "attempts": outcome["attempts"], "crashes": 0, "crash": None}
    crashes = state["crashes"] + 1
    message = outcome["message"] if crashes >= MOST_CRASHES else None
    return {**state, "seconds": _seconds_after(crashes), "crashes": crashes, "crash": message}


def _seconds_after(crashes: int) -> float:
    return 0.0 if crashes >= MOST_CRASHES else CRASH_SECONDS * 2 ** (crashes - 1)


def seconds_until_next(raised: int) -> float:
    """In how many seconds RetryStep is called again once it has raised so many times in a row."""
    crashes, attempts = divmod(raised, CRASH_ATTEMPTS)
    return CRASH_WAIT_MILLISECONDS / 1000 if attempts else _seconds_after(crashes)


def work_of(state: RetryState) -> RetryWork:
    """The input of RetryStep."""
    return {
        "name": state["name"],
        "steps": state["steps"],
        "key": state["key"],
        "attempts": state["attempts"],
        "crash": state["crash"],
    }


def orchestrate(
    context: OrchestrationContext[AppointmentJson],
) -> Generator[object, Deferred | Ended, Ended | Failed | None]:
    """
    Have an image's steps done, however long it takes.

    It yields tasks, and is sent the outcomes of those that are activities.
    """
    from azure.durable_functions import RetryOptions

    state = begin(context.get_input())
    for _ in range(MAX_TURNS):
        due = context.current_utc_datetime + timedelta(seconds=state["seconds"])
        context.set_custom_status({"until": due.isoformat(), "attempts": state["attempts"]})
        if state["seconds"]:
            yield context.create_timer(due)
        # Before the block: an input that lacks a member is no crash of the activity, so it ends the instance.
        work = work_of(state)
        outcome: Deferred | Ended | Crashed
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
            return outcome
        state = advance(state, outcome)
    context.continue_as_new(state)
    return None
