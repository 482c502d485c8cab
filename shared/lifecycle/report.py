"""
The report of a run: lines in the log, and for a whole comparison `reconciliation/last.json` (host account).

The blob holds the last comparison of everything and the one that is under way. Runs that only clean, and those of a
directory, are told by the log alone.
"""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, TypedDict

from shared import log, names
from shared.errors import ConflictError
from shared.lifecycle.reconcile_loop import Counts, PageWork, Plan
from shared.services import App
from shared.storage.blobs import IfEtag

_MOST_ROUNDS = 8
_logger = logging.getLogger(__name__)


class Comparison(TypedDict):
    """A comparison of everything that has ended: how, when it began, and what it found."""

    by: str
    mode: str
    state: Literal["ended", "failed"]
    began: str
    ended: str
    since: str
    counts: Counts
    problem: str | None


class LastDocument(TypedDict):
    """
    The content of `reconciliation/last.json`.

    Attributes:
        timer: when the timer has last begun its nightly run; null before the first.
        running: the plan of the comparison that is under way; null if none is.
        last: the last comparison that ended; null before the first.
    """

    timer: str | None
    running: Plan | None
    last: Comparison | None


def read(app: App) -> LastDocument:
    """
    The document; empty before the first run.

    Raises:
        StorageError: storage did not answer.
    """
    return _read(app)[0]


def tell(app: App, work: PageWork) -> None:
    """Tell a run's beginning or its end. Told twice, it is the same."""
    plan, counts = work["plan"], work["counts"]
    if not work["ended"]:
        _change(app, lambda document: _begun(document, plan))
        log.event(
            _logger,
            "reconciliation.started",
            by=plan["by"],
            mode=plan["mode"],
            phases=",".join(plan["phases"]),
            since=plan["since"],
        )
        return
    _change(app, lambda document: _ended(app, document, work))
    log.event(
        _logger,
        "reconciliation.ended",
        level=logging.ERROR if work["problem"] else logging.INFO,
        by=plan["by"],
        mode=plan["mode"],
        phases=",".join(plan["phases"]),
        images=counts.get("images", 0),
        without_result=counts.get("without_result", 0),
        started=counts.get("started", 0),
        older=counts.get("older", 0),
        orphans=counts.get("orphans", 0),
        records_deleted=counts.get("records_deleted", 0),
        answers_forgotten=counts.get("answers_forgotten", 0),
        indexed=counts.get("indexed", 0),
        index_changed=counts.get("index_changed", 0),
        index_gone=counts.get("index_gone", 0),
        seconds=(app.clock.utc() - datetime.fromisoformat(plan["began"])).total_seconds(),
        problem=work["problem"],
    )


def section(app: App) -> dict[str, object] | None:
    """
    What the health report says of the comparison; None before the first.

    Raises:
        StorageError: storage did not answer.
    """
    document = read(app)
    last, running = document["last"], document["running"]
    known = last or running
    if known is None:
        return None
    counts: Counts = last["counts"] if last else {}
    whole = last is not None and last["state"] == "ended"

    def count(name: str) -> int | None:
        return counts.get(name, 0) if last else None  # type: ignore[return-value]  # counts are whole numbers

    return {
        # A comparison that was given up has not looked at every image.
        "imagesWithoutResult": count("without_result") if whole else None,
        "checkedAt": last["began"] if last else None,
        "images": count("images"),
        "started": count("started"),
        "waitForBackfill": count("older"),
        "recordsRemoved": count("records_deleted"),
        "answersForgotten": count("answers_forgotten"),
        "mode": known["mode"],
        "state": "running" if running else last and last["state"],
        "since": known["since"],
    }


def is_comparison(plan: Plan) -> bool:
    """Whether a run compares everything."""
    return "images" in plan["phases"] and not plan["images_prefix"] and plan["by"] != "event"


def _is_nightly(plan: Plan) -> bool:
    return plan["by"] == "timer" and len(plan["phases"]) > 1


def _begun(document: LastDocument, plan: Plan) -> LastDocument:
    if is_comparison(plan):
        document = {**document, "running": plan}
    elif _is_nightly(plan):
        # It has the id of a comparison, so none is under way: one that was ended from outside has not said so.
        document = {**document, "running": None}
    return {**document, "timer": plan["began"] if _is_nightly(plan) else document["timer"]}


def _ended(app: App, document: LastDocument, work: PageWork) -> LastDocument:
    plan = work["plan"]
    if not is_comparison(plan):
        return document
    last: Comparison = {
        "by": plan["by"],
        "mode": plan["mode"],
        "state": "failed" if work["problem"] else "ended",
        "began": plan["began"],
        "ended": app.clock.utc().isoformat(),
        "since": plan["since"],
        "counts": work["counts"],
        "problem": work["problem"],
    }
    return {**document, "running": None, "last": last}


def _read(app: App) -> tuple[LastDocument, str | None]:
    """The document and its ETag. A member that is none of this version's is as if it were not there."""
    blob = app.host.read(names.RECONCILIATION, names.LAST_RECONCILIATION)
    content: Any = None
    with suppress(ValueError):  # one that is damaged must not keep every night's run from beginning
        content = json.loads(blob.data) if blob else None
    members = content if isinstance(content, dict) else {}
    timer, running, last = (members.get(name) for name in ("timer", "running", "last"))
    document: LastDocument = {
        "timer": timer if _is_moment(timer) else None,
        "running": running if _has(running, "mode", "since", "began") else None,
        "last": last if _has(last, "mode", "since", "began", "state", counts=dict) else None,
    }
    return document, blob.info.etag if blob else None


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _has(value: object, *texts: str, **others: type) -> bool:
    """Whether it is an object with members of these kinds."""
    kinds = {**dict.fromkeys(texts, str), **others}
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in kinds.items())


def _change(app: App, change: Callable[[LastDocument], LastDocument]) -> None:
    """Change the document, which the run of a caller and that of the timer may both do."""
    for rounds_left in reversed(range(_MOST_ROUNDS)):
        before, etag = _read(app)
        after = change(before)
        if after == before:
            return
        content = json.dumps(after, indent=1).encode()
        try:
            app.host.write(
                names.RECONCILIATION,
                names.LAST_RECONCILIATION,
                content,
                content_type=names.JSON,
                condition=IfEtag(etag),
            )
            return
        except ConflictError:
            if not rounds_left:
                raise
