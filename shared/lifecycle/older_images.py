"""
Images that are older than the app's first start, which the app never pays for by itself.

A rename leaves the time of creation as it was. But an older image that had a result has answers to its bytes, or had
records under its former name. So it may be tried under the new one, and mostly without a call.
"""

from shared import names
from shared.lifecycle import first_start
from shared.records import by_step
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo


def is_older(app: App, info: BlobInfo) -> bool:
    """Whether an image came before the app's first start; one whose age no answer tells did not."""
    created = info.created or info.modified
    return created is not None and created < first_start.since(app)


def had_result(app: App, info: BlobInfo, former: str) -> bool:
    """
    Whether an image had a result under its former name.

    Args:
        app: the app.
        info: the image, under its name of now.
        former: the name before.

    Raises:
        StorageError: storage did not answer.
    """
    return had_records(app, former) or _is_answered(app, info)


def had_records(app: App, name: str) -> bool:
    """Whether there are records of an image of that name, of whatever version."""
    found = (app.images.head(*place) for place in by_step.places(app.settings, name))
    return any(info and not image_blobs.is_folder_marker(info) for info in found)


def _is_answered(app: App, info: BlobInfo) -> bool:
    """Whether something was asked about its bytes; they are not read where they are too many or archived."""
    if info.size > app.settings.max_upload_bytes or image_blobs.problem(info):
        return False
    found = image_blobs.digest(app.images, info.name)
    return bool(found and app.host.page(names.CACHE, prefix=names.claims(found.sha256), limit=1).items)
