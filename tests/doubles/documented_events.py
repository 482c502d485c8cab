"""
A storage account's events as Microsoft documents them, in Event Grid's own schema, and as functions are given them.

From https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage (the page of 2024-01-10), with the container
`images`. Each is known by what was done.
"""

import json
from typing import Any
from urllib.parse import quote

from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

Event = dict[str, Any]

_ID = "831e1650-001e-001b-66ab-eeb76e069631"
_BLOB, _LAKE = "https://pictures.blob.core.windows.net", "https://pictures.dfs.core.windows.net"
_FILE = {"contentType": "image/jpeg", "blobType": "BlockBlob"}
_TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/pictures"


def address(name: str, *, container: str = "images", lake: bool = False) -> str:
    """The address of a blob, as events tell it."""
    return f"{_LAKE if lake else _BLOB}/{container}/{quote(name)}"


def event(kind: str, data: Event, *, subject: str = "a.jpg", version: str = "", **changes: Any) -> Event:
    """An event of `Microsoft.Storage.{kind}` with these *data* beside what all have."""
    all_have = {
        "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
        "sequencer": "00000000000004420000000000028963",
        "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
    }
    return {
        "topic": _TOPIC,
        "subject": f"/blobServices/default/containers/images/blobs/{subject}",
        "eventType": f"Microsoft.Storage.{kind}",
        "eventTime": "2026-11-29T19:13:00.1522383Z",
        "id": _ID,
        "data": {**data, **all_have},
        "dataVersion": version,
        "metadataVersion": "1",
        **changes,
    }


def created(name: str, size: int, *, etag: str = '"0x8D4BCC2E4835CD0"', **changes: Any) -> Event:
    """A blob was written, in several blocks."""
    data = {"api": "PutBlockList", "eTag": etag, "contentLength": size, "url": address(name)}
    return event("BlobCreated", {**data, **_FILE}, **changes)


def deleted(name: str, *, query: str = "", **changes: Any) -> Event:
    """A blob was deleted, or what the query of its address tells of it."""
    return event("BlobDeleted", {"api": "DeleteBlob", "url": address(name) + query, **_FILE}, **changes)


def tier_changed(name: str, **data: Any) -> Event:
    """The tier of a blob was changed; the documented example tells neither of the two tiers."""
    told = {"api": "SetBlobTier", "contentLength": 105891, "url": address(name), **data}
    return event("BlobTierChanged", {**told, **_FILE})


def renamed(former: str, name: str, **changes: Any) -> Event:
    """A file was renamed; both are in `images` unless they begin with `/` and a container."""
    return event("BlobRenamed", {"api": "RenameFile", **_both(former, name)}, version="1", **changes)


def directory_renamed(former: str, name: str, **changes: Any) -> Event:
    """The same of a directory."""
    return event("DirectoryRenamed", {"api": "RenameDirectory", **_both(former, name)}, version="1", **changes)


def directory_deleted(name: str, *, recursive: str = "true", **changes: Any) -> Event:
    """A directory was deleted, with what is in it if *recursive*."""
    data = {"api": "DeleteDirectory", "url": address(name, lake=True), "recursive": recursive}
    return event("DirectoryDeleted", data, version="1", **changes)


def _both(former: str, name: str) -> Event:
    places = [each.lstrip("/").split("/", 1) if each.startswith("/") else ["images", each] for each in (former, name)]
    source, destination = (address(name, container=container, lake=True) for container, name in places)
    return {"destinationUrl": destination, "sourceUrl": source}


_SFTP = {"identity": "localuser"}
_NEW_FILE = {"eTag": '"0x8D4BCC2E4835CD0"', "contentLength": 0, "contentOffset": 0, **_FILE}
EXAMPLES: dict[str, Event] = {
    "PutBlockList": created("new-file.jpg", 524288),
    "DeleteBlob": deleted("file-to-delete.jpg"),
    "SetBlobTier": tier_changed("Auto.jpg"),
    "SetBlobTier, asked for": event(
        "AsyncOperationInitiated", {"api": "SetBlobTier", "contentLength": 3660, "url": address("0.avro"), **_FILE}
    ),
    "CreateFile": event(
        "BlobCreated", {"api": "CreateFile", **_NEW_FILE, "url": address("new-file.jpg", lake=True)}, version="2"
    ),
    "DeleteFile": event(
        "BlobDeleted", {"api": "DeleteFile", **_FILE, "url": address("file-to-delete.jpg", lake=True)}, version="2"
    ),
    "RenameFile": renamed("my-original-file.jpg", "my-renamed-file.jpg"),
    "CreateDirectory": event(
        "DirectoryCreated", {"api": "CreateDirectory", "url": address("my-new-directory", lake=True)}, version="1"
    ),
    "RenameDirectory": directory_renamed("my-original-directory", "my-renamed-directory"),
    "DeleteDirectory": directory_deleted("directory-to-delete"),
    "SftpCommit": event(
        "BlobCreated", {"api": "SftpCommit", **_NEW_FILE, "url": address("new-file.jpg"), **_SFTP}, version="3"
    ),
    "SftpRemove": event("BlobDeleted", {"api": "SftpRemove", **_FILE, "url": address("new-file.jpg"), **_SFTP}),
    "SftpRename": event("BlobRenamed", {"api": "SftpRename", **_both("original.jpg", "renamed.jpg"), **_SFTP}),
    "SftpRename of a directory": event("DirectoryRenamed", {"api": "SftpRename", **_both("old", "new"), **_SFTP}),
    "SftpMakeDir": event("DirectoryCreated", {"api": "SftpMakeDir", "url": address("my-new-directory"), **_SFTP}),
    "SftpRemoveDir": event(
        "DirectoryDeleted", {"api": "SftpRemoveDir", "url": address("empty"), "recursive": "false", **_SFTP}
    ),
    "LifecyclePolicy": {
        "topic": _TOPIC,
        "subject": "BlobDataManagement/LifeCycleManagement/SummaryReport",
        "eventType": "Microsoft.Storage.LifecyclePolicyCompleted",
        "eventTime": "2022-05-26T00:00:40.1880331",
        "id": _ID,
        "data": {"scheduleTime": "2022/05/24 22:57:29.3260160", "deleteSummary": {"totalObjectsCount": 16}},
        "dataVersion": "1",
        "metadataVersion": "1",
    },
}


def decoded(body: object) -> Any:
    """The event as the installed `azure-functions` hands it to a function."""
    return EventGridEventInConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata={})
