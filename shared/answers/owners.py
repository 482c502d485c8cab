"""
Whose bytes an answer is about: one blob for each image and digest, `owners/{sha256}/{name}` in the host account.

It is written before the first claim of an upload and deleted with the image. So the last image's deletion is known, and
the answers about bytes of no image. Each image has a blob of its own, because writers of one would race each other.
The metadata are those of a record, so a listing tells of which version of the image it is.
"""

from collections.abc import Mapping
from contextlib import suppress

from shared import names
from shared.errors import ConflictError, StorageError
from shared.images import ImageBytes, Owner
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs, IfEtag
from shared.transport import time_budget

# A caller with an answer waits no longer for storage.
_CONFIRM_SECONDS = 1.0


def note(host: Blobs, sha256: str, name: str, metadata: Mapping[str, str], *, condition: IfEtag | None = None) -> None:
    """
    Note that an image has these bytes.

    Args:
        host: the host account.
        sha256: of the bytes.
        name: the image's; the blob's content too, as a long one does not fit into the blob's name.
        metadata: what tells the image's version (`records.versions.Version.metadata`).
        condition: on which it is written; ConflictError if it does not hold.
    """
    host.write(
        names.OWNERS,
        names.owner(sha256, name),
        name.encode(),
        content_type=names.PLAIN,
        metadata=metadata,
        condition=condition,
    )


def note_bytes(host: Blobs, image: ImageBytes) -> None:
    """The same of bytes, if they are an image's of the container; once for each of these objects."""
    if image.owner and not image.is_owned:
        note(host, image.subject, image.owner.name, image.describe(image.owner.etag))
        image.is_owned = True


def is_owned(host: Blobs, sha256: str) -> bool:
    """Whether an image is known to have these bytes."""
    page = host.page(names.OWNERS, prefix=names.owners(sha256), limit=1)
    # Azure Storage may end a page early, even an empty one.
    while not page.items and page.continuation:
        page = host.page(names.OWNERS, prefix=names.owners(sha256), limit=1, continuation=page.continuation)
    return bool(page.items)


def find(host: Blobs, sha256: str, name: str) -> BlobInfo | None:
    """The mark that an image has these bytes, if there is one."""
    return host.head(names.OWNERS, names.owner(sha256, name))


def image_of(host: Blobs, mark: str) -> str | None:
    """The image that a mark's content names; None where the mark is gone, or its content is damaged."""
    blob = host.read(names.OWNERS, mark)
    name = blob.data.decode(errors="replace") if blob else ""
    return name if name and names.stem(name) == mark.partition("/")[2] else None


def confirm(host: Blobs, images: Blobs, image: ImageBytes) -> None:
    """
    Take the mark back if the image is gone by now or has other bytes: no deletion of the image has seen the mark.

    An error of storage is no reason to withhold an answer; the comparison of images and records finds the mark then.
    """
    with suppress(StorageError), time_budget.within(_CONFIRM_SECONDS):
        if image.owner and not _has(images, image.owner, image.subject):
            mark = find(host, image.subject, image.owner.name)
            begin_forgetting(host, image.subject)
            # Once more, because an upload of the same bytes may have come before the mark was looked for.
            if mark and not _has(images, image.owner, image.subject):
                delete(host, mark)


def _has(images: Blobs, owner: Owner, sha256: str) -> bool:
    info = image_blobs.head(images, owner.name)
    if info is None or info.etag == owner.etag:
        return info is not None
    found = image_blobs.digest(images, owner.name)
    return found is not None and found.sha256 == sha256


def begin_forgetting(host: Blobs, sha256: str) -> None:
    """Note that no image may have these bytes from now on; the hours begin anew where that was noted before."""
    host.write(names.FORGETTING, names.forgetting(sha256), b"", content_type=names.BYTES)


def delete(host: Blobs, mark: BlobInfo) -> bool:
    """Delete that very mark; False if it was written again since, by an upload of the same bytes."""
    try:
        host.delete(names.OWNERS, mark.name, etag=mark.etag)
    except ConflictError:
        return False
    return True
