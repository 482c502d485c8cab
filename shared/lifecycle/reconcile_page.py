"""
ReconcilePage as the platform calls it: one page of a run, by its phase.

The tries that a page leaves are handed over before it counts as done. A page whose worker was killed is done again: it
finds what it has started under way, and what it has deleted gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared import log, services
from shared.durable import appointments, handover
from shared.durable.appointments import Appointment
from shared.durable.handover import DurableClient
from shared.lifecycle import answer_pages, digest_pages, image_pages, owner_pages, record_pages, report
from shared.lifecycle.pages import Page, Phase
from shared.lifecycle.reconcile_loop import Paged, PageWork, added
from shared.records import by_step
from shared.services import App

_T = TypeVar("_T")
_R = TypeVar("_R")
# A run is one at a time, and those of directories come beside it. A page that waits here for a thread uses up the time
# of its function, which ends the process; and many directories may be renamed at once.
_executor = ThreadPoolExecutor(4, thread_name_prefix="reconcile")
_PARALLEL = 8


def _index(app: App, work: PageWork) -> Page:
    # Imported here: no other function needs what reads the index.
    from shared.lifecycle import index_pages

    return index_pages.page(app, work)


PHASES: Mapping[str, Phase] = {
    "images": image_pages.page,
    "analysis": record_pages.page,
    "thumbnails": record_pages.page,
    "text": record_pages.page,
    "unfinished": record_pages.page,
    "corrections": record_pages.page,
    "owners": owner_pages.owners,
    "forgetting": answer_pages.forgetting,
    "answers": answer_pages.answers,
    "by_digest": digest_pages.by_digest,
    "index": _index,
}


async def page(work: PageWork, starter: str) -> Paged:
    """
    Do one page, and hand over what it leaves.

    Args:
        work: which page, as `shared.lifecycle.reconcile_loop` gives it.
        starter: the durable client's binding.

    Raises:
        SettingsError, PythonMismatchError: nothing can be known.
        StorageError: storage or the Functions host did not answer; the page is done again.
    """
    with log.correlated(work["plan"]["id"]):
        app = services.current()
        done = await services.recording(app, _executor, lambda: _done(app, work))
        counts = done.counts
        if done.left:
            # Imported here: its import costs more than all others together, and most pages leave nothing.
            from azure.durable_functions import DurableOrchestrationClient

            await _start(app, DurableOrchestrationClient(starter), done.left)
            counts = added(counts, {"started": len(done.left)})
        return {"continuation": done.continuation, "counts": counts}


def _done(app: App, work: PageWork) -> Page:
    if work["phase"] == "report":
        report.tell(app, work)
        return Page(None, {})
    phase = PHASES.get(work["phase"])
    # A later version may have planned a phase that this one does not know.
    return phase(app, work) if phase else Page(None, {})


async def _start(app: App, client: DurableClient, left: Sequence[Appointment]) -> None:
    """Hand over those that are not under way from an earlier page or run, each with a turn of its own."""
    statuses = await _side_by_side(lambda each: handover.status_of(client, each.instance_id), left)
    fresh = [each for each, status in zip(left, statuses, strict=True) if not handover.is_under_way(status or None)]
    each_try = sum(by_step.calls(app.settings, step) for step in _PAID)
    calls = [0 if each.key == appointments.FOCAL_POINT else each_try for each in fresh]
    turns = await services.in_thread(_executor, lambda: appointments.turns(app.quota, calls))
    arranged = [each._replace(seconds=seconds) for each, seconds in zip(fresh, turns, strict=True)]
    await _side_by_side(lambda each: handover.hand_over(client, each), arranged)


# Whether there is text to read is known after the analysis.
_PAID = (by_step.ANALYSIS, by_step.THUMBNAILS)


async def _side_by_side(action: Callable[[_T], Awaitable[_R]], items: Iterable[_T]) -> list[_R]:
    places = asyncio.Semaphore(_PARALLEL)

    async def one(item: _T) -> _R:
        async with places:
            return await action(item)

    return await asyncio.gather(*(one(item) for item in items))
