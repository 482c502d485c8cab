"""
A try that may end its worker is written down before it begins.

What has to wait is tried again by an activity, and the platform starts an activity anew whose worker was killed in the
middle, for ever and at once. So RetryStep marks the unfinished record first (`until` null, `tries` one more), and what
comes back to a mark knows that the try before it never came to an end: it waits, longer each time, and after some such
tries the step is failed. Where nothing is written down about a step, nothing is marked either.

A mark carries the id of its try (`try`), by which `unfinished.rewrite` knows a mark that storage has written although
its answer was lost. Marks without an id are the last version's, and another try's like all that have another id.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from shared import log, names
from shared.errors import BusyError, ConflictError, UploadGivenUpError, UploadInterruptedError
from shared.json_types import Json
from shared.records import unfinished
from shared.records.record_store import MAX_ROUNDS
from shared.services import App

# Before the first try, the second and the third; what killed the worker by chance has passed by then.
WAIT_SECONDS = (60.0, 300.0, 1500.0)
MOST_TRIES = len(WAIT_SECONDS)

_logger = logging.getLogger(__name__)


def interrupted(times: int) -> UploadInterruptedError:
    """The error of a step that was begun so often and never came to an end, and is tried again."""
    return UploadInterruptedError(f"{_interrupted(times)} It is tried again by itself.")


@contextmanager
def marked(app: App, name: str, steps: Sequence[str]) -> Iterator[float]:
    """
    Inside, the steps may be tried if the value is 0; else their last try never ended, and it is seconds to wait.

    A step that was tried too often is failed by then. However the block ends, the worker lives, and the mark goes.

    Raises:
        StorageError: the mark could not be written.
    """
    own = secrets.token_hex(8)
    waits: dict[str, float] = {}
    try:
        for step in steps:
            waits[step] = _change(app, step, name, own, _begin)
        yield max(waits.values())
    finally:
        # Also of a mark that may have been written although storage said that it was not.
        for step in steps:
            if not waits.get(step):
                _change(app, step, name, own, _end)


def _begin(app: App, document: Json, own: str) -> tuple[Json, float]:
    """Mark the step as being tried, or find that the last try never ended."""
    tries = int(document.get("tries", 0))
    document = {**document, "try": own}
    if document.get("until") is not None or not tries:
        return {**document, "until": None, "tries": tries + 1}, 0.0
    attempts = int(document.get("attempts", 0)) + 1
    if tries >= MOST_TRIES:
        error = UploadGivenUpError(_interrupted(attempts))
        return {**_told(app, document, error, attempts), "state": unfinished.FAILED}, 0.0
    wait = WAIT_SECONDS[tries]
    until = app.clock.utc() + timedelta(seconds=wait)
    return {**_told(app, document, interrupted(attempts), attempts), "until": until.isoformat()}, wait


def _end(app: App, document: Json, own: str) -> tuple[Json, float]:
    """Take the mark away, if nothing else was written since."""
    if document.get("until") is not None or document.get("try") != own:
        return document, 0.0
    return {**document, "until": app.clock.utc().isoformat(), "tries": 0}, 0.0


def _told(app: App, document: Json, error: UploadGivenUpError | UploadInterruptedError, attempts: int) -> Json:
    told = {"code": error.code, "message": error.message, "action": error.action, "requestId": None}
    return {**document, **told, "attempts": attempts, "last": app.clock.utc().isoformat()}


def _interrupted(times: int) -> str:
    return (
        f"Processing this upload was begun {times} times and never came to an end: "
        "each time the worker was killed or the function failed in the middle."
    )


def _change(app: App, step: str, name: str, own: str, change: Callable[[App, Json, str], tuple[Json, float]]) -> float:
    """Change the record of a deferred step; the seconds that the change says, 0 if there is no such record."""
    place = names.unfinished(step, name)
    for _ in range(MAX_ROUNDS):
        blob = app.images.read(names.UNFINISHED, place)
        document = unfinished.parsed(blob.data) if blob else {}
        if blob is None or document.get("state") != unfinished.DEFERRED:
            return 0.0
        changed, wait = change(app, document, own)
        if changed == document:
            return wait
        try:
            unfinished.rewrite(app.images, blob, changed)
        except ConflictError:
            continue
        if wait or changed["state"] == unfinished.FAILED:
            log.event(_logger, "step.interrupted", level=logging.ERROR, blob=name, step=step, tries=changed["tries"])
        return wait
    raise BusyError(f"The record {names.UNFINISHED}/{place} is written by others again and again.")
