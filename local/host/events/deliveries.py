"""
What Event Grid posts to a webhook: handshakes, arrays of its own schema, CloudEvents one by one or in batches.

Event schema and handshakes: https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
and .../end-point-validation-cloud-events-schema.
"""

from collections.abc import Mapping
from typing import Any

from local.host.errors import BadRequestError
from local.json_text import NotJsonError, read_json

Event = dict[str, Any]


def parse_events(body: bytes) -> list[Event]:
    """Return the events of a delivery in either schema, one or many; raises BadRequestError."""
    try:
        content = read_json(body)
    except NotJsonError as error:
        raise BadRequestError(f"the body is no JSON: {error}") from None
    events = content if isinstance(content, list) else [content]
    if not events or not all(isinstance(event, dict) for event in events):
        raise BadRequestError("the body must be an event or an array of events")
    return events


def data_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event's `data`; raises BadRequestError if it is no object."""
    data = event.get("data")
    if not isinstance(data, dict):
        raise BadRequestError("an event must have an object named data")
    return data


def validation_code(events: list[Event]) -> str:
    """
    Return the code that a SubscriptionValidation wants back; raises BadRequestError.

    A subscription for CloudEvents asks with one event whose `data` is a text of JSON.
    """
    first = dict(events[0])
    if isinstance(first.get("data"), str):
        try:
            first["data"] = read_json(first["data"])
        except NotJsonError as error:
            raise BadRequestError(f"data of the SubscriptionValidation event is no JSON: {error}") from None
    code = data_of(first).get("validationCode")
    if not isinstance(code, str):
        raise BadRequestError("a SubscriptionValidation event must have data.validationCode")
    return code


def function_name(query: Mapping[str, str]) -> str:
    """Return the parameter `functionName` of a webhook's address; empty if there is none."""
    return {key.lower(): value for key, value in query.items()}.get("functionname", "")
