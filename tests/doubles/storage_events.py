"""
Events of a storage account as Azure words them, by `data.api`.

The shapes are those of learn.microsoft.com, "Azure Blob Storage as an Event Grid source" and "Run an Azure Function in
response to a blob rehydration event": what each API tells and leaves out, and how it writes the ETag.
"""

from typing import Any

Event = dict[str, Any]
# An upload is complete with each of these, over REST, from Data Lake Storage Gen2 and over SFTP.
UPLOADS = ("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit")
# `BlobCreated` too, and before the content is there.
UNFINISHED = ("CreateFile", "SftpCreate", "SftpWrite")
# Types of their own, with `destinationUrl` instead of `url` where something was renamed.
OTHERS = {
    "RenameFile": "BlobRenamed",
    "RenameDirectory": "DirectoryRenamed",
    "CreateDirectory": "DirectoryCreated",
    "DeleteBlob": "BlobDeleted",
    "SftpRename": "BlobRenamed",
}
_LAKE = ("CreateFile", "FlushWithClose")


def storage_event(api: str, name: str, *, container: str = "images", url: str | None = None) -> Event:
    """The event in Event Grid's own schema; *url* in place of the blob's address in Azure."""
    path = f"{container}/{name}"
    lake, sftp = api in _LAKE, api.startswith("Sftp")
    data: Event = {
        "api": api,
        "clientRequestId": "799304a4-bbc5-45b6-9849-ec2c66be800a",
        "requestId": "602a88ef-0001-00e6-1233-1646070610ea",
        # A lake and SFTP write it as HTTP does, with quotation marks.
        "eTag": '"0x8D4BCC2E4835CD0"' if lake or sftp else "0x8D4BCC2E4835CD0",
        "contentType": "application/octet-stream" if sftp else "image/jpeg",
        # SFTP tells no length.
        "contentLength": 0 if sftp or api == "CreateFile" else 524288,
        "blobType": "BlockBlob",
        "url": url or f"https://pictures.{'dfs' if lake else 'blob'}.core.windows.net/{path}",
        "sequencer": "00000000000004420000000000028963",
        "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
    }
    if lake or sftp:
        data |= {"contentOffset": 0, "identity": "localuser" if sftp else "$superuser"}
    if sftp:
        del data["clientRequestId"]
    if api.startswith(("Rename", "SftpRename")):
        data["destinationUrl"] = data.pop("url")
        data["sourceUrl"] = f"{data['destinationUrl']}.part"
    return {
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/pictures",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": f"Microsoft.Storage.{OTHERS.get(api, 'BlobCreated')}",
        "eventTime": "2026-04-25T19:13:00.1522383Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": data,
        "dataVersion": "3" if sftp else "2" if lake else "",
        "metadataVersion": "1",
    }


def as_cloud_event(event: Event) -> Event:
    """The same event in the other schema that Event Grid delivers."""
    kept = {"subject": event["subject"], "id": event["id"], "data": event["data"]}
    return {
        **kept,
        "source": event["topic"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "specversion": "1.0",
    }
