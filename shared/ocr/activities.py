"""
The activities of OcrOrchestrator as the platform calls them: asynchronous, with JSON in and out
(`shared.ocr.poll_loop`).

Blocking work has threads of its own, so a service that hangs takes no thread of the HTTP functions. A wait takes no
thread at all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from shared import log, services
from shared.answers.tickets import ReadTicket
from shared.durable import appointments
from shared.durable.problems import problem_of
from shared.durable.read_job import Job
from shared.errors import MISDEPLOYED, StorageError
from shared.index.writer import READ_LINGER_SECONDS
from shared.ocr import reading
from shared.ocr.outcomes import Outcome
from shared.ocr.poll_loop import PATIENCE_SECONDS, ReadWork
from shared.services import App

# Each may hold a document; as many as images are worked on at once.
_executor = ThreadPoolExecutor(8, thread_name_prefix="ocr")
_MENDING_SECONDS = 60.0


async def submit(work: ReadWork) -> Outcome:
    """OcrSubmit."""
    return await _do(work, lambda app, job: reading.submit(app, job, work["failures"]))


async def poll(work: ReadWork, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Outcome:
    """OcrPoll: wait as long as the loop says, ask, and repeat that while the waits are short."""
    ticket = _ticket(work)
    assert ticket  # noqa: S101  # the loop polls after a submission only
    wait, left, polls = _wait(work, ticket), PATIENCE_SECONDS, 0

    def ask(app: App, job: Job) -> Outcome:
        before = int(work.get("polls") or 0) + polls
        return reading.poll(app, job, ticket, work["failures"], first=not before, polls=before)

    while True:
        await sleep(wait)
        outcome = await _do(work, ask)
        polls += outcome.get("polls", 0)
        left -= wait
        if outcome["state"] != "running" or outcome["seconds"] > left:
            outcome["polls"] = polls
            return outcome
        wait = outcome["seconds"]


def _wait(work: ReadWork, ticket: ReadTicket) -> float:
    """The wait that the loop wants; before the first poll, less the time that the way here has taken."""
    wanted = float(work["wait"])
    if work.get("polls"):
        return wanted
    with suppress(*MISDEPLOYED):
        return min(wanted, reading.until_first_poll(services.current(), ticket))
    return wanted


async def store(work: ReadWork) -> Outcome:
    """OcrStore."""
    ticket = _ticket(work)
    return await _do(
        work, lambda app, job: reading.store(app, job, work["failures"], ticket=ticket, crash=work["crash"])
    )


def _ticket(work: ReadWork) -> ReadTicket | None:
    return ReadTicket.from_json(work["ticket"]) if work["ticket"] else None


async def _do(work: ReadWork, action: Callable[[App, Job], Outcome]) -> Outcome:
    job = Job.from_json(work["job"])
    with log.correlated(job.instance_id):
        try:
            app = services.current()
        except MISDEPLOYED as error:
            # The document is not to blame: it goes on as soon as an operator has mended the deployment.
            return {"state": "wait", "seconds": _MENDING_SECONDS, "problem": problem_of(error)}
        async with services.recorded(app, _executor) as noted:
            outcome = await services.in_thread(_executor, lambda: action(app, job))
            try:
                await app.index_writer.store(noted, _executor, READ_LINGER_SECONDS)
            except StorageError as error:
                # What was done is found done.
                seconds = appointments.seconds_until(error, work["failures"] + 1)
                return {"state": "wait", "seconds": seconds, "problem": problem_of(error)}
            return outcome
