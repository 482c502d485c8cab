"""The answer of an operation: how it is made, and where it lies afterwards."""

from shared.errors import BusyError, GoneError, StorageError
from shared.images import Image
from shared.operations.work import Operation
from shared.records import versions
from shared.services import App
from shared.storage.blobs import Blob
from shared.thumbnails import on_demand
from shared.vision.models import Answer
from shared.vision.questions import Question

SEND_AGAIN = "Send the request again; what was paid for is not paid again while the app keeps its answer."
_RETRY_SECONDS = 1.0
# Longer than the lease of a claim, whose holder may still store the answer.
_UNSTORED_SECONDS = 30.0


class UnstoredError(StorageError):
    """The answer came and was perhaps paid for, and storage has not taken it."""


def make(app: App, operation: Operation, image: Image) -> None:
    """
    Have the answer made, where `found` finds it.

    Args:
        app, operation: the app; the question or the thumbnail.
        image: the image, which for the kind `image` is given by its name.

    Raises:
        SourceChangedError: the image is another one by now, or gone.
        UnstoredError: storage has not taken the answer; the next try pays again if it never does.
        BlobsightError: what asking or making raised.
    """
    if operation.version:
        versions.ensure_unchanged(app.images, operation.version)
    if isinstance(operation.asked, Question):
        app.answers.ask(operation.asked, image)
    else:
        on_demand.thumbnail(app, image, operation.asked)
    if _stored(app, operation):
        return
    if operation.version:
        versions.ensure_unchanged(app.images, operation.version)
    if isinstance(operation.asked, Question):
        raise UnstoredError("The answer came, and storage has not taken it.", retry_after_seconds=_UNSTORED_SECONDS)
    # The thumbnail was stored, or this line were not reached: another caller has replaced it since.
    raise BusyError("The thumbnail was replaced at once.", retry_after_seconds=_RETRY_SECONDS)


def found(app: App, operation: Operation) -> Answer | Blob:
    """
    The answer of an operation that is done.

    Raises:
        GoneError: it was deleted or replaced since, or its time is over.
    """
    result = _stored(app, operation)
    if result is None:
        raise GoneError(
            f"The operation {operation.instance_id} was done, and its answer is no longer kept.",
            code="operation_gone",
            action=SEND_AGAIN,
        )
    return result


def _stored(app: App, operation: Operation) -> Answer | Blob | None:
    if isinstance(operation.asked, Question):
        return app.answers.kept(operation.subject, operation.asked)
    return on_demand.stored(app, operation.asked, operation.digest, operation.version)
