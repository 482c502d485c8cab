"""
The durable operation: what OperationOrchestrator does next, and nothing else.

It has the work done, sleeps on a durable timer where waiting can help, and comes to an end in every case. Like every
orchestrator it decides the same at each replay: no clock but the context's, no settings, no I/O.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Final, Literal, NotRequired, TypedDict, final

from shared import clock
from shared.durable.orchestrators import Kind, OrchestrationContext, Problem

ORCHESTRATOR: Final = "OperationOrchestrator"
STEP: Final = "OperationStep"
# Replayed from the beginning at every turn, so the history must not grow without end.
MAX_TURNS = 50
# For surprises only; an expected error is an outcome.
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000
# Each of these tries may have paid for its answer.
MOST_UNSTORED = 3
# Nothing waits for longer: the last problem is its end then.
LONGEST = timedelta(hours=24)


class QuestionJson(TypedDict):
    """A question as histories keep it: its parameters are checked, and none is a text of a caller's own."""

    operation: str
    parameters: dict[str, str]
    accept: str
    path: str
    former_path: str
    fit: str


class ThumbnailJson(TypedDict):
    """A thumbnail that is wanted, as histories keep it."""

    width: int
    height: int
    mode: str
    form: str


@final
class OperationJson(TypedDict):
    """An operation as histories keep it: names and digests, and one of a question and a thumbnail."""

    kind: Kind
    subject: str
    name: str
    etag: str
    size: int
    question: QuestionJson | None
    thumbnail: ThumbnailJson | None
    input: str


class Waiting(TypedDict):
    """Waiting can help: the step is done again after so many seconds. `unstored`: storage has not taken an answer."""

    state: Literal["wait"]
    seconds: float
    problem: Problem
    unstored: NotRequired[bool]


class Done(TypedDict):
    """The answer lies where the job finds it."""

    state: Literal["done"]
    job: OperationJson


class Superseded(TypedDict):
    """The image was overwritten, or deleted."""

    state: Literal["superseded"]
    deleted: bool


class Failed(TypedDict):
    """The question or the image is refused, or the time is over."""

    state: Literal["failed"]
    problem: Problem


End = Done | Superseded | Failed
Outcome = Waiting | End


class State(TypedDict):
    """
    How far an operation is, and the input of an execution that goes on with it.

    Attributes:
        seconds: until the step, on a durable timer.
        failures: how often in a row it has had to wait.
        problem: the reason of the last wait.
        begun: when the orchestration began.
        end: the end, once it is known: the step is called once more, to delete what the request has sent.
        unstored: how many answers storage has not taken.
    """

    job: OperationJson
    seconds: float
    failures: int
    problem: Problem | None
    begun: str
    end: End | None
    unstored: NotRequired[int]


class Work(TypedDict):
    """The input of OperationStep: that part of the state which it needs."""

    job: OperationJson
    failures: int
    end: End | None


class Status(TypedDict):
    """The instance's custom status, which `GET /api/operations/{id}` shows until the end."""

    waitSeconds: float
    problem: Problem | None


def begin(job: OperationJson, now: datetime) -> State:
    """The state of an operation that has just begun."""
    return {"job": job, "seconds": 0.0, "failures": 0, "problem": None, "begun": now.isoformat(), "end": None}


def advance(state: State, outcome: Outcome, now: datetime) -> State:
    """The state after an outcome of the step."""
    if outcome["state"] != "wait":
        return {**state, "seconds": 0.0, "end": outcome}
    problem, seconds = outcome["problem"], outcome["seconds"]
    if outcome.get("unstored"):
        state = {**state, "unstored": state.get("unstored", 0) + 1}
    is_late = now + timedelta(seconds=seconds) > datetime.fromisoformat(state["begun"]) + LONGEST
    if is_late or state.get("unstored", 0) >= MOST_UNSTORED:
        return {**state, "seconds": 0.0, "problem": problem, "end": {"state": "failed", "problem": problem}}
    return {**state, "seconds": seconds, "failures": state["failures"] + 1, "problem": problem}


def crashed(message: str) -> Failed:
    """The end of an operation whose step raised at every attempt."""
    problem: Problem = {
        "code": "internal_error",
        "status": 500,
        "message": f"The app made a mistake: {message[:500]}",
        "action": "Look for the instance's id in the app's log.",
        "requestId": None,
    }
    return {"state": "failed", "problem": problem}


def status(state: State) -> Status:
    """The status that a caller sees meanwhile."""
    return {"waitSeconds": clock.short(state["seconds"]), "problem": state["problem"]}


def work_of(state: State) -> Work:
    """The input of OperationStep."""
    return {"job": state["job"], "failures": state["failures"], "end": state["end"]}


def orchestrate(context: OrchestrationContext[OperationJson | State]) -> Generator[object, Outcome, End | None]:
    """
    Have one question answered or one thumbnail made, from its job, or the state in which an execution left it.

    It yields tasks, and is sent the outcomes of those that are activities.
    """
    from azure.durable_functions import RetryOptions

    given = context.get_input()
    state = given if "job" in given else begin(given, context.current_utc_datetime)
    for _ in range(MAX_TURNS):
        context.set_custom_status(status(state))
        if state["seconds"]:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=state["seconds"]))
        # Before the block: an input that lacks a member is no crash of the activity, so it ends the instance.
        work = work_of(state)
        outcome: Outcome
        try:
            options = RetryOptions(CRASH_WAIT_MILLISECONDS, CRASH_ATTEMPTS)
            outcome = yield context.call_activity_with_retry(STEP, options, work)
        except Exception as error:  # the SDK raises nothing more specific
            outcome = crashed(str(error))
        if state["end"]:
            return state["end"]
        state = advance(state, outcome, context.current_utc_datetime)
        if state["end"] and not state["job"]["input"]:
            return state["end"]
    context.continue_as_new(state)
    return None
