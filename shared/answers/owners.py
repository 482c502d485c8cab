"""
Whose bytes an answer is about: one blob for each image and digest, `owners/{sha256}/{name}` in the host account.

It is written before the first claim of an upload and deleted with the image. So the last image's deletion is known, and
the answers about bytes of no image. Each image has a blob of its own, because writers of one would race each other.
The metadata are those of a record, so a listing tells of which version of the image it is.
"""

from collections.abc import Mapping
from contextlib import suppress

from shared import names
from shared.errors import ConflictError
from shared.images import ImageBytes, Owner
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs


def note(host: Blobs, sha256: str, name: str, metadata: Mapping[str, str]) -> str:
    """
    Note that an image has these bytes.

    Args:
        host: the host account.
        sha256: of the bytes.
        name: the image's; the blob's content too, as a long one does not fit into the blob's name.
        metadata: what tells the image's version (`records.versions.Version.metadata`).

    Returns:
        The mark's ETag.
    """
    place, content = names.owner(sha256, name), name.encode()
    return host.write(names.OWNERS, place, content, content_type=names.PLAIN, metadata=metadata)


def note_bytes(host: Blobs, image: ImageBytes) -> None:
    """The same of bytes, if they are an image's of the container; once for each of these objects."""
    if image.owner and not image.is_owned:
        note(host, image.subject, image.owner.name, image.describe(image.owner.etag))
        image.is_owned = True


def note_there(host: Blobs, images: Blobs, image: ImageBytes, owner: Owner) -> None:
    """
    Note that an image which a caller has named has these bytes, unless it has gone since they were read.

    Its deletion finds a mark that was there before. A mark that comes after the deletion would name it for ever.

    Raises:
        NotFoundError: the image is gone.
        ConflictError: it has other bytes by now.
    """
    if image.is_owned:
        return
    etag = note(host, image.subject, owner.name, image.describe(owner.etag))
    info = image_blobs.head(images, owner.name)
    if info and not (info.size != len(image.data) or (info.md5 and info.md5.hex() != image.md5)):
        image.is_owned = True
        return
    with suppress(ConflictError):  # an upload of the same bytes has written its own
        host.delete(names.OWNERS, names.owner(image.subject, owner.name), etag=etag)
    if info:
        raise ConflictError(f"The image {owner.name!r} was overwritten meanwhile.")
    raise image_blobs.no_such_image(owner.name)


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


def delete(host: Blobs, mark: BlobInfo) -> bool:
    """Delete that very mark; False if it was written again since, by an upload of the same bytes."""
    try:
        host.delete(names.OWNERS, mark.name, etag=mark.etag)
    except ConflictError:
        return False
    return True
