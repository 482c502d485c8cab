"""
The plan of a run of ReconcileOrchestrator, and how a run is begun.

The whole comparison is one at a time, by its instance id: two processes that begin it at once begin one.
"""

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from shared.durable import handover
from shared.durable.handover import DurableClient
from shared.errors import StorageError
from shared.lifecycle import adoption, first_start
from shared.lifecycle.reconcile_loop import CLEANING, COMPARING, INDEXING, ORCHESTRATOR, PhaseName, Plan
from shared.services import App

# An event comes within seconds; Event Grid delivers one that was late within a day, which then finds the claim.
YOUNG = timedelta(hours=1)
_OF_DIRECTORY: tuple[PhaseName, ...] = ("images", "analysis", "thumbnails", "text", "unfinished", "corrections")


def by_timer(app: App) -> Plan:
    """
    The nightly run: everything, or without the comparison where RECONCILE is off. The index is made true in any case.

    Images of earlier versions have to be adopted once before anything goes for want of an owner, also where it is off.
    """
    until = app.clock.utc() - YOUNG
    if app.settings.reconcile != "off":
        return _plan(app, "timer", COMPARING + CLEANING + INDEXING, until)
    if adoption.since(app):
        return _plan(app, "timer", CLEANING + INDEXING, until)
    return {**_plan(app, "timer", ("images", *CLEANING, *INDEXING), until), "mode": "report"}


def by_request(app: App) -> Plan:
    """
    The run that a caller wants: everything, even if RECONCILE is off, and all images since the first start.

    The index has a run of its own for callers.
    """
    return _plan(app, "request", COMPARING + CLEANING, app.clock.utc())


def of_directory(app: App, *, images: str, records: str) -> Plan:
    """
    The run after an event of a directory.

    Args:
        app: the app.
        images: the prefix of the images to look at, with a slash at its end; of a directory that was deleted, its own.
        records: the prefix of the image names whose records are looked at: that of the directory before.
    """
    return _plan(app, "event", _OF_DIRECTORY, app.clock.utc(), images=images, records=records)


def forgetting(app: App) -> Plan:
    """The run that only forgets answers whose time has come."""
    return _plan(app, "timer", ("forgetting",), app.clock.utc())


def indexing(app: App, by: Literal["timer", "request"]) -> Plan:
    """The run that only compares the index with the records; one that is requested derives every entry anew."""
    return _plan(app, by, INDEXING, app.clock.utc())


def directory_id(event_id: str) -> str:
    """The instance id of the run after an event: the same where the event comes twice."""
    return f"reconcile-{hashlib.sha256(event_id.encode()).hexdigest()[:40]}"


async def begin(client: DurableClient, instance_id: str, plan: Plan, *, purge: bool = False) -> bool:
    """
    Begin a run; False if one of that id is under way.

    With *purge*, the history of the one before is deleted first. It is for the timer, which fires in one process: to
    delete the history of a run that another process has just begun would end that run.

    Raises:
        StorageError: it could not be begun.
    """
    status = await handover.status_of(client, instance_id)
    if handover.is_under_way(status):
        return False
    if status and purge:
        await handover.purge(client, instance_id)
    try:
        await handover.start(client, ORCHESTRATOR, instance_id, plan)
    except StorageError:
        if handover.is_under_way(await handover.status_of(client, instance_id)):
            return False
        raise
    return True


def _plan(
    app: App,
    by: Literal["timer", "request", "event"],
    phases: Sequence[PhaseName],
    until: datetime,
    *,
    images: str = "",
    records: str = "",
) -> Plan:
    return {
        "id": os.urandom(8).hex(),
        "by": by,
        "mode": "report" if app.settings.reconcile == "report" else "repair",
        "phases": list(phases),
        "began": app.clock.utc().isoformat(),
        "since": first_start.since(app).isoformat(),
        "until": until.isoformat(),
        "images_prefix": images,
        "records_prefix": records,
    }
