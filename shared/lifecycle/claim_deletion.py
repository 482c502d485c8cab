"""
Claims that go: by the ETag that was seen, without their lease, and never while an image has their bytes.

So a claim that is asked about now, or was answered since, stays.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from shared import names
from shared.answers import owners
from shared.errors import ConflictError
from shared.storage.blobs import Blob, BlobInfo, Blobs, IfEtag

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
        gone = [blob for claim in batch if (blob := _taken(host, claim))]
        if gone and owners.is_owned(host, sha256):
            for blob in gone:
                _put_back(host, blob)
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


def _taken(host: Blobs, claim: BlobInfo) -> Blob | None:
    """The claim, which is deleted; None if it stays, or was gone."""
    blob = host.read(names.CACHE, claim.name)
    return blob if blob and delete(host, claim) else None


def _put_back(host: Blobs, blob: Blob) -> None:
    info = blob.info
    with suppress(ConflictError):  # it was asked for anew
        host.write(
            names.CACHE,
            info.name,
            blob.data,
            content_type=info.content_type or names.JSON,
            metadata=info.metadata,
            condition=IfEtag(None),
        )
