"""
Claims that go: by the ETag that was seen, without their lease, and never while an image has their bytes.

So a claim that is asked about now, or was answered since, stays.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from shared import names
from shared.answers import owners
from shared.errors import ConflictError, StorageError
from shared.storage.blobs import Blob, BlobInfo, Blobs, IfEtag
from shared.transport import time_budget

# So many answers are in memory at once; a text of 2,000 pages has some ten megabytes.
_BATCH: Final = 16
_BATCH_BYTES: Final = 4 * 1024 * 1024


def delete(host: Blobs, claim: BlobInfo) -> bool:
    """Delete that very claim; False if it is asked about now, or was answered since."""
    try:
        host.delete(names.CACHE, claim.name, etag=claim.etag)
    except ConflictError:
        return False
    return True


def forget(host: Blobs, sha256: str, claims: Iterable[BlobInfo]) -> int:
    """
    Delete claims about these bytes, unless an image has the bytes by now.

    An image can come between the look and the deletion. Its upload may have taken an answer that is then gone.
    A copy of the image would pay for it again, so the claims are put back.

    Returns:
        How many are gone.
    """
    count = 0
    for batch in _batches(claims):
        if owners.is_owned(host, sha256):
            return count
        gone: list[Blob] = []
        try:
            _take(host, batch, gone)
            is_needed = bool(gone) and owners.is_owned(host, sha256)
        except StorageError:
            # Whether an image has come is not known, and the round is done again.
            _put_back(host, gone)
            raise
        if is_needed:
            _put_back(host, gone)
            return count
        count += len(gone)
    return count


def _batches(claims: Iterable[BlobInfo]) -> Iterator[list[BlobInfo]]:
    batch: list[BlobInfo] = []
    for claim in claims:
        if batch and (len(batch) == _BATCH or sum(each.size for each in batch) + claim.size > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(claim)
    if batch:
        yield batch


def _take(host: Blobs, claims: Iterable[BlobInfo], gone: list[Blob]) -> None:
    """Delete these claims; those that are gone, or may be where storage fails, are in *gone* at any moment."""
    for claim in claims:
        blob = host.read(names.CACHE, claim.name)
        if blob is None:
            continue
        gone.append(blob)
        if not delete(host, claim):
            gone.pop()


def _put_back(host: Blobs, gone: Iterable[Blob]) -> None:
    """Write claims that are gone as they were; each of them, also where storage fails for another one."""
    failed: StorageError | None = None
    with time_budget.overtime():
        for info, data in gone:
            try:
                host.write(
                    names.CACHE,
                    info.name,
                    data,
                    content_type=info.content_type or names.JSON,
                    metadata=info.metadata,
                    condition=IfEtag(None),
                )
            except ConflictError:  # it is there, or was asked for anew
                continue
            except StorageError as error:
                failed = error
    if failed:
        raise failed
