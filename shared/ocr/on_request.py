"""
A document that a caller asks to have read: its job, the handing over to OcrOrchestrator, and the end of it.

`shared.api.ocr` answers one document of a request, `shared.skills` each record of a batch.
"""

from shared import names
from shared.durable import inputs, read_job
from shared.durable.handover import DurableClient, InstanceStatus, hand_over, runtime_status
from shared.durable.problems import error_of
from shared.durable.read_job import Job
from shared.errors import BlobsightError, GoneError
from shared.images import Image, ImageBlob, ImageUrl
from shared.json_types import Json
from shared.ocr import reading
from shared.pictures import inspection
from shared.records import text, versions
from shared.records.versions import Source
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob

# The query parameters of a Read, and what `questions.read` calls them.
PARAMETERS = {
    "language": "language",
    "pages": "pages",
    "readingOrder": "reading_order",
    "model-version": "model_version",
}


def prepare(app: App, given: Image, asked: dict[str, str]) -> tuple[Job, bool]:
    """
    The job, checked and with its document kept, and whether its text is there already.

    Args:
        app, given: the app; the document, of which an address is not fetched.
        asked: the parameters, by the names of `questions.read`.

    Raises:
        BlobsightError: a parameter is out of range, there is no such image, or its bytes are not taken.
    """
    job, content = _job(app, given, asked)
    if reading.is_known(app, job):
        return job, True
    return (job if job.kind == "image" else inputs.keep(app.host, job, content)), False


async def begin(app: App, client: DurableClient, job: Job) -> None:
    """Have it read; delete the document that this request has kept unless its own job is the one under way."""
    await inputs.dropped_unless_needed(app, job, hand_over(client, job))


def outcome(status: InstanceStatus, instance_id: str) -> Json:
    """
    The outcome of a Read that has ended: `record`, `plain` and `etag` of `shared.ocr.outcomes.Done`.

    Raises:
        GoneError: it was cancelled, or the image is another one now.
        BlobsightError: it failed.
    """
    ended = runtime_status(status)
    outcome = status.output if isinstance(status.output, dict) else {}
    if ended in ("Terminated", "Canceled"):
        raise GoneError(f"The Read {instance_id} was cancelled.", code="ocr_cancelled")
    if outcome.get("state") == "superseded":
        what = "deleted" if outcome.get("deleted") else "overwritten"
        raise GoneError(f"The image was {what} before its text was read.", code="ocr_superseded")
    if outcome.get("state") == "failed":
        raise error_of(outcome["problem"])
    if outcome.get("state") != "done":
        raise BlobsightError(f"The Read {instance_id} came to no end: {ended}, {status.output}.")
    return outcome


def stored(app: App, record: str, etag: str = "") -> Blob:
    """
    A record of a text that was read, by its name in the container `text`; with an *etag*, of that version of the image.

    Raises:
        GoneError: it was deleted or replaced since.
    """
    blob = app.images.read(names.TEXT, record)
    if blob is None:
        raise GoneError("The text was read, and its record is gone.", code="ocr_gone")
    if etag and blob.info.metadata.get(names.SOURCE_ETAG) != etag:
        raise GoneError("The image was overwritten after its text was read.", code="ocr_superseded")
    return blob


def _job(app: App, given: Image, asked: dict[str, str]) -> tuple[Job, bytes]:
    """The job and the bytes of its document, or of its address; both are checked."""
    source = None
    if isinstance(given, ImageBlob):
        source = _source(app, given.name)
        given = source.image
    job = read_job.from_request(given, app.settings, asked)
    question = job.question  # checks the parameters
    if isinstance(given, ImageUrl):
        return job, given.url.encode()
    inspection.inspect_for_text(given.data, pages=asked.get("pages", ""))
    # Records of the image in the container `text` answer the settings' question; another one is put to its bytes.
    if source and question.plain == text.question(app.settings):
        job = read_job.from_image(source, app.settings, text_only=inspection.is_document(given.data))
    return job, given.data


def _source(app: App, name: str) -> Source:
    found = versions.identify(app.images, name, None)
    if found is None:
        raise image_blobs.no_such_image(name)
    return versions.require_bytes(found)
