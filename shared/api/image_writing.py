"""
`PUT /api/images/{name}` stores an image and `DELETE` deletes it, for callers without access to the storage account.

Both do what a write to the container does, and nothing else: the event of that has the image worked on, or its records
deleted. Only where IMAGES_WRITABLE is true.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import azure.functions as func

from shared import names
from shared.api import bodies, conditions, parameters, paths, responses, uploaded_files
from shared.errors import (
    BadRequestError,
    BlobLockedError,
    ConflictError,
    ImageArchivedError,
    NotWritableError,
    PreconditionFailedError,
    StorageNameTakenError,
    StorageRefusedError,
)
from shared.lifecycle import written_images
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, IfEtag
from shared.thumbnails import recut
from shared.untrusted import addresses
from shared.untrusted.characters import shown

_NO_BODY = "It is about the image that is there."


def answer(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The answer to a PUT or a DELETE, whose parameters it checks."""
    parameters.reject_unknown(req, "name")
    name = parameters.name_of(req)
    if not app.settings.images_writable:
        raise NotWritableError("IMAGES_WRITABLE is false: this app neither stores nor deletes images for its callers.")
    return _put(req, app, _checked(name)) if req.method == "PUT" else _delete(req, app, name)


def _checked(name: str) -> str:
    """
    The name, if an image can be stored under it.

    Azure Storage warns of names and segments that end with a dot, and of names that end with a slash or a backslash:
    clients and .NET cut them off ("Naming and referencing containers, blobs, and metadata").
    """
    if addresses.hidden(name) != name:
        # Its giver means what lies there, and a signature in it would be told wherever the name is.
        raise BadRequestError(
            f"The blob name {addresses.hidden(name)!r} is an address.",
            code="bad_blob_name",
            action="Give the name alone, and send the image's bytes as the body.",
        )
    if name.endswith(("/", "\\")) or any(segment.endswith(".") for segment in name.replace("\\", "/").split("/")):
        raise BadRequestError(
            "The blob name ends with a slash, or it or one of its folders ends with a dot.",
            code="bad_blob_name",
            action="Choose a name that ends otherwise, such as 2026/photo.jpg.",
        )
    return name


def _put(req: func.HttpRequest, app: App, name: str) -> func.HttpResponse:
    file = uploaded_files.file_of(req, app.settings.max_upload_bytes)
    found = app.images.head(names.IMAGES, name)
    _refuse_impossible(name, found)
    condition = conditions.of(req, found, "the image", partial(_changed, name))
    try:
        with _held_to(condition, name):
            etag = written_images.store(app, name, file.data, file.content_type, condition)
    except StorageNameTakenError as error:
        raise _folder(name) from error
    except StorageRefusedError as error:
        raise _refused(name) from error
    source = {"etag": etag, "bytes": len(file.data), "contentType": file.content_type}
    return responses.answer_json(
        {"name": name, "state": "pending", "source": source},
        status=200 if found else 201,
        headers={"ETag": f'"{etag}"', "Location": responses.address(req, paths.waiting_image(name))},
    )


def _delete(req: func.HttpRequest, app: App, name: str) -> func.HttpResponse:
    bodies.refuse(req, _NO_BODY)
    found = image_blobs.require_image(app.images, name)
    condition = conditions.of(req, found, "the image", partial(_changed, name))
    with _held_to(condition, name):
        written_images.remove(app, name, condition.etag if condition else None, partial(recut.recut, app))
    return responses.answer_json({"name": name, "deleted": True})


@contextmanager
def _held_to(condition: IfEtag | None, name: str) -> Iterator[None]:
    """Tell a conflict of a write with a condition as one that does not hold; a lock is no such conflict."""
    try:
        yield
    except BlobLockedError:
        raise
    except ConflictError as error:
        if condition is None:
            raise
        raise _changed(name) from error


def _refuse_impossible(name: str, found: BlobInfo | None) -> None:
    """Refuse what storage would not overwrite, or should not."""
    if found and image_blobs.is_folder_marker(found):
        raise _folder(name)
    if found and found.tier == "Archive":
        # github.com/rclone/rclone/issues/3982
        raise ImageArchivedError(
            f"An image {shown(name)} lies in the archive tier, where it cannot be overwritten.",
            action="DELETE it first and then PUT this one, or choose another name.",
            retry_after_seconds=image_blobs.REHYDRATION_SECONDS if found.archive_status else None,
        )


def _changed(name: str) -> PreconditionFailedError:
    return PreconditionFailedError(
        f"The image {shown(name)} is another one than the request expects, or is there already.",
        code="image_changed",
        action="GET its state, and send the request again with its source.etag in If-Match; or choose another name.",
    )


def _folder(name: str) -> StorageNameTakenError:
    return StorageNameTakenError(
        f"{shown(name)} is a folder in the container 'images', or one of its folders is an image.",
        action="Choose another name.",
    )


def _refused(name: str) -> BadRequestError:
    return BadRequestError(
        f"Blob storage takes no image of the name {shown(name)}.",
        code="bad_blob_name",
        action="Choose a shorter name with fewer slashes and without unusual characters.",
    )
