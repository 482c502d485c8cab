"""
The index, made anew from the records: begun at the first start after an upgrade, at night, and by request.

Nothing is asked of Computer Vision, so it costs nothing but requests to storage. A run of its own has the instance id
`index`, so that two processes that begin it at once begin one.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from shared import names, services
from shared.durable import handover
from shared.durable.handover import DurableClient, InstanceStatus
from shared.index import places
from shared.lifecycle import plans
from shared.lifecycle.reconcile_loop import INDEX_ID, Counts, Plan
from shared.records.unfinished_document import parsed
from shared.services import App

# For so long after the first run, the version before may run beside this one.
_BESIDE = timedelta(hours=1)


class State(TypedDict):
    """
    How far the index is.

    Attributes:
        state: `never` before the first run; `failed` if the last run was given up.
        images: those whose entry was compared with their records, by the run under way or the last one that ended.
        changed: those whose entry was made or changed.
        gone: entries of images that are gone.
        began, ended: that run's, ISO 8601; null where it has not.
        problem: why the last run was given up; else null.
    """

    state: Literal["never", "running", "ended", "failed"]
    images: int
    changed: int
    gone: int
    began: str | None
    ended: str | None
    problem: str | None


async def begin(app: App, client: DurableClient) -> bool:
    """
    Have every entry derived anew; False if a run is under way, which goes on.

    Raises:
        StorageError: it could not be begun.
    """
    plan = await services.in_thread(app.threads, lambda: plans.indexing(app, "request"))
    return await plans.begin(client, INDEX_ID, plan)


async def begin_due(app: App, client: DurableClient) -> bool:
    """
    Begin a run if none has ever ended, as after an upgrade, and another an hour later; whether one was begun.

    For a timer. Instances of the version before, which still run beside the first run, tell the index nothing.

    Raises:
        StorageError: storage or the Functions host did not answer; the next time finds it due again.
    """
    plan = await services.in_thread(app.threads, lambda: _due(app))
    return plan is not None and await plans.begin(client, INDEX_ID, plan, purge=True)


async def state(app: App, client: DurableClient) -> State:
    """
    How far the run of the index is, or how the last one ended.

    Raises:
        StorageError: storage or the Functions host did not answer.
    """
    status = await handover.status_of(client, INDEX_ID)
    if handover.is_under_way(status):
        return _running(status)
    built = await services.in_thread(app.threads, lambda: _built(app))
    outcome: Any = status.output if status else None
    problem = outcome.get("problem") if isinstance(outcome, dict) else None
    return {**built, "state": "failed", "problem": str(problem)} if problem else built


def note_built(app: App, plan: Plan, counts: Counts) -> None:
    """Note that every record has been compared with the index, and what came of it."""
    content: dict[str, Any] = {"began": plan["began"], "ended": app.clock.utc().isoformat(), **_numbers(counts)}
    content["first"] = app.host.head(names.INDEX, places.BUILT) is None
    app.host.write(names.INDEX, places.BUILT, json.dumps(content).encode(), content_type=names.JSON)


def _due(app: App) -> Plan | None:
    blob = app.host.read(names.INDEX, places.BUILT)
    told = parsed(blob.data) if blob else {}
    is_done = blob is not None and not (told.get("first") and _is_old(app, str(told.get("ended"))))
    return None if is_done else plans.indexing(app, "timer")


def _is_old(app: App, ended: str) -> bool:
    """Whether no instance of the version before is left since: its last invocations end within minutes."""
    try:
        return datetime.fromisoformat(ended) <= app.clock.utc() - _BESIDE
    except (ValueError, TypeError):
        return True


def _running(status: InstanceStatus | None) -> State:
    said = status.custom_status if status else None
    counts: Counts = said.get("counts", {}) if isinstance(said, dict) else {}
    given = handover.given_to(status) if status else None
    plan = given.get("plan", given) if given else {}
    began = plan.get("began") if isinstance(plan, dict) else None
    return {**_state("running", _numbers(counts)), "began": began}


def _built(app: App) -> State:
    blob = app.host.read(names.INDEX, places.BUILT)
    told: dict[str, Any] = dict(parsed(blob.data)) if blob else {}
    if not told:
        return _state("never", {})
    return {**_state("ended", told), "began": told.get("began"), "ended": told.get("ended")}


def _state(state: Literal["never", "running", "ended"], told: dict[str, Any]) -> State:
    numbers = {key: int(told.get(key, 0)) for key in ("images", "changed", "gone")}
    return {
        "state": state,
        "images": numbers["images"],
        "changed": numbers["changed"],
        "gone": numbers["gone"],
        "began": None,
        "ended": None,
        "problem": None,
    }


def _numbers(counts: Counts) -> dict[str, int]:
    return {
        "images": counts.get("indexed", 0),
        "changed": counts.get("index_changed", 0),
        "gone": counts.get("index_gone", 0),
    }
