"""
Blobs and queues of the storage accounts that bindings name. All calls block; run them in a thread.

azure.storage is imported when it is first needed: it takes a third of a second, which a start need not wait for.
"""

import base64
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.host.app.connections import Connection
from local.host.queues.storage import RETRY, StorageQueue

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, BlobServiceClient

BLOB_TYPES = {"BlockBlob": 0, "PageBlob": 1, "AppendBlob": 2}


@dataclass(frozen=True)
class BlobContent:
    """A blob as it was at one moment; *properties* are named as a blob trigger gets them."""

    content: bytes
    uri: str
    properties: dict[str, Any]
    metadata: dict[str, str]


class BlobStorage:
    """A client of each account, made once."""

    def __init__(self) -> None:
        self._services: dict[Connection, BlobServiceClient] = {}
        self._lock = threading.Lock()

    def read(self, connection: Connection, container: str, blob: str) -> BlobContent | None:
        """Return a blob's current content and properties, from one version of it; None if there is no such blob."""
        from azure.core.exceptions import ResourceNotFoundError

        client = self._service(connection).get_blob_client(container, blob)
        try:
            download = client.download_blob()
            content = download.readall()
        except ResourceNotFoundError:
            return None
        properties = download.properties
        return BlobContent(content, client.url, _properties(properties, len(content)), dict(properties.metadata or {}))

    def write(self, connection: Connection, container: str, blob: str, content: bytes, parent_id: str) -> None:
        """Write a blob output, making the container if it is missing; *parent_id* is the invocation's."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import ContentSettings

        service = self._service(connection)
        client = service.get_blob_client(container, blob)
        settings = ContentSettings(content_type="application/octet-stream")
        metadata = {"AzureWebJobsParentId": parent_id}
        try:
            client.upload_blob(content, overwrite=True, content_settings=settings, metadata=metadata)
        except ResourceNotFoundError:
            _create_container(service, container)
            client.upload_blob(content, overwrite=True, content_settings=settings, metadata=metadata)

    def send_to_queue(self, connection: Connection, queue: str, text: str) -> None:
        """Put *text*, in base64, on a queue of the account, making the queue if it is missing."""
        target = StorageQueue(connection, queue)
        try:
            target.put(base64.b64encode(text.encode()).decode("ascii"))
        finally:
            target.close()

    def close(self) -> None:
        """Close the connections."""
        for service in self._services.values():
            service.close()

    def _service(self, connection: Connection) -> "BlobServiceClient":
        from azure.storage.blob import ExponentialRetry

        with self._lock:
            if connection not in self._services:
                self._services[connection] = connection.blob_service(retry_policy=ExponentialRetry(**RETRY))
            return self._services[connection]


def _create_container(service: "BlobServiceClient", container: str) -> None:
    from azure.core.exceptions import ResourceExistsError

    try:
        service.create_container(container)
    except ResourceExistsError:
        return  # Another invocation was faster.


def _properties(properties: "BlobProperties", length: int) -> dict[str, Any]:
    settings = properties.content_settings
    md5 = settings.content_md5
    return {
        "LastModified": _timestamp(properties.last_modified),
        "CreatedOn": _timestamp(properties.creation_time),
        "Metadata": dict(properties.metadata or {}),
        "BlobType": BLOB_TYPES.get(str(properties.blob_type), 0),
        "LeaseState": properties.lease.state,
        "LeaseStatus": properties.lease.status,
        "ContentLength": length,
        "ContentType": settings.content_type,
        # A structure without public members, so this is what is left of it in JSON on real hosts.
        "ETag": {},
        "ContentHash": base64.b64encode(md5).decode("ascii") if md5 else None,
        "ContentEncoding": settings.content_encoding,
        "ContentDisposition": settings.content_disposition,
        "ContentLanguage": settings.content_language,
        "CacheControl": settings.cache_control,
        "IsServerEncrypted": bool(properties.server_encrypted),
        "AccessTier": properties.blob_tier,
        "TagCount": properties.tag_count or 0,
    }


def _timestamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
