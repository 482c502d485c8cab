"""
The durable reconciliation: which page comes next, and nothing else.

Like every orchestrator it decides the same at each replay: no clock but the context's, no settings, no I/O. What it
needs of settings is in its plan.
"""

from typing import Final, Literal, TypedDict

ORCHESTRATOR: Final = "ReconcileOrchestrator"
PAGE: Final = "ReconcilePage"
# The whole comparison, which is one at a time; the forgetting of answers alone; of a directory each has its own id.
WHOLE_ID, FORGETTING_ID = "reconcile", "forget"

# In the order in which they are done. What is gone comes after what is missing, so a renamed image finds its answers.
PhaseName = Literal[
    "images", "analysis", "thumbnails", "text", "unfinished", "owners", "forgetting", "answers", "by_digest"
]
COMPARING: tuple[PhaseName, ...] = ("images", "analysis", "thumbnails", "text", "unfinished", "owners")
CLEANING: tuple[PhaseName, ...] = ("forgetting", "answers", "by_digest")


class Counts(TypedDict, total=False):
    """
    What was found and done so far.

    Attributes:
        images: all that there are, folders left out.
        without_result: those that came since the app's first start and have neither a record nor a reason.
        started: how many of these were given a try.
        older: those that came before, which wait for a backfill.
        orphans: images that are gone and of which there were records.
        records_deleted: their records.
        answers_forgotten: subjects whose answers were deleted.
    """

    images: int
    without_result: int
    started: int
    older: int
    orphans: int
    records_deleted: int
    answers_forgotten: int


class Plan(TypedDict):
    """
    What is compared and what may be done.

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
    """The input of ReconcilePage; *phase* is `report` at the beginning and the end, with the counts so far."""

    plan: Plan
    phase: PhaseName | Literal["report"]
    continuation: str | None
    counts: Counts
    ended: bool
