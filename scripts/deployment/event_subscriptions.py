"""
What Event Grid is told: which events of the images account go to which function of the app.

Three subscriptions for each app, on the one system topic that the account has. An advanced filter holds for every type
of a subscription, and an event without its key does not pass. No deletion tells a length, so that one subscription
cannot have both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from deployment.resource_ids import ResourceId

VERSION = "2025-02-15"
# The blob trigger that takes its events from Event Grid; the host refuses events for any other name without a word.
FUNCTION = "AnalyzeOnUpload"
# The Event Grid trigger, which takes deletions and the like, and uploads that are too large for the other one.
EVENTS_FUNCTION = "StorageEvents"
CONTAINER = "images"
DEAD_LETTERS = "deadletters"
CREATED, DELETED = "Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"
# How an upload ends, by each way into a storage account; one upload has other events too, before its content is there.
ENDINGS = ("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit")
# The host reads an upload into the instance's memory before the app sees it. A larger one comes as an event
# alone. The app refuses it unread (image_too_large), or tries it where MAX_UPLOAD_MEGABYTES allows more.
LARGEST_UPLOAD_BYTES = 100 * 1024**2
_LONGEST_NAME = 64
_LENGTH = "data.contentLength"
# What these are where they are not said; Azure can leave them out when it shows a subscription.
_DEFAULTS = {
    "maxEventsPerBatch": 1,
    "preferredBatchSizeInKilobytes": 64,
    "eventDeliverySchema": "EventGridSchema",
    "maxDeliveryAttempts": 30,
    "eventTimeToLiveInMinutes": 1440,
    "subjectEndsWith": "",
    "advancedFilters": [],
}


@dataclass(frozen=True, eq=False)
class Kind:
    """
    One of the app's subscriptions.

    Attributes:
        suffix: of its name.
        function: what takes its events.
        types: the types of events.
        rules: the advanced filters, of which each has to hold.
        brings: what comes by it, and what that does: the end of a line.
    """

    suffix: str
    function: str
    types: tuple[str, ...]
    rules: tuple[dict[str, Any], ...]
    brings: str


_WHOLE_UPLOAD = {"operatorType": "StringIn", "key": "data.api", "values": list(ENDINGS)}
UPLOADS = Kind(
    "",
    FUNCTION,
    (CREATED,),
    (_WHOLE_UPLOAD, {"operatorType": "NumberLessThanOrEquals", "key": _LENGTH, "value": LARGEST_UPLOAD_BYTES}),
    f"an upload to the container {CONTAINER!r} starts {FUNCTION}",
)
LARGE = Kind(
    "-large",
    EVENTS_FUNCTION,
    (CREATED,),
    (_WHOLE_UPLOAD, {"operatorType": "NumberGreaterThan", "key": _LENGTH, "value": LARGEST_UPLOAD_BYTES}),
    f"{EVENTS_FUNCTION} is told of an upload of more than {LARGEST_UPLOAD_BYTES // 1024**2} MB",
)
CHANGES = Kind(
    "-events",
    EVENTS_FUNCTION,
    (
        DELETED,
        "Microsoft.Storage.BlobTierChanged",
        # These three come from accounts with a hierarchical namespace alone.
        "Microsoft.Storage.BlobRenamed",
        "Microsoft.Storage.DirectoryRenamed",
        "Microsoft.Storage.DirectoryDeleted",
    ),
    (),
    f"{EVENTS_FUNCTION} is told of what is deleted, renamed or moved to another tier",
)
KINDS = (UPLOADS, LARGE, CHANGES)


def name_of(app: str, kind: Kind) -> str:
    """Return the subscription's name: 3 to 64 letters, digits and hyphens, another one for each app and kind."""
    name = f"blobsight-{app}{kind.suffix}"
    if not kind.suffix or len(name) <= _LONGEST_NAME:
        return name[:_LONGEST_NAME]
    ending = f"-{hashlib.sha256(app.encode()).hexdigest()[:8]}{kind.suffix}"
    return name[: _LONGEST_NAME - len(ending)] + ending


def path_of(topic: ResourceId, app: str, kind: Kind) -> str:
    """Return the subscription's path in Azure."""
    return f"{topic}/eventSubscriptions/{name_of(app, kind)}"


def webhook(app_url: str) -> str:
    """Return the address that takes uploads, without its key."""
    return f"{app_url}/runtime/webhooks/blobs"


def endpoint(app_url: str, key: str) -> str:
    """Return the address that takes uploads, with its key."""
    return f"{webhook(app_url)}?functionName=Host.Functions.{UPLOADS.function}&code={quote(key, safe='')}"


def to_webhook(endpoint_url: str) -> dict[str, Any]:
    """Return the destination of uploads: the blob trigger takes events at an address with a key alone."""
    return _destination("WebHook", {"endpointUrl": endpoint_url})


def to_function(site: ResourceId, kind: Kind) -> dict[str, Any]:
    """Return the destination of what goes to an Event Grid trigger: Event Grid looks its key up by itself."""
    return _destination("AzureFunction", {"resourceId": function_of(site, kind)})


def function_of(site: ResourceId, kind: Kind) -> str:
    """Return the id of the function that takes the events."""
    return f"{site}/functions/{kind.function}"


def _destination(endpoint_type: str, where: dict[str, str]) -> dict[str, Any]:
    # One request, one event: what fails is tried again alone. The blob webhook makes one message of each request.
    batch = {"maxEventsPerBatch": 1, "preferredBatchSizeInKilobytes": 64}
    return {"endpointType": endpoint_type, "properties": {**where, **batch}}


def filter_of(kind: Kind) -> dict[str, Any]:
    """Return which events a subscription lets through, as Azure takes it."""
    return {
        "includedEventTypes": list(kind.types),
        # To its end, or else a container images2 would be meant too. The subject of a renaming is the new name.
        "subjectBeginsWith": f"/blobServices/default/containers/{CONTAINER}/blobs/",
        "subjectEndsWith": "",
        "advancedFilters": [dict(rule) for rule in kind.rules],
    }


def takes_large_uploads(found: dict[str, Any]) -> bool:
    """Tell whether a subscription, as Azure shows it, lets uploads of any length through."""
    rules = ((found.get("properties") or {}).get("filter") or {}).get("advancedFilters") or []
    return not any(str(rule.get("key", "")).lower() == _LENGTH.lower() for rule in rules)


def body(kind: Kind, destination: dict[str, Any], host_account: str) -> dict[str, Any]:
    """
    Return a subscription as Azure takes it.

    Args:
        kind: which of the three.
        destination: where its events go: `to_webhook` or `to_function`.
        host_account: the id of the storage account that keeps what could not be delivered.
    """
    return {
        "properties": {
            "destination": destination,
            "eventDeliverySchema": "EventGridSchema",
            "filter": filter_of(kind),
            # The most that Event Grid offers: an app that is down for less than a day misses nothing.
            "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
            # As the topic's identity, because storage takes no keys.
            "deadLetterWithResourceIdentity": {
                "identity": {"type": "SystemAssigned"},
                "deadLetterDestination": {
                    "endpointType": "StorageBlob",
                    "properties": {"resourceId": host_account, "blobContainerName": DEAD_LETTERS},
                },
            },
        }
    }


def differs(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    """
    Name the first part in which the subscription in Azure is not as wanted; empty where it is.

    Azure adds members of its own, and shows an address without what follows its `?`, so that only its beginning is
    compared here.

    Args:
        wanted: what `body` returns.
        found: the subscription as Azure shows it.
    """
    mine = {**wanted["properties"]}
    theirs = found.get("properties") or {}
    where = {**mine["destination"]["properties"]}
    if "endpointUrl" in where:
        where["endpointBaseUrl"] = where.pop("endpointUrl").partition("?")[0]
    mine["destination"] = {**mine["destination"], "properties": where}
    for part in mine:
        if not _member_holds(theirs, mine, part):
            return str(part)
    return ""


def is_same_address(one: str, other: str) -> bool:
    """Tell whether two addresses lead to the same place with the same key, however each is encoded."""
    return _parts(one) == _parts(other)


def _parts(url: str) -> tuple[str, str, dict[str, list[str]]]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower(), parts.path, parse_qs(parts.query)


def _member_holds(found: dict[str, Any], wanted: dict[str, Any], name: str) -> bool:
    """Tell whether a member is as wanted; one that is not there has its default."""
    value = found.get(name)
    return _holds(_DEFAULTS.get(name) if value is None else value, wanted[name])


def _holds(found: Any, wanted: Any) -> bool:
    """Tell whether all that is wanted is found; texts without regard to case, as Azure writes ids in its own."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_member_holds(found, wanted, name) for name in wanted)
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        return all(any(_holds(one, value) for one in found) for value in wanted)
    if isinstance(wanted, str):
        return isinstance(found, str) and found.lower() == wanted.lower()
    return bool(found == wanted)
