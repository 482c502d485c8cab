"""
`Blobs` on Azure's SDK.

One `BlobStore` is one storage account. It imports the SDK when it touches the first blob. That import costs more than
all others together, and functions that only ask Computer Vision never need it. An error of the SDK leaves here as
`shared.storage.sdk_mapping` makes it, or as None where "there is none" is an answer.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

from shared.configuration.storage_accounts import Account
from shared.errors import ConflictError, StorageError
from shared.storage import appends, sdk_mapping
from shared.storage.blobs import BEGINNING_BYTES, Blob, BlobInfo, Digest, IfEtag, Kept, Page
from shared.storage.bulkhead import Bulkhead, Full
from shared.transport import time_budget
from shared.transport.identities import Identity

# One operation with its retries, where no caller waits for it; `shared.transport.time_budget` may end it sooner.
_SECONDS, _RETRIES = 150.0, 3
# Of a hurried store, whose caller goes on without an answer sooner than it waits.
_HURRIED_SECONDS = 2.0
_AGAIN_SECONDS = 5.0
# One image's records and claims are asked for again and again within seconds.
_BLOBS_REMEMBERED = 256
# Every answer about a blob has this header where the account has a hierarchical namespace, and none elsewhere (REST API
# of Azure Storage, "Version 2020-06-12"). Roles on data suffice to see it. Get Account Information, which says the same
# outright, asks for an action that no such role has.
_OWNER = "x-ms-owner"
# A time that differs by more is no clock's.
_MOST_AHEAD = timedelta(days=1)
_T = TypeVar("_T")


class BlobStore:
    """
    `Blobs` on an Azure storage account (or Azurite). Safe for threads.

    Args:
        account: the account, or its connection string.
        identity: the one that comes to an account without a connection string, where it is shared with others.
        connections: how many are kept.
        hurried: give up after two seconds, without another attempt.
        bulkhead: the places of HTTP callers; without, all may wait.
    """

    def __init__(
        self,
        account: Account | str,
        *,
        identity: Identity | None = None,
        connections: int = 16,
        hurried: bool = False,
        bulkhead: Bulkhead | None = None,
    ) -> None:
        self._account = Account(account) if isinstance(account, str) else account
        principal = self._account.principal
        self._identity = identity or (Identity(principal) if principal else None)
        self._connections = connections
        self._retries = 0 if hurried else _RETRIES
        self._seconds = _HURRIED_SECONDS if hurried else _SECONDS
        self._bulkhead = bulkhead
        self._has_directories = False
        # What the last answer has told, and when it came. It is parsed where it is needed.
        self._told_time: tuple[str, datetime] | None = None
        self._lock = threading.Lock()
        self._client: Any = None
        # A blob's client. To make one costs an eighth of a request.
        self._blob = lru_cache(_BLOBS_REMEMBERED)(self._made)

    def _made(self, container: str, name: str) -> Any:
        return self._service().get_blob_client(container, name)

    def _service(self) -> Any:
        from shared.storage import account

        with self._lock:
            if self._client is None:
                self._client = account.client(
                    self._account,
                    self._identity,
                    connections=self._connections,
                    retries=self._retries,
                    answered=self._learn,
                )
            return self._client

    def _learn(self, headers: Mapping[str, str]) -> None:
        if _OWNER in headers:
            self._has_directories = True
        if "Date" in headers:
            self._told_time = headers["Date"], datetime.now(UTC)

    @property
    def has_directories(self) -> bool:  # noqa: D102 (Blobs says it)
        return self._has_directories

    @property
    def clock_ahead(self) -> timedelta | None:  # noqa: D102
        if self._told_time is None:
            return None
        told, at = self._told_time
        with suppress(ValueError, TypeError):  # a proxy's, say
            ahead = parsedate_to_datetime(told) - at
            return ahead if abs(ahead) < _MOST_AHEAD else None
        return None

    def _call(self, container: str, name: str, action: Callable[[], _T]) -> _T:
        """Do it in the time that there is, and let no error of the SDK pass."""
        where = f"{container}/{name}"
        with time_budget.within(self._seconds):
            if time_budget.left(self._seconds) <= 0:
                raise StorageError(f"There was no time left to ask blob storage for {where}.")
            try:
                with self._place():
                    return sdk_mapping.call(self._account, where, action)
            except Full:
                raise StorageError(
                    f"Blob storage does not answer, and too many wait for it already to ask for {where}.",
                    retry_after_seconds=_AGAIN_SECONDS,
                ) from None

    def _place(self) -> AbstractContextManager[None]:
        return self._bulkhead.place() if self._bulkhead and time_budget.is_callers() else nullcontext()

    def _or_none(self, container: str, name: str, action: Callable[[], _T]) -> _T | None:
        """The same, where "there is none" is an answer."""
        try:
            return self._call(container, name, action)
        except sdk_mapping.AbsentError:
            return None

    def _holds(self, container: str, name: str, action: Callable[[], object]) -> bool:
        """The same, where "another writer was faster" is an answer."""
        try:
            self._call(container, name, action)
        except ConflictError:
            return False
        return True

    def url(self, container: str, name: str) -> str:  # noqa: D102 (Blobs says it)
        return str(self._blob(container, name).url).partition("?")[0]

    def head(self, container: str, name: str) -> BlobInfo | None:  # noqa: D102
        return self._or_none(
            container, name, lambda: sdk_mapping.info(self._blob(container, name).get_blob_properties())
        )

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:  # noqa: D102
        def download() -> Blob:
            stream = self._blob(container, name).download_blob()
            # The properties describe the moment in which the first range was sent. The SDK asks for every further range
            # on the condition that the blob is still that one.
            info = sdk_mapping.info(stream.properties)
            return Blob(info, stream.readall() if most is None or info.size <= most else stream.read(BEGINNING_BYTES))

        return self._or_none(container, name, download)

    def digest(self, container: str, name: str) -> Digest | None:  # noqa: D102
        def download() -> Digest:
            stream = self._blob(container, name).download_blob()
            sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            for part in stream.chunks():
                sha256.update(part)
                md5.update(part)
            return Digest(sdk_mapping.info(stream.properties), sha256.hexdigest(), md5.hexdigest())

        return self._or_none(container, name, download)

    def beginning(self, container: str, name: str, count: int) -> bytes | None:  # noqa: D102
        return self._or_none(container, name, lambda: appends.beginning(self._blob(container, name), count))

    def read_from(self, container: str, name: str, offset: int) -> Blob | None:  # noqa: D102
        return self._or_none(container, name, lambda: appends.read_from(self._blob(container, name), offset))

    def begin_appends(self, container: str, name: str) -> bool:  # noqa: D102
        begin = partial(appends.begin, self._blob(container, name))
        return self._holds(container, name, lambda: self._with_container(container, begin))

    def append(self, container: str, name: str, data: bytes, *, at: int | None = None) -> bool:  # noqa: D102
        add = partial(self._blob(container, name).append_block, data, appendpos_condition=at)
        return self._holds(container, name, add)

    def write(  # noqa: D102
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
        condition: IfEtag | None = None,
        lease: str | None = None,
    ) -> str:
        def upload() -> str:
            from azure.storage.blob import ContentSettings

            answer = self._blob(container, name).upload_blob(
                data,
                overwrite=True,
                metadata=dict(metadata or {}),
                content_settings=ContentSettings(content_type=content_type, cache_control=cache_control),
                lease=lease,
                **sdk_mapping.conditions(condition),
            )
            return sdk_mapping.unquoted(answer["etag"])

        return self._call(container, name, lambda: self._with_container(container, upload))

    def _with_container(self, container: str, action: Callable[[], _T]) -> _T:
        """Do it; if the container is missing, make it and do it again (a fresh account has none)."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        try:
            return action()
        except ResourceNotFoundError as error:
            if getattr(error, "error_code", None) != "ContainerNotFound":
                raise
        with suppress(ResourceExistsError):  # another writer made it meanwhile
            self._service().create_container(container)
        return action()

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:  # noqa: D102
        condition = IfEtag(etag) if etag else None
        self._or_none(
            container,
            name,
            # A blob with a snapshot, which people or a backup have made, cannot be deleted without it.
            lambda: self._blob(container, name).delete_blob(
                delete_snapshots="include", lease=lease, **sdk_mapping.conditions(condition)
            ),
        )

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:  # noqa: D102
        def fetch() -> Page:
            listing = (
                self._service()
                .get_container_client(container)
                .list_blobs(name_starts_with=prefix or None, include=["metadata", "copy"], results_per_page=limit)
            )
            pages = listing.by_page(continuation_token=continuation)
            return Page([sdk_mapping.info(each) for each in next(pages, ())], pages.continuation_token or None)

        return self._or_none(container, prefix, fetch) or Page([], None)

    def kept(self, container: str, name: str) -> Kept:  # noqa: D102
        def look() -> Kept:
            blob = self._blob(container, name)
            written = self._with_container(container, lambda: blob.upload_blob(b"", overwrite=True))
            blob.delete_blob()
            listing = (
                self._service().get_container_client(container).list_blobs(name_starts_with=name, include=["deleted"])
            )
            return Kept(versions=bool(written.get("version_id")), deleted=any(each.deleted for each in listing))

        return self._call(container, name, look)

    def acquire(self, container: str, name: str, lease: str, seconds: int, *, etag: str | None = None) -> bool:  # noqa: D102
        condition = IfEtag(etag) if etag else None
        return self._holds(
            container,
            name,
            lambda: self._blob(container, name).acquire_lease(
                lease_duration=seconds, lease_id=lease, **sdk_mapping.conditions(condition)
            ),
        )

    def renew(self, container: str, name: str, lease: str) -> bool:  # noqa: D102
        return self._holds(container, name, lambda: self._lease(container, name, lease).renew())

    def release(self, container: str, name: str, lease: str) -> None:  # noqa: D102
        self._holds(container, name, lambda: self._lease(container, name, lease).release())

    def _lease(self, container: str, name: str, lease: str) -> Any:
        from azure.storage.blob import BlobLeaseClient

        return BlobLeaseClient(self._blob(container, name), lease)
