"""
The app's words for the SDK's: a write's conditions, a blob's properties, and what each error means.

An error leaves `call` as `StorageError` or `ConflictError` only. The SDK is imported at the first call, as in
`shared.storage.azure`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from shared.configuration.storage_accounts import Account
from shared.errors import (
    BlobLockedError,
    ConflictError,
    ImageArchivedError,
    StorageDeniedError,
    StorageError,
    StorageIdentityError,
    StorageNameTakenError,
    StorageRefusedError,
)
from shared.storage import denials
from shared.storage.blobs import BlobInfo, IfEtag
from shared.transport.identities import NoToken

_T = TypeVar("_T")


class AbsentError(ConflictError):
    """There is no such blob, or no such container."""


_KINDS: dict[int, type[StorageError]] = {404: AbsentError, 409: ConflictError, 412: ConflictError}
# Codes of a 409 that is no conflict.
_ARCHIVED = frozenset(["BlobArchived", "BlobBeingRehydrated"])
# Codes of a 412 where another program holds a lease, and of a 409 by a policy or a legal hold.
_LOCKED = frozenset(["BlobImmutableDueToPolicy", "LeaseIdMissing"])
# Codes where a directory is to be a file, or a file a directory (Azure Storage, "Blob service error codes" and
# those of Data Lake Storage Gen2, whose namespace the Blob service works on).
# The last one is a 400, of what no directory lets be done with it (azure-storage-fuse issue 1068).
_NAME_TAKEN = frozenset(["PathConflict", "ResourceTypeMismatch", "OperationNotSupportedOnDirectory"])
# Codes of a 400 that blames a name or a continuation; any other blames a request that the app itself put together.
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


def conditions(condition: IfEtag | None) -> dict[str, Any]:
    """The options of an SDK call that is to hold to the condition."""
    from azure.core import MatchConditions

    if condition is None:
        return {}
    if condition.etag is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"match_condition": MatchConditions.IfNotModified, "etag": f'"{condition.etag}"'}


def info(properties: Any) -> BlobInfo:
    """The properties of a blob, from a HEAD, a download or a listing."""
    settings = properties.content_settings
    return BlobInfo(
        name=properties.name,
        etag=unquoted(properties.etag),
        size=properties.size,
        content_type=settings.content_type,
        md5=bytes(settings.content_md5) if settings.content_md5 else None,
        metadata=dict(properties.metadata or {}),
        cache_control=settings.cache_control,
        modified=properties.last_modified,
        created=properties.creation_time,
        tier=_text(properties.blob_tier),
        archive_status=_text(properties.archive_status),
        copy_status=_text(properties.copy.status),
    )


def _text(value: object) -> str | None:
    """A value of the service: an enumeration's member, or a text the SDK does not know."""
    return str(getattr(value, "value", value)) if value else None


def unquoted(etag: str) -> str:
    """An ETag as the app writes it, without the quotation marks of its header."""
    return etag.strip('"')


def call(account: Account, where: str, action: Callable[[], _T]) -> _T:
    """
    Do it, and let no error of the SDK pass.

    Args:
        account: the account that the action asks.
        where: `CONTAINER/NAME` for messages.
        action: calls the SDK.

    Raises:
        AbsentError: there is no such blob, or no such container.
        ConflictError: a condition or a lease did not hold.
        StorageError: anything else; its subclass says what.
    """
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
    except NoToken as error:
        raise StorageIdentityError(
            f"Blob storage was not asked for {where}. {error}", action=denials.no_token(account, late=error.late)
        ) from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # The SDK takes answers apart without a look whether they are what they should be.
        raise StorageError(f"Blob storage gave an answer for {where} that is none of its own.") from error


def _kind(status: int, reason: str) -> type[StorageError]:
    if status == 400 and reason in _REFUSED:
        return StorageRefusedError
    if status == 409 and reason in _ARCHIVED:
        return ImageArchivedError
    if status in (409, 412) and reason in _LOCKED:
        return BlobLockedError
    if status in (400, 409) and reason in _NAME_TAKEN:
        return StorageNameTakenError
    return _KINDS.get(status, StorageError)


def _unanswered(where: str, error: Exception) -> StorageError:
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError

    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StorageError(f"Blob storage did not answer in time for {where}.")
    return StorageError(f"Blob storage could not be asked for {where}: {type(error).__name__}.")


def _reason(error: Any) -> str:
    return _text(getattr(error, "error_code", None)) or str(error.reason or "no reason given")
