"""
The records of a batch, in and out.

A record that is wrong is answered with its own error, so that it does not keep the others from being indexed. Ids tell
records apart within one batch only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from shared.errors import BadRequestError, BlobsightError, PayloadTooLargeError
from shared.json_types import Json
from shared.untrusted import json_object
from shared.untrusted.characters import fault, shown

# `batchSize` of a skill is 1000 by default; a larger one cannot be done in time anyway.
MOST_RECORDS = 1000
_LONGEST_ID_CHARACTERS = 1024
_EXPECTED = 'expected {"values": [{"recordId": "...", "data": {"image": ...}}, ...]}'
_ACTION = "Send each record with an id of its own; Azure AI Search does that by itself."


class Record(NamedTuple):
    """
    One record.

    Attributes:
        id: its id; empty where it has none that can be one.
        data: the skill's inputs by their names.
        problem: why it cannot be looked at, or None.
    """

    id: str
    data: Json
    problem: BlobsightError | None = None


def parsed(body: bytes) -> list[Record]:
    """
    The records of a request's body. Members beside those of the contract are passed over.

    Raises:
        BadRequestError: `bad_json`: it is no JSON object with a list `values`.
        PayloadTooLargeError: `batch_too_large`.
    """
    members = json_object.loaded(body, _EXPECTED)
    values = members.pop("values", None)
    for name, value in members.items():
        problem = json_object.fault_inside(value)
        if problem:
            json_object.refuse(f"The member {shown(name)} {problem}", _EXPECTED)
    if not isinstance(values, list):
        what = "is missing" if values is None else f"is {json_object.described(values)}, not a list"
        json_object.refuse(f"The member values {what}", _EXPECTED)
    if len(values) > MOST_RECORDS:
        raise PayloadTooLargeError(
            f"The batch has {len(values)} records; at most {MOST_RECORDS} are possible.",
            code="batch_too_large",
            action="Set batchSize of the skill to 4, or to another number of at most 1000.",
        )
    counted = Counter(map(_id_of, values))
    return [_record(value, _id_of(value), counted) for value in values]


def _id_of(value: Any) -> str:
    found = value.get("recordId") if isinstance(value, dict) else None
    return found if isinstance(found, str) and not fault(found, _LONGEST_ID_CHARACTERS) else ""


def _record(value: Any, record_id: str, counted: Counter[str]) -> Record:
    data = value.get("data") if isinstance(value, dict) else None
    problem = None
    if not record_id:
        problem = "The record has no recordId that is a text of 1 to 1024 characters."
    elif counted[record_id] > 1:
        problem = f"The recordId {shown(record_id)} is there {counted[record_id]} times in the batch."
    if problem:
        return Record(record_id, {}, BadRequestError(problem, code="bad_json", action=_ACTION))
    if not isinstance(data, dict):
        what = "is missing" if data is None else f"is {json_object.described(data)}, not an object"
        problem = f"The member data of the record {what}."
        action = "Give the skill an input: image, url or name."
        return Record(record_id, {}, BadRequestError(problem, code="bad_json", action=action))
    return Record(record_id, data)


def answered(record: Record, output: Json, warnings: Sequence[str]) -> Json:
    """A record that was answered, with warnings about it."""
    return {"recordId": record.id, "data": output, "errors": None, "warnings": _messages(warnings) or None}


def refused(record: Record, error: BlobsightError) -> Json:
    """A record with its error. Azure AI Search takes no data beside an error, so there is none."""
    said = f"{error.message} {error.action} ({error.code})"
    return {"recordId": record.id, "data": {}, "errors": _messages([said]), "warnings": None}


def _messages(texts: Iterable[str]) -> list[Json]:
    return [{"message": text} for text in texts]
