"""
A try that may end its worker is written down before it begins.

An activity tries a deferred step again. The platform starts an activity anew whose worker was killed in the middle, for
ever and at once. So RetryStep marks the unfinished record first: `until` is null, and `tries` one more. A try that
finds a mark knows that the one before was interrupted. It waits, longer each time, and after some interrupted tries
the step is failed. A step without an unfinished record has no mark either.

`tries` counts interrupted tries in a row, the one in progress among them. `attempts` counts all failed attempts,
interrupted or not.

A mark carries the id of its try (`try`), by which `unfinished.rewrite` knows a mark that storage has written although
its answer was lost. Marks without an id are the last version's, and another try's like all that have another id.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from shared import log, names
from shared.durable import retries
from shared.errors import BusyError, ConflictError, UploadGivenUpError, UploadInterruptedError
from shared.records import advice, unfinished, unfinished_document
from shared.records.record_store import MAX_ROUNDS
from shared.records.unfinished_document import UnfinishedDocument
from shared.services import App
from shared.uploads import retry_loop

# Before the first try, the second and the third; a chance that killed the worker has passed by then.
WAIT_SECONDS = (60.0, 300.0, 1500.0)
MOST_INTERRUPTED_TRIES = len(WAIT_SECONDS)

_Change = Callable[[App, UnfinishedDocument, str], tuple[UnfinishedDocument, float]]
_logger = logging.getLogger(__name__)


def interrupted(times: int) -> UploadInterruptedError:
    """The error of a step that was begun so often and never came to an end, and is tried again."""
    return UploadInterruptedError(f"{_interrupted(times)} It is tried again by itself.")


@contextmanager
def in_progress(app: App, name: str, steps: Sequence[str], key: str = "") -> Iterator[float]:
    """
    Inside, the steps may be tried if the value is 0; else their last try never ended, and it is seconds to wait.

    A step that was tried too often is failed by then. However the block ends, the worker lives, and the mark goes.
    *key* is the appointment's. It may name a record whose earlier failures no longer count (`shared.durable.retries`).

    Raises:
        StorageError: the mark could not be written.
    """
    own = secrets.token_hex(8)
    waits: dict[str, float] = {}
    try:
        for step in steps:
            waits[step] = _change(app, step, name, own, _begin, key)
        yield max(waits.values())
    finally:
        # Also of a mark that may have been written although storage said that it was not.
        for step in steps:
            if not waits.get(step):
                _change(app, step, name, own, _end)


def put_off(app: App, name: str, steps: Sequence[str], seconds: float, *, if_due: bool = False) -> None:
    """
    Write down in how many seconds steps are tried again; with *if_due* only of those whose turn has come.

    Raises:
        StorageError: it could not be written down.
    """

    def change(app: App, document: UnfinishedDocument, own: str) -> tuple[UnfinishedDocument, float]:
        if if_due and unfinished_document.seconds_until_turn(document, app.clock):
            return document, 0.0
        return {**document, "until": (app.clock.utc() + timedelta(seconds=seconds)).isoformat()}, 0.0

    for step in steps:
        _change(app, step, name, "", change)


def put_off_crash(app: App, name: str, steps: Sequence[str]) -> None:
    """The same after the try has raised, which is counted, because the wait follows from it."""

    def change(app: App, document: UnfinishedDocument, own: str) -> tuple[UnfinishedDocument, float]:
        raised = document.get("raised", 0) + 1
        until = app.clock.utc() + timedelta(seconds=retry_loop.seconds_until_next(raised))
        return {**document, "raised": raised, "until": until.isoformat()}, 0.0

    for step in steps:
        _change(app, step, name, "", change)


def _begin(app: App, document: UnfinishedDocument, own: str) -> tuple[UnfinishedDocument, float]:
    """Mark the step as being tried, or find that the last try never ended."""
    interrupted_tries = int(document.get("tries", 0))
    document = {**document, "try": own}
    if document.get("until") is not None or not interrupted_tries:
        return {**document, "until": None, "tries": interrupted_tries + 1}, 0.0
    failed_attempts = int(document.get("attempts", 0)) + 1
    if interrupted_tries >= MOST_INTERRUPTED_TRIES:
        error = UploadGivenUpError(_interrupted(failed_attempts))
        return {**_with_error(app, document, error, failed_attempts), "state": unfinished_document.FAILED}, 0.0
    wait = WAIT_SECONDS[interrupted_tries]
    until = app.clock.utc() + timedelta(seconds=wait)
    document = _with_error(app, document, interrupted(failed_attempts), failed_attempts)
    return {**document, "until": until.isoformat()}, wait


def _end(app: App, document: UnfinishedDocument, own: str) -> tuple[UnfinishedDocument, float]:
    """Take the mark away, if nothing else was written since."""
    if document.get("until") is not None or document.get("try") != own:
        return document, 0.0
    return {**document, "until": app.clock.utc().isoformat(), "tries": 0}, 0.0


def _with_error(
    app: App, document: UnfinishedDocument, error: UploadGivenUpError | UploadInterruptedError, failed_attempts: int
) -> UnfinishedDocument:
    """The document with this error as the last one."""
    action = advice.for_upload(error, document["source"]["name"], blames_image=False)
    return {
        **document,
        "code": error.code,
        "message": error.message,
        "action": action,
        "requestId": None,
        "attempts": failed_attempts,
        "last": app.clock.utc().isoformat(),
    }


def _interrupted(times: int) -> str:
    return (
        f"Processing this upload was begun {times} times and never came to an end: "
        "each time the worker was killed or the function failed in the middle."
    )


def _change(app: App, step: str, name: str, own: str, change: _Change, key: str = "") -> float:
    """Change the record of a deferred step; the seconds that the change says, 0 if there is no such record."""
    place = names.unfinished(step, name)
    for _ in range(MAX_ROUNDS):
        blob = app.images.read(names.UNFINISHED, place)
        document = unfinished_document.parsed(blob.data) if blob else {}
        if blob and document and retries.is_meant(key, blob):
            document = retries.reopened(app, step, document, 0.0)
        if blob is None or document.get("state") != unfinished_document.DEFERRED:
            return 0.0
        changed, wait = change(app, document, own)
        if changed == document:
            return wait
        try:
            unfinished.rewrite(app.images, blob, changed)
        except ConflictError:
            continue
        if wait or changed["state"] == unfinished_document.FAILED:
            log.event(_logger, "step.interrupted", level=logging.ERROR, blob=name, step=step, tries=changed["tries"])
        return wait
    raise BusyError(f"The record {names.UNFINISHED}/{place} is written by others again and again.")
