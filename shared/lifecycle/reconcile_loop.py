"""
The durable reconciliation: which page comes next, and nothing else.

Like every orchestrator it decides the same at each replay: no clock but the context's, no settings, no I/O. What it
needs of settings is in its plan.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Final, Literal, TypedDict, final

from shared.durable.orchestrators import OrchestrationContext

ORCHESTRATOR: Final = "ReconcileOrchestrator"
PAGE: Final = "ReconcilePage"
# The whole comparison, which is one at a time; the forgetting of answers alone; the index alone. Of a directory each
# has its own id.
WHOLE_ID, FORGETTING_ID, INDEX_ID = "reconcile", "forget", "index"
# Replayed from the beginning at every page, so the history must not grow without end.
MAX_PAGES = 50
# A page that raises is a mistake of the app or an outage: done later, and given up in the end until the next run.
CRASH_SECONDS, MOST_CRASHES = 300.0, 5
CRASH_ATTEMPTS, CRASH_WAIT_MILLISECONDS = 3, 5000

# In the order in which they are done: missing images before those that are gone, so a renamed one finds its answers.
PhaseName = Literal[
    "images",
    "analysis",
    "thumbnails",
    "text",
    "unfinished",
    "corrections",
    "owners",
    "forgetting",
    "answers",
    "by_digest",
    "index",
]
COMPARING: tuple[PhaseName, ...] = (
    "images",
    "analysis",
    "thumbnails",
    "text",
    "unfinished",
    "corrections",
    "owners",
)
CLEANING: tuple[PhaseName, ...] = ("forgetting", "answers", "by_digest")
# Last, so that what the others have deleted is not derived anew.
INDEXING: tuple[PhaseName, ...] = ("index",)


class Counts(TypedDict, total=False):
    """
    What was found and done so far.

    Attributes:
        images: all that there are, folders left out.
        without_result: those that came since the app's first start and have neither a record nor a reason.
        started: how many of these have a try arranged, by this run or an earlier one.
        older: those that came before, which wait for a backfill.
        orphans: images that are gone and of which there were records.
        records_deleted: their records.
        answers_forgotten: subjects whose answers were deleted.
        indexed: images whose entry in the index was compared with their records.
        index_changed: those whose entry was missing, or told other records.
        index_gone: entries of images that are gone.
    """

    images: int
    without_result: int
    started: int
    older: int
    orphans: int
    records_deleted: int
    answers_forgotten: int
    indexed: int
    index_changed: int
    index_gone: int


@final
class Plan(TypedDict):
    """
    The scope of a run, and whether it changes anything.

    Attributes:
        id: of the run, for the log.
        by: who wants it.
        mode: whether anything is started or deleted, or only counted.
        phases: in their order.
        began: when.
        since: images created before then are older than the app.
        until: images created after then have an event on its way.
        images_prefix, records_prefix: of image names; empty is all. A renamed directory has two.
    """

    id: str
    by: Literal["timer", "request", "event"]
    mode: Literal["repair", "report"]
    phases: list[PhaseName]
    began: str
    since: str
    until: str
    images_prefix: str
    records_prefix: str


class PageWork(TypedDict):
    """
    The input of ReconcilePage.

    Attributes:
        plan: of the run.
        phase: which page; `report` is none, but the run's beginning and its end.
        continuation: where the phase goes on; None at its beginning.
        counts: of all pages before.
        ended: whether no page is left.
        problem: why the run was given up; None if it was not.
    """

    plan: Plan
    phase: PhaseName | Literal["report"]
    continuation: str | None
    counts: Counts
    ended: bool
    problem: str | None


@final
class Paged(TypedDict):
    """The outcome of ReconcilePage: where the phase goes on (None at its end), and what the page found and did."""

    continuation: str | None
    counts: Counts


@final
class Crashed(TypedDict):
    """The activity raised at every attempt. The loop says so itself, the activity does not."""

    message: str


@final
class RunState(TypedDict):
    """
    How far a run is, and the input of an execution that goes on with it.

    Attributes:
        plan, continuation, counts, problem: as in `PageWork`.
        number: of the phase in the plan; -1 before the first, and their count after the last.
        crashes: how often in a row the activity has raised.
        wait: seconds until the next page.
        over: whether the end is reported too.
    """

    plan: Plan
    number: int
    continuation: str | None
    counts: Counts
    crashes: int
    wait: float
    problem: str | None
    over: bool


class Outcome(TypedDict):
    """How a run ended."""

    state: Literal["ended", "failed"]
    counts: Counts
    problem: str | None


def begin(plan: Plan) -> RunState:
    """The state of a run that has just begun."""
    return {
        "plan": plan,
        "number": -1,
        "continuation": None,
        "counts": {},
        "crashes": 0,
        "wait": 0.0,
        "problem": None,
        "over": False,
    }


def advance(state: RunState, outcome: Paged | Crashed) -> RunState:
    """The state after a page, or after one that raised."""
    last = len(state["plan"]["phases"])
    if "message" in outcome:
        crashes = state["crashes"] + 1
        if crashes < MOST_CRASHES:
            return {**state, "crashes": crashes, "wait": CRASH_SECONDS * 2 ** (crashes - 1)}
        problem = state["problem"] or outcome["message"]
        over = state["number"] == last
        return {
            **state,
            "number": last,
            "continuation": None,
            "crashes": 0,
            "wait": 0.0,
            "problem": problem,
            "over": over,
        }
    ends = outcome["continuation"] is None
    return {
        **state,
        "number": state["number"] + 1 if ends else state["number"],
        "continuation": outcome["continuation"],
        "counts": added(state["counts"], outcome["counts"]),
        "crashes": 0,
        "wait": 0.0,
        "over": ends and state["number"] == last,
    }


def added(counts: Counts, more: Counts) -> Counts:
    """The sum of both."""
    # mypy knows no keys of a TypedDict but literal ones.
    return {**counts, **{key: counts.get(key, 0) + count for key, count in more.items()}}  # type: ignore[typeddict-item,operator]


def phase_of(state: RunState) -> PhaseName | Literal["report"]:
    """The phase of the next page."""
    phases = state["plan"]["phases"]
    return phases[state["number"]] if 0 <= state["number"] < len(phases) else "report"


def work_of(state: RunState) -> PageWork:
    """The input of the activity."""
    return {
        "plan": state["plan"],
        "phase": phase_of(state),
        "continuation": state["continuation"],
        "counts": state["counts"],
        "ended": state["number"] >= len(state["plan"]["phases"]),
        "problem": state["problem"],
    }


def orchestrate(context: OrchestrationContext[Plan | RunState]) -> Generator[object, Paged, Outcome | None]:
    """
    Compare and clean page by page, from a plan (or the state in which an earlier execution left it).

    It yields tasks, and is sent the outcomes of those that are activities.
    """
    from azure.durable_functions import RetryOptions

    given = context.get_input()
    state = given if "plan" in given else begin(given)
    for _ in range(MAX_PAGES):
        context.set_custom_status({"phase": phase_of(state), "counts": state["counts"]})
        if state["wait"]:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=state["wait"]))
        # Before the block: an input that lacks a member is no crash of the activity, so it ends the instance.
        work = work_of(state)
        outcome: Paged | Crashed
        try:
            options = RetryOptions(CRASH_WAIT_MILLISECONDS, CRASH_ATTEMPTS)
            outcome = yield context.call_activity_with_retry(PAGE, options, work)
        except Exception as error:  # the SDK raises nothing more specific
            outcome = {"message": str(error)[:500]}
        state = advance(state, outcome)
        if state["over"]:
            ended: Literal["ended", "failed"] = "failed" if state["problem"] else "ended"
            return {"state": ended, "counts": state["counts"], "problem": state["problem"]}
    context.continue_as_new(state)
    return None
