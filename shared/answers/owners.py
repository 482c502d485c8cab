"""
Whose bytes an answer is about: one blob for each image and digest, `owners/{sha256}/{name}` in the host account.

It is written before the first claim of an upload and deleted with the image. So the last image's deletion is known, and
the answers about bytes of no image. Each image has a blob of its own, because writers of one would race each other.
The metadata are those of a record, so a listing tells of which version of the image it is.
"""

from collections.abc import Mapping

from shared import names
from shared.storage.blobs import Blobs


def note(host: Blobs, sha256: str, name: str, metadata: Mapping[str, str]) -> None:
    """
    Note that an image has these bytes.

    Args:
        host: the host account.
        sha256: of the bytes.
        name: the image's; the blob's content too, as a long one does not fit into the blob's name.
        metadata: what tells the image's version (`records.versions.Version.metadata`).
    """
    host.write(names.OWNERS, names.owner(sha256, name), name.encode(), content_type=names.PLAIN, metadata=metadata)


def is_owned(host: Blobs, sha256: str) -> bool:
    """Whether an image is known to have these bytes."""
    return bool(host.page(names.OWNERS, prefix=names.owners(sha256), limit=1).items)
