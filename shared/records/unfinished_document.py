"""The content of an unfinished record."""

import json
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypedDict

from shared.clock import Clock

DEFERRED: Final = "deferred"
FAILED: Final = "failed"
State = Literal["deferred", "failed"]

# A keyword, which a class cannot have as a member.
_Try = TypedDict("_Try", {"try": str}, total=False)


class UnfinishedDocument(_Try, TypedDict, total=False):
    """
    One step that an image misses, and why; empty if the blob cannot be read.

    Attributes:
        source: the head that every record of the image's version has.
        request: the questions of the records that the step was to make.
        state: whether the step is tried again by itself.
        code, message, action, requestId: the last error.
        attempts: how many attempts have failed so far, those that never came to an end among them.
        first, last: when the first attempt failed, and the last one.
        until: when it is tried again; past once that try has begun, and null while `RetryStep` tries it. `Turn` is
            what callers are told. Of a failure it means nothing.
        tries: how many tries in a row never came to an end, with the one in progress
            (`shared.uploads.attempt_mark`); absent before the first.
        try: the id of the try that has changed the record last.
        raised: how many tries in a row have ended with an error that the app did not expect; absent before the first.
    """

    source: dict[str, Any]
    request: list[str]
    state: State
    code: str
    message: str
    action: str
    attempts: int
    first: str
    last: str
    until: str | None
    requestId: str | None
    tries: int
    raised: int


class Turn(TypedDict):
    """
    When a deferred step is tried again. Exactly one of the two says it; of a failure neither does.

    Attributes:
        until: a moment ahead.
        running: whether it is being tried now, or its turn has come.
    """

    until: str | None
    running: bool


def turn(document: UnfinishedDocument, state: str | None, clock: Clock) -> Turn:
    """When the step of a record in that state is tried again, as callers are told."""
    if state != DEFERRED:
        return {"until": None, "running": False}
    until = document.get("until")
    ahead = until is not None and datetime.fromisoformat(until) > clock.utc()
    return {"until": until if ahead else None, "running": not ahead}


def seconds_until_turn(document: UnfinishedDocument, clock: Clock) -> float:
    """Seconds until a deferred step's turn comes; 0 if it has come, or if none is arranged."""
    until = turn(document, document.get("state"), clock)["until"]
    return (datetime.fromisoformat(until) - clock.utc()).total_seconds() if until else 0.0


def serialized(document: UnfinishedDocument) -> bytes:
    """The record's bytes."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def parsed(data: bytes) -> UnfinishedDocument:
    """The document of a record's bytes; empty if they are none."""
    try:
        document: UnfinishedDocument = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def reopened(document: UnfinishedDocument, clock: Clock, wait_seconds: float) -> UnfinishedDocument:
    """The document of a step that a caller wants to have tried again after so many seconds."""
    until = clock.utc() + timedelta(seconds=wait_seconds)
    return {**document, "state": DEFERRED, "attempts": 0, "tries": 0, "raised": 0, "until": until.isoformat()}
