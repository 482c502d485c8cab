"""The names that Azure knows in what a deployment sends, and the versions of each type: facts, written by hand."""

import re
from typing import Any

# Pattern of the path, in lower case -> versions.
VERSIONS: list[tuple[str, tuple[str, ...]]] = [
    (r"/providers/microsoft\.authorization/roleassignments", ("2022-04-01",)),
    (r"/providers/microsoft\.eventgrid/systemtopics|^/operations/", ("2022-06-15", "2025-02-15")),
    (r"/providers/microsoft\.storage/storageaccounts", ("2023-05-01", "2024-01-01", "2025-06-01")),
    (r"/providers/microsoft\.cognitiveservices/accounts", ("2023-05-01", "2024-10-01", "2025-06-01")),
    (r"/providers/microsoft\.web/sites/", ("2024-04-01",)),
    (r"/providers/microsoft\.consumption/budgets", ("2023-11-01",)),
    (r"^/subscriptions/[^/]+/(resourcegroups|providers/[^/]+(/register)?)$", ("2021-04-01",)),
    (r"^/subscriptions/[^/]+$", ("2022-12-01",)),
]

_ANY = None
_ROLE = {"roleDefinitionId": _ANY, "principalId": _ANY, "principalType": _ANY, "description": _ANY}
_BATCH = {"maxEventsPerBatch": _ANY, "preferredBatchSizeInKilobytes": _ANY}
# By `endpointType`: what one has, another does not know.
_DESTINATIONS = {"WebHook": {"endpointUrl": _ANY, **_BATCH}, "AzureFunction": {"resourceId": _ANY, **_BATCH}}
_BLOBS = {"resourceId": _ANY, "blobContainerName": _ANY}
_SUBSCRIPTION = {
    "destination": {"endpointType": _ANY, "properties": _ANY},
    "eventDeliverySchema": _ANY,
    "filter": {
        "includedEventTypes": _ANY,
        "subjectBeginsWith": _ANY,
        "subjectEndsWith": _ANY,
        "isSubjectCaseSensitive": _ANY,
        "enableAdvancedFilteringOnArrays": _ANY,
        "advancedFilters": {"operatorType": _ANY, "key": _ANY, "values": _ANY, "value": _ANY},
    },
    "retryPolicy": {"maxDeliveryAttempts": _ANY, "eventTimeToLiveInMinutes": _ANY},
    "deadLetterWithResourceIdentity": {
        "identity": {"type": _ANY, "userAssignedIdentity": _ANY},
        "deadLetterDestination": {"endpointType": _ANY, "properties": _BLOBS},
    },
}
_SHAPES: list[tuple[str, Any]] = [
    (r"/roleassignments/[0-9a-f-]{36}$", {"properties": _ROLE}),
    (r"/eventsubscriptions/[a-z0-9-]{3,64}$", {"properties": _SUBSCRIPTION}),
    (r"/containers/[a-z0-9-]{3,63}$", {"properties": {"publicAccess": _ANY}}),
    (r"/systemtopics/[^/]+$", {"identity": {"type": _ANY, "userAssignedIdentities": _ANY}, "tags": _ANY}),
]


def unknown_members(path: str, body: Any) -> list[str]:
    """Return the members of a body that Azure does not know at this path; the path itself where nothing fits it."""
    for pattern, shape in _SHAPES:
        if re.search(pattern, path):
            return _unknown(shape, body, "") + _unknown_of_destination(body)
    return [path]


def _unknown_of_destination(body: Any) -> list[str]:
    """Return the members that the destination of an event subscription does not have, as its type is."""
    destination = body.get("properties", {}).get("destination") if isinstance(body, dict) else None
    if not destination:
        return []
    shape = _DESTINATIONS.get(destination.get("endpointType"))
    at, given = "/properties/destination/properties", destination.get("properties", {})
    if shape is None:
        return ["/properties/destination/endpointType"]
    return _unknown(shape, given, at) + [f"{at} without {name}" for name in shape if name not in given]


def _unknown(shape: Any, body: Any, at: str) -> list[str]:
    if shape is _ANY:
        return []
    if isinstance(body, list):
        return [name for one in body for name in _unknown(shape, one, at)]
    if not isinstance(body, dict):
        return [at]
    found = [f"{at}/{name}" for name in body if name not in shape]
    return found + [one for name in shape if name in body for one in _unknown(shape[name], body[name], f"{at}/{name}")]
