"""
Which blobs of the container `images` are images, and whether their bytes can be had.

The app asks for images here and nowhere else. A folder marker is no image. An image in the archive tier, or one that is
still being copied, is an image whose bytes cannot be read now.
"""

import json
from typing import NamedTuple

from shared import contract, names
from shared.errors import (
    BlobsightError,
    ImageArchivedError,
    ImageIncompleteError,
    ImageRejectedError,
    NotFoundError,
    PayloadTooLargeError,
)
from shared.pictures import inspection
from shared.storage.blobs import Blob, BlobInfo, Blobs, Digest, Page
from shared.untrusted import addresses

# A rehydration takes up to 15 hours, with high priority less than one
# (learn.microsoft.com, Blob rehydration from the archive tier).
REHYDRATION_SECONDS = 3600.0


class Withheld(NamedTuple):
    """An image whose bytes cannot be had, and why; `beginning` are its first bytes where there are too many of them."""

    info: BlobInfo
    problem: BlobsightError
    beginning: bytes = b""


def is_folder_marker(info: BlobInfo) -> bool:
    """
    Whether it stands for a folder.

    An empty blob does that has the metadata `hdi_isfolder` = `true` (Azure Data Lake, blobfuse, Hadoop). So does one
    whose name ends with `_$folder$` (Hadoop) or a slash (storage browsers). A blob with bytes never does.
    """
    marked = any(key.lower() == "hdi_isfolder" and value.lower() == "true" for key, value in info.metadata.items())
    return info.size == 0 and (marked or info.name.endswith(("_$folder$", "/")))


def problem(info: BlobInfo) -> BlobsightError | None:
    """Why the image's bytes cannot be had, by its properties; None if they can."""
    if info.tier == "Archive" and info.archive_status:
        return ImageArchivedError(
            f"The image {info.name!r} is being brought back from the archive tier ({info.archive_status}).",
            action=(
                "Wait: this takes up to 15 hours. An upload is then processed by itself; send any other request again."
            ),
            retry_after_seconds=REHYDRATION_SECONDS,
        )
    if info.tier == "Archive":
        return ImageArchivedError(f"The image {info.name!r} lies in the archive tier, where its bytes cannot be read.")
    if info.copy_status == "pending":
        return ImageIncompleteError(f"The image {info.name!r} is still being copied; {info.size} bytes are there.")
    if info.copy_status in ("aborted", "failed") and info.size == 0:
        return ImageRejectedError(
            f"The image {info.name!r} was to be a copy, which {info.copy_status}: an empty blob is left.",
            code="image_copy_failed",
            action=f"Copy it to {info.name!r} again, or upload it under that name, or delete this empty blob.",
        )
    return None


def too_large(info: BlobInfo, most: int) -> PayloadTooLargeError:
    """The error of an image with more than *most* bytes, which the app does not take into memory."""
    said = f"The image {info.name!r} has {info.size} bytes"
    if info.size > contract.MAX_READ_BYTES:
        return PayloadTooLargeError(
            f"{said}; the app reads at most {contract.MAX_READ_BYTES} ({contract.MAX_READ_BYTES // 1024**2} MB).",
            action='Have it read by its address, with POST /api/ocr and {"url": "..."}, or split it.',
        )
    return PayloadTooLargeError(
        f"{said}; of an upload at most {most} are taken ({most // 1024**2} MB, MAX_UPLOAD_MEGABYTES).",
        action=(
            f"Have its text read with POST /api/ocr and {json.dumps({'name': info.name}, ensure_ascii=False)}. "
            "Or raise MAX_UPLOAD_MEGABYTES, and then POST /api/unfinished/retry. Or make it smaller."
        ),
    )


def head(blobs: Blobs, name: str) -> BlobInfo | None:
    """The image's properties, or None if there is no such image."""
    info = blobs.head(names.IMAGES, name)
    return None if info is None or is_folder_marker(info) else info


def require_image(blobs: Blobs, name: str) -> BlobInfo:
    """What is known of the image; NotFoundError if there is none."""
    info = head(blobs, name)
    if info is None:
        raise no_such_image(name)
    return info


def no_such_image(name: str) -> NotFoundError:
    """The error that there is none of that name, which can be an address that was given in the wrong member."""
    shown = addresses.hidden(name)
    return NotFoundError(f"There is no image {shown!r} in the container 'images'.", code="image_not_found")


def look(blobs: Blobs, name: str, *, most: int = contract.MAX_READ_BYTES) -> Blob | Withheld | None:
    """The image with its bytes, at most so many, or why they cannot be had; None if there is no such image."""
    try:
        blob = blobs.read(names.IMAGES, name, most=most)
    except ImageArchivedError as error:
        info = head(blobs, name)
        return Withheld(info, problem(info) or error) if info else None
    if blob is None or is_folder_marker(blob.info):
        return None
    if found := problem(blob.info):
        return Withheld(blob.info, found)
    return Withheld(blob.info, too_large(blob.info, most), blob.data) if blob.info.size > most else blob


def digest(blobs: Blobs, name: str) -> Digest | None:
    """The digests of the image's bytes, or None if there is none; ImageArchivedError if they cannot be read."""
    return blobs.digest(names.IMAGES, name)


def read(blobs: Blobs, name: str, *, most: int) -> Blob:
    """
    The image with its bytes, at most so many.

    Raises:
        NotFoundError: there is no such image.
        ImageArchivedError, ImageIncompleteError: its bytes cannot be had.
        ImageRejectedError, PayloadTooLargeError: they cannot be had, are too many, or show no image that is taken.
    """
    found = look(blobs, name, most=most)
    if found is None:
        raise no_such_image(name)
    if isinstance(found, Withheld):
        if found.beginning:
            inspection.refuse(found.beginning)
        raise found.problem
    return found


def page(blobs: Blobs, *, prefix: str, limit: int, continuation: str | None) -> Page:
    """One page of images in the order of their names; folders count toward the limit and are left out."""
    found = blobs.page(names.IMAGES, prefix=prefix, limit=limit, continuation=continuation)
    return Page([info for info in found.items if not is_folder_marker(info)], found.continuation)
