"""The watched container: listed page by page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

PAGE_BLOBS = 1000
CONNECT_SECONDS = 2.0
# More than a page of many thousand blobs takes on a busy machine, and all that a hung storage costs at a time.
READ_SECONDS = 10.0


@dataclass(frozen=True)
class Blob:
    """One blob of a listing; the ETag has no quotation marks, times are whole seconds."""

    name: str
    etag: str
    content_type: str
    content_length: int
    blob_type: str
    changed: datetime
    created: datetime | None
    tier: str | None = None
    tier_changed: datetime | None = None


class WatchedContainer:
    """One container of a storage account, read only."""

    def __init__(self, connection_string: str, name: str) -> None:
        self.name = name
        # The watcher looks again in a moment anyway: one short try.
        self._client = ContainerClient.from_connection_string(
            connection_string, name, retry_total=0, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def account(self) -> str:
        """The storage account's name."""
        return str(self._client.account_name)

    def url(self, name: str) -> str:
        """Return a blob's address, percent-encoded, without any signature."""
        return f"{self._client.url.split('?')[0]}/{quote(name, safe='/~')}"

    def pages(self) -> Iterator[list[Blob]]:
        """List the container; yields a page at a time."""
        for page in self._client.list_blobs(results_per_page=PAGE_BLOBS).by_page():
            yield [_blob(properties) for properties in page]

    def has(self, name: str) -> bool:
        """Whether the blob is there now."""
        try:
            self._client.get_blob_client(name).get_blob_properties()
        except ResourceNotFoundError:
            return False
        return True


def _blob(properties: BlobProperties) -> Blob:
    return Blob(
        name=str(properties.name),
        etag=str(properties.etag).strip('"'),
        content_type=str(properties.content_settings.content_type or ""),
        content_length=int(properties.size or 0),
        blob_type=str(getattr(properties.blob_type, "value", properties.blob_type)),
        changed=properties.last_modified or datetime.now(UTC),
        created=properties.creation_time,
        tier=properties.blob_tier,
        tier_changed=properties.blob_tier_change_time,
    )
