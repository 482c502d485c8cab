"""
Blob events as Event Grid words them: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage.

Ids are derived from what happened, so that an event which is told again carries the same id, as a real one does.
"""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from local.events.container import Blob, WatchedContainer

NAMESPACE = uuid.UUID("8a6c6d5c-3c0b-4d0f-9d57-6a6f5f2f4f5e")
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
Event = dict[str, Any]


def created(container: WatchedContainer, blob: Blob) -> Event:
    """Return the event of a blob that was written, new or over another."""
    details = {
        "api": "PutBlob",
        "eTag": blob.etag,
        "contentType": blob.content_type,
        "contentLength": blob.content_length,
        "blobType": blob.blob_type,
    }
    return _event(container, "Microsoft.Storage.BlobCreated", blob.name, blob.etag, blob.changed, details)


def tier_changed(container: WatchedContainer, blob: Blob, *, previous: str) -> Event:
    """Return the event of a blob whose access tier was *previous* before."""
    details = {
        "api": "SetBlobTier",
        "contentType": blob.content_type,
        "contentLength": blob.content_length,
        "accessTier": blob.tier,
        "previousTier": previous,
        "blobType": blob.blob_type,
    }
    when = blob.tier_changed or datetime.now(UTC)
    identity = f"{blob.etag} {previous} {blob.tier} {when.isoformat()}"
    return _event(container, "Microsoft.Storage.BlobTierChanged", blob.name, identity, when, details)


def deleted(container: WatchedContainer, name: str, etag: str) -> Event:
    """Return the event of a blob that is gone; *etag* is the last one seen of it, which the event does not tell."""
    details = {"api": "DeleteBlob", "contentType": "application/octet-stream", "blobType": "BlockBlob"}
    return _event(container, "Microsoft.Storage.BlobDeleted", name, etag, datetime.now(UTC), details)


def validation(code: str) -> Event:
    """Return the event by which Event Grid asks whether a webhook wants its events."""
    return {
        "id": str(uuid.uuid4()),
        "topic": SUBSCRIPTION,
        "subject": "",
        "data": {"validationCode": code},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": _time(datetime.now(UTC)),
        "metadataVersion": "1",
        "dataVersion": "2",
    }


def _event(
    container: WatchedContainer, kind: str, name: str, version: str, when: datetime, details: dict[str, Any]
) -> Event:
    identity = f"{kind} {container.url(name)} {version}"
    return {
        "topic": f"{SUBSCRIPTION}/providers/Microsoft.Storage/storageAccounts/{container.account}",
        "subject": f"/blobServices/default/containers/{container.name}/blobs/{name}",
        "eventType": kind,
        "id": _id("event", identity),
        "data": {
            "clientRequestId": _id("client request", identity),
            "requestId": _id("request", identity),
            **details,
            "url": container.url(name),
            "sequencer": _sequencer(),
            "storageDiagnostics": {"batchId": _id("batch", identity)},
        },
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": _time(when),
    }


def _id(what: str, identity: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{what} {identity}"))


def _sequencer() -> str:
    # Compared as text by those who order the events of one blob. The emulator's ETags do not grow, its times are whole
    # seconds: what counts is when a change was found.
    return f"{time.time_ns():064x}"


def _time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
