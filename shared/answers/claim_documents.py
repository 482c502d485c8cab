"""
What a claim's blob holds: JSON in one of three states, each with the keys that it has, in their order.

`asking` is a claim whose holder asks the service now, or has died over it. `answered` and `refused` are what the
service said. Times are ISO 8601 with their offset.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict, TypeGuard, assert_never

from shared import names
from shared.errors import BlobsightError, ImageRejectedError, PayloadTooLargeError, UnexpectedAnswerError
from shared.json_types import Json
from shared.vision.calls import lost
from shared.vision.fields import typed
from shared.vision.models import Answer
from shared.vision.questions import Question


class _WithCalls(TypedDict):
    calls: NotRequired[Sequence[Json]]


class Asking(TypedDict):
    """
    A call is under way, or had no answer. `by` is the lease's id; `until` is when the lease ends, unless it is renewed.

    In each state `calls` are those that were made for the question (`vision.calls.Call.told`), as far as they are
    known; claims of earlier versions do not tell them. One without `ended` is under way, or its worker was killed.
    """

    state: Literal["asking"]
    question: str
    by: str
    since: str
    until: str
    calls: NotRequired[Sequence[Json]]


class Answered(TypedDict):
    """
    An answer, since `at`: JSON in `body`, other bytes in `base64`. `expires` is None if it serves for ever.

    `sent` tells which copy of the image was asked about; the answer's places are those of the image itself. `polls` is
    how often the service was asked for what was read.
    """

    state: Literal["answered"]
    question: str
    at: str
    expires: str | None
    requestId: str | None
    contentType: str
    body: NotRequired[object]
    base64: NotRequired[str]
    sent: NotRequired[Mapping[str, object]]
    calls: NotRequired[Sequence[Json]]
    polls: NotRequired[int]


class Refused(TypedDict):
    """The service refuses the image, with the error's code, message and action; `tooLarge` tells which error."""

    state: Literal["refused"]
    question: str
    at: str
    requestId: str | None
    code: str
    message: str
    action: str
    tooLarge: bool
    calls: NotRequired[Sequence[Json]]


Said = Answered | Refused
ClaimDocument = Asking | Said


def read(data: bytes) -> ClaimDocument | None:
    """A claim's document; None of one that cannot be read, which counts as a claim whose holder is gone."""
    try:
        document = json.loads(data)
        return document if _is_claim(document) else None
    except (ValueError, KeyError, TypeError, RecursionError, UnexpectedAnswerError):
        return None


def _is_claim(document: Any) -> TypeGuard[ClaimDocument]:
    """Whether it has what its state needs; raises where a member is missing or another thing than it should be."""
    state = document["state"]
    if state == "answered":
        _ = document["contentType"], document["requestId"]
        is_expired(document, datetime.now(UTC), 0.0)  # which compares its times, so they need a zone
        if "body" in document:
            typed(document["body"], dict, "body")
        else:
            base64.b64decode(document["base64"], validate=True)
    elif state == "refused":
        _refusal(document)
    return state in ("asking", "answered", "refused")


def write(document: ClaimDocument) -> bytes:
    """The document as its blob has it."""
    return json.dumps(document, ensure_ascii=False).encode()


def metadata(document: ClaimDocument) -> dict[str, str]:
    """What the blob's metadata tell, so that a listing shows which claims serve no longer."""
    said = {names.SAID_AT: document["at"]} if document["state"] != "asking" else {}
    return {names.CLAIM_STATE: document["state"], **said}


def said_at(told: Mapping[str, str]) -> datetime | None:
    """Since when an answer or a refusal stands, by its blob's metadata; None where these do not tell it."""
    with suppress(KeyError, ValueError):
        at = datetime.fromisoformat(told[names.SAID_AT])
        return at if at.tzinfo else None
    return None


def asking(
    question: Question, *, lease: str, since: datetime, seconds: float, calls: Sequence[Json] | None = None
) -> Asking:
    """The document of a call that begins under a lease of so many seconds, or has ended without an answer."""
    return {
        "state": "asking",
        "question": question.text,
        "by": lease,
        "since": since.isoformat(),
        "until": (since + timedelta(seconds=seconds)).isoformat(),
        **_told(calls),
    }


def answered(
    question: Question,
    answer: Answer,
    *,
    at: datetime,
    lifetime_seconds: float | None,
    calls: Sequence[Json] | None = None,
    polls: int = 0,
) -> Answered:
    """
    The document of an answer that is given *at* that time, unless it was given before; it serves for so many seconds,
    or for ever.

    Raises:
        UnexpectedAnswerError: it says that it is JSON, and is none.
    """
    at = answer.at or at
    document: Answered = {
        "state": "answered",
        "question": question.text,
        "at": at.isoformat(),
        "expires": None if lifetime_seconds is None else (at + timedelta(seconds=lifetime_seconds)).isoformat(),
        "requestId": answer.request_id,
        "contentType": answer.content_type,
    }
    if answer.content_type == names.JSON:
        document["body"] = answer.json()
    else:
        document["base64"] = base64.b64encode(answer.body).decode()
    if answer.sent:
        document["sent"] = answer.sent
    if polls:
        document["polls"] = polls
    return {**document, **_told(calls)}


def refused(question: Question, error: BlobsightError, *, at: datetime, calls: Sequence[Json] | None = None) -> Refused:
    """The document of a refusal."""
    return {
        "state": "refused",
        "question": question.text,
        "at": at.isoformat(),
        "requestId": error.request_id,
        "code": error.code,
        "message": error.message,
        "action": error.action,
        "tooLarge": isinstance(error, PayloadTooLargeError),
        **_told(calls),
    }


def calls_of(document: ClaimDocument | None) -> list[Json]:
    """The calls that a claim tells; damaged ones are left out."""
    told = document.get("calls", ()) if document else ()
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list | tuple) else []


def calls_taken_over(document: ClaimDocument | None) -> list[Json]:
    """
    The calls of a claim whose holder is gone, or whose answer serves no longer.

    Of an earlier version's no more is known than when it was made, or when its answer came: that is one call, whose
    billing is `untold`.
    """
    if document is None or "calls" in document:
        return lost(calls_of(document))
    if document["state"] == "asking":
        return [{"begun": document["since"], "lost": True}] if "since" in document else []
    told: Json = {"ended": document.get("at"), "untold": True}
    if document["requestId"]:
        told["requestId"] = document["requestId"]
    return [{**told, "problem": document["code"]} if document["state"] == "refused" else told]


def _told(told: Sequence[Json] | None) -> _WithCalls:
    return {} if told is None else {"calls": list(told)}


def is_expired(document: Answered, now: datetime, lifetime_seconds: float | None) -> bool:
    """Whether the answer serves no longer: by what it says itself, or because no answer of that age does."""
    ends = [datetime.fromisoformat(document["expires"])] if document["expires"] else []
    if lifetime_seconds is not None:
        ends.append(datetime.fromisoformat(document["at"]) + timedelta(seconds=lifetime_seconds))
    return any(end <= now for end in ends)


def answer(document: Answered) -> Answer:
    """The answer, which was paid for when it was stored."""
    body = json.dumps(document["body"]).encode() if "body" in document else base64.b64decode(document["base64"])
    return Answer(
        document["contentType"],
        body,
        document["requestId"],
        paid=False,
        sent=document.get("sent"),
        at=datetime.fromisoformat(document["at"]),
    )


def said(document: Said) -> Answer:
    """
    The answer, which was paid for when it was stored.

    Raises:
        ImageRejectedError, PayloadTooLargeError: the service's refusal.
    """
    if document["state"] == "answered":
        return answer(document)
    if document["state"] == "refused":
        raise _refusal(document)
    assert_never(document)


def _refusal(document: Refused) -> BlobsightError:
    kind = PayloadTooLargeError if document["tooLarge"] else ImageRejectedError
    return kind(document["message"], code=document["code"], action=document["action"], request_id=document["requestId"])
