"""
What Event Grid is told: which events of the images account go to which address of the app.

One subscription for each app, by the name `blobsight-{app}`, on the one system topic that the account has.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from deployment.resource_ids import ResourceId

VERSION = "2025-02-15"
# The blob trigger that takes its events from Event Grid; the host refuses events for any other name without a word.
FUNCTION = "AnalyzeOnUpload"
CONTAINER = "images"
DEAD_LETTERS = "deadletters"
# How an upload ends, by each way into a storage account; one upload has other events too, before its content is there.
UPLOADS = ("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit")
_LONGEST_NAME = 64
# What these are where they are not said; Azure can leave them out when it shows a subscription.
_DEFAULTS = {
    "maxEventsPerBatch": 1,
    "preferredBatchSizeInKilobytes": 64,
    "eventDeliverySchema": "EventGridSchema",
    "maxDeliveryAttempts": 30,
    "eventTimeToLiveInMinutes": 1440,
    "subjectEndsWith": "",
}


def name_of(app: str) -> str:
    """Return the subscription's name: 3 to 64 letters, digits and hyphens."""
    return f"blobsight-{app}"[:_LONGEST_NAME]


def path_of(topic: ResourceId, app: str) -> str:
    """Return the subscription's path in Azure."""
    return f"{topic}/eventSubscriptions/{name_of(app)}"


def webhook(app_url: str) -> str:
    """Return the address that takes the events, without its key."""
    return f"{app_url}/runtime/webhooks/blobs"


def endpoint(app_url: str, key: str) -> str:
    """Return the address that takes the events, with its key."""
    return f"{webhook(app_url)}?functionName=Host.Functions.{FUNCTION}&code={quote(key, safe='')}"


def body(endpoint_url: str, host_account: str) -> dict[str, Any]:
    """
    Return the subscription as Azure takes it.

    Args:
        endpoint_url: where events go, with the key.
        host_account: the id of the storage account that keeps what could not be delivered.
    """
    return {
        "properties": {
            "destination": {
                "endpointType": "WebHook",
                "properties": {
                    "endpointUrl": endpoint_url,
                    # The webhook makes one message of each request.
                    "maxEventsPerBatch": 1,
                    "preferredBatchSizeInKilobytes": 64,
                },
            },
            "eventDeliverySchema": "EventGridSchema",
            "filter": {
                "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
                # To its end, or else a container images2 would be meant too.
                "subjectBeginsWith": f"/blobServices/default/containers/{CONTAINER}/blobs/",
                "subjectEndsWith": "",
                "advancedFilters": [{"operatorType": "StringIn", "key": "data.api", "values": list(UPLOADS)}],
            },
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


def differs(wanted: dict[str, Any], found: dict[str, Any], app_url: str) -> str:
    """
    Name the first part in which the subscription in Azure is not as wanted; empty where it is.

    Azure adds members of its own, and shows the address without what follows its `?`, so that only its beginning is
    compared here.

    Args:
        wanted: what `body` returns.
        found: the subscription as Azure shows it.
        app_url: the app's address.
    """
    mine = {**wanted["properties"]}
    theirs = found.get("properties") or {}
    destination = {**mine["destination"], "properties": {**mine["destination"]["properties"]}}
    del destination["properties"]["endpointUrl"]
    destination["properties"]["endpointBaseUrl"] = webhook(app_url)
    mine["destination"] = destination
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
