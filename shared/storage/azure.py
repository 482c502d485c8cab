"""
Blobs: read, write if unchanged, lease, list.

One `BlobStore` is one storage account. The SDK is imported when the first blob is touched, because its import costs
more than all others together and functions that only ask Computer Vision never need it. Every error of the SDK leaves
here as `StorageError` or `ConflictError`, or as None where "there is none" is an answer.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from shared.configuration.storage_accounts import Account
from shared.errors import (
    ConflictError,
    ImageArchivedError,
    StorageDeniedError,
    StorageError,
    StorageHierarchicalError,
    StorageIdentityError,
    StorageRefusedError,
)
from shared.storage import denials
from shared.storage.bulkhead import Bulkhead, Full
from shared.transport import time_budget
from shared.transport.identities import Identity, NoToken

# One operation with its retries, where no caller waits for it; `shared.transport.time_budget` may end it sooner.
_SECONDS, _RETRIES = 150.0, 3
# For whoever can do without better than wait.
_HURRIED_SECONDS = 2.0
_AGAIN_SECONDS = 5.0
# Of a blob that is not read as a whole; what it is, they tell.
BEGINNING_BYTES = 64 * 1024
# One image's records and claims are asked for again and again within seconds.
_BLOBS_REMEMBERED = 256
# Every answer about a blob has it where the account has a hierarchical namespace, and none elsewhere: "Version
# 2020-06-12" of the REST API of Azure Storage. Roles on data suffice to see it; Get Account Information, which says the
# same outright, asks for an action that no such role has.
_OWNER = "x-ms-owner"
_T = TypeVar("_T")


class BlobInfo(NamedTuple):
    """
    What a HEAD or a listing tells.

    `etag` is unquoted; `md5` is None where the writer sent none. `tier` is `Hot`, `Archive` and so on; a read does not
    tell it. `archive_status` is `rehydrate-pending-to-hot` or the like while an archived blob is brought back.
    `copy_status` is `pending`, `success`, `aborted` or `failed` of a blob that is a copy.
    """

    name: str
    etag: str
    size: int
    content_type: str | None = None
    md5: bytes | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    cache_control: str | None = None
    modified: datetime | None = None
    tier: str | None = None
    archive_status: str | None = None
    copy_status: str | None = None


class Blob(NamedTuple):
    """A blob's content with what was true of it at that moment."""

    info: BlobInfo
    data: bytes


class Digest(NamedTuple):
    """What was true of a blob at one moment, with SHA-256 and MD5 of its bytes then, in hex."""

    info: BlobInfo
    sha256: str
    md5: str


class Page(NamedTuple):
    """One page of a listing; `continuation` is None on the last."""

    items: list[BlobInfo]
    continuation: str | None


class Kept(NamedTuple):
    """What storage keeps of a blob that was written and deleted: its versions; its last state, until it expires."""

    versions: bool = False
    deleted: bool = False


class IfEtag(NamedTuple):
    """Write only if the blob still has this ETag; None means only if there is no such blob yet."""

    etag: str | None


class Blobs(Protocol):
    """What the app needs of a storage account."""

    def url(self, container: str, name: str) -> str:
        """The blob's address, without any signature."""

    def head(self, container: str, name: str) -> BlobInfo | None:
        """What is known of the blob, or None if there is none."""

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:
        """
        Content and information of the same moment, or None if there is none.

        Of a blob with more than *most* bytes the content is only its first `BEGINNING_BYTES`.
        """

    def digest(self, container: str, name: str) -> Digest | None:
        """The digests of the whole content, which is read and not kept, or None if there is none."""

    def beginning(self, container: str, name: str, count: int) -> bytes | None:
        """The blob's first bytes, at most *count* (1 or more), or None if there is none."""

    def write(
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
        """Write the whole blob and return its ETag; ConflictError if the condition or the lease does not hold."""

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:
        """Delete the blob if there is one; ConflictError if it has another ETag than the given, or is leased."""

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:
        """One page of the container's blobs in the order of their names, with their metadata."""

    def kept(self, container: str, name: str) -> Kept:
        """
        Write the blob, whose name must be a new one, and delete it; return whether the account keeps it.

        Where versions are kept, `deleted` says nothing: a version takes the place of a deleted blob.
        """

    def acquire(self, container: str, name: str, lease: str, seconds: int, *, etag: str | None = None) -> bool:
        """Lease the blob under the given id; False if another holds it or it is not (or no longer) that blob."""

    def renew(self, container: str, name: str, lease: str) -> bool:
        """Hold the lease for another period; False if it is lost."""

    def release(self, container: str, name: str, lease: str) -> None:
        """Give the lease back, if it is still held."""


class BlobStore:
    """
    `Blobs` on an Azure storage account (or Azurite). Safe for threads.

    Args:
        account: the account, or its connection string.
        identity: the one that comes to an account without a connection string, where it is shared with others.
        connections: how many are kept.
        hurried: give up after two seconds, without another attempt.
        bulkhead: the places of HTTP callers; without, all may wait.
        flat: refuse the account from the first answer on that shows a hierarchical namespace.
    """

    def __init__(
        self,
        account: Account | str,
        *,
        identity: Identity | None = None,
        connections: int = 16,
        hurried: bool = False,
        bulkhead: Bulkhead | None = None,
        flat: bool = False,
    ) -> None:
        self._account = Account(account) if isinstance(account, str) else account
        principal = self._account.principal
        self._identity = identity or (Identity(principal) if principal else None)
        self._connections = connections
        self._retries = 0 if hurried else _RETRIES
        self._seconds = _HURRIED_SECONDS if hurried else _SECONDS
        self._bulkhead = bulkhead
        self._flat = flat
        self._is_hierarchical = False
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
            self._is_hierarchical = True

    def _check_namespace(self) -> None:
        if self._flat and self._is_hierarchical:
            where = f"The storage account {self._account.name}".rstrip()
            raise StorageHierarchicalError(
                f"{where} ({self._account.setting}) has a hierarchical namespace (Data Lake Storage Gen2)."
            )

    def _call(self, container: str, name: str, action: Callable[[], _T]) -> _T:
        """Do it in the time that there is, and let no error of the SDK pass."""
        where = f"{container}/{name}"
        self._check_namespace()
        with time_budget.within(self._seconds):
            if time_budget.left(self._seconds) <= 0:
                raise StorageError(f"There was no time left to ask blob storage for {where}.")
            try:
                with self._place():
                    found = _asked(self._account, where, action)
            except NoToken as error:
                raise StorageIdentityError(
                    f"Blob storage was not asked for {where}. {error}",
                    action=denials.no_token(self._account, late=error.late),
                ) from error
            except Full:
                raise StorageError(
                    f"Blob storage does not answer, and too many wait for it already to ask for {where}.",
                    retry_after_seconds=_AGAIN_SECONDS,
                ) from None
        self._check_namespace()
        return found

    def _place(self) -> AbstractContextManager[None]:
        return self._bulkhead.place() if self._bulkhead and time_budget.is_callers() else nullcontext()

    def _or_none(self, container: str, name: str, action: Callable[[], _T]) -> _T | None:
        """The same, where "there is none" is an answer."""
        try:
            return self._call(container, name, action)
        except _AbsentError:
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
        return self._or_none(container, name, lambda: _info(self._blob(container, name).get_blob_properties()))

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:  # noqa: D102
        def download() -> Blob:
            stream = self._blob(container, name).download_blob()
            # The properties describe the moment in which the first range was sent; every further range is asked for
            # on the condition that the blob is still that one.
            info = _info(stream.properties)
            return Blob(info, stream.readall() if most is None or info.size <= most else stream.read(BEGINNING_BYTES))

        return self._or_none(container, name, download)

    def digest(self, container: str, name: str) -> Digest | None:  # noqa: D102
        def download() -> Digest:
            stream = self._blob(container, name).download_blob()
            sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            for part in stream.chunks():
                sha256.update(part)
                md5.update(part)
            return Digest(_info(stream.properties), sha256.hexdigest(), md5.hexdigest())

        return self._or_none(container, name, download)

    def beginning(self, container: str, name: str, count: int) -> bytes | None:  # noqa: D102
        def download() -> bytes:
            from azure.core.exceptions import HttpResponseError

            try:
                return bytes(self._blob(container, name).download_blob(offset=0, length=count).readall())
            except HttpResponseError as error:
                if error.status_code != 416:
                    raise
                return b""  # an empty blob has no such range

        return self._or_none(container, name, download)

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
                **_conditions(condition),
            )
            return _unquoted(answer["etag"])

        return self._call(container, name, lambda: self._with_container(container, upload))

    def _with_container(self, container: str, action: Callable[[], _T]) -> _T:
        """Do it; if the container is missing, make it and do it again (a fresh account has none)."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        try:
            return action()
        except ResourceNotFoundError as error:
            if getattr(error, "error_code", None) != "ContainerNotFound":
                raise
        with suppress(ResourceExistsError):  # somebody else made it meanwhile
            self._service().create_container(container)
        return action()

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:  # noqa: D102
        condition = IfEtag(etag) if etag else None
        self._or_none(
            container, name, lambda: self._blob(container, name).delete_blob(lease=lease, **_conditions(condition))
        )

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:  # noqa: D102
        def fetch() -> Page:
            listing = (
                self._service()
                .get_container_client(container)
                .list_blobs(name_starts_with=prefix or None, include=["metadata", "copy"], results_per_page=limit)
            )
            pages = listing.by_page(continuation_token=continuation)
            return Page([_info(each) for each in next(pages, ())], pages.continuation_token or None)

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
                lease_duration=seconds, lease_id=lease, **_conditions(condition)
            ),
        )

    def renew(self, container: str, name: str, lease: str) -> bool:  # noqa: D102
        return self._holds(container, name, lambda: self._lease(container, name, lease).renew())

    def release(self, container: str, name: str, lease: str) -> None:  # noqa: D102
        self._holds(container, name, lambda: self._lease(container, name, lease).release())

    def _lease(self, container: str, name: str, lease: str) -> Any:
        from azure.storage.blob import BlobLeaseClient

        return BlobLeaseClient(self._blob(container, name), lease)


def _conditions(condition: IfEtag | None) -> dict[str, Any]:
    from azure.core import MatchConditions

    if condition is None:
        return {}
    if condition.etag is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"match_condition": MatchConditions.IfNotModified, "etag": f'"{condition.etag}"'}


def _info(properties: Any) -> BlobInfo:
    settings = properties.content_settings
    return BlobInfo(
        name=properties.name,
        etag=_unquoted(properties.etag),
        size=properties.size,
        content_type=settings.content_type,
        md5=bytes(settings.content_md5) if settings.content_md5 else None,
        metadata=dict(properties.metadata or {}),
        cache_control=settings.cache_control,
        modified=properties.last_modified,
        tier=_text(properties.blob_tier),
        archive_status=_text(properties.archive_status),
        copy_status=_text(properties.copy.status),
    )


def _text(value: Any) -> str | None:
    """A value of the service: an enumeration's member, or a text the SDK does not know."""
    return str(getattr(value, "value", value)) if value else None


def _unquoted(etag: str) -> str:
    return etag.strip('"')


class _AbsentError(ConflictError):
    """There is no such blob, or no such container."""


_KINDS: dict[int, type[StorageError]] = {404: _AbsentError, 409: ConflictError, 412: ConflictError}
# What a 409 says besides.
_ARCHIVED = frozenset(["BlobArchived", "BlobBeingRehydrated"])
# What Azure Storage says of a name or a continuation; any other 400 is about what the app itself has put together.
_REFUSED = frozenset(
    [
        "InvalidInput",
        "InvalidQueryParameterValue",
        "InvalidResourceName",
        "InvalidUri",
        "OutOfRangeInput",
        "OutOfRangeQueryParameterValue",
        "RequestUrlFailedToParse",
    ]
)


def _asked(account: Account, where: str, action: Callable[[], _T]) -> _T:
    """Do it, and let no error of the SDK pass."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        return action()
    except HttpResponseError as error:
        if error.status_code is None:
            raise _unanswered(where, error) from error
        reason = _reason(error)
        told = f"Blob storage answered {error.status_code} ({reason}) for {where}."
        if error.status_code in (401, 403):
            raise StorageDeniedError(told, action=denials.action(account, reason)) from error
        raise _kind(error.status_code, reason)(told) from error
    except AzureError as error:
        raise _unanswered(where, error) from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # The SDK takes answers apart without a look whether they are what they should be.
        raise StorageError(f"Blob storage gave an answer for {where} that is none of its own.") from error


def _kind(status: int, reason: str) -> type[StorageError]:
    if status == 400 and reason in _REFUSED:
        return StorageRefusedError
    if status == 409 and reason in _ARCHIVED:
        return ImageArchivedError
    return _KINDS.get(status, StorageError)


def _unanswered(where: str, error: Exception) -> StorageError:
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError

    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StorageError(f"Blob storage did not answer in time for {where}.")
    return StorageError(f"Blob storage could not be asked for {where}: {type(error).__name__}.")


def _reason(error: Any) -> str:
    return _text(getattr(error, "error_code", None)) or str(error.reason or "no reason given")
