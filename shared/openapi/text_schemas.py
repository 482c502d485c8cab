"""What `/api/ocr` answers."""

from shared.contract import READING_ORDERS
from shared.durable import read_job
from shared.json_types import Json
from shared.ocr import poll_loop
from shared.openapi.members import moment, named, or_null, seconds, text, thing, whole, word
from shared.openapi.vision_schemas import read_schemas

_STEPS = (poll_loop.SUBMIT, poll_loop.POLL, poll_loop.STORE)
READ_ID = f"^{read_job.ID}$"


def schemas() -> dict[str, Json]:
    """By name."""
    read = text("The identifier of the Read.", pattern=READ_ID)
    return {
        **read_schemas(),
        "ReadAccepted": thing("A Read that has begun.", {"id": read, "state": word("How far it is.", ["running"])}),
        "ReadProgress": thing(
            "How far a Read is.",
            {
                "id": read,
                "state": word("How far it is.", ["running"]),
                "step": word("The step that is done or waited for.", _STEPS),
                "polls": whole("How often Computer Vision has been asked.", minimum=0),
                "elapsedSeconds": seconds("Seconds since the start, as of the last step."),
                "waitSeconds": seconds("Seconds until the next step, as of the last one."),
                "problem": named("Obstacle"),
            },
            {"step", "polls", "elapsedSeconds", "waitSeconds", "problem"},
        ),
        "Obstacle": thing(
            "The reason of a wait.",
            {
                "code": text("The code of the error."),
                "status": whole("The HTTP status of the error."),
                "message": text("The fault, with its numbers."),
                "action": text("The cure."),
                "requestId": or_null(text("Computer Vision's identifier of the call.")),
            },
        ),
        "ReadText": thing(
            "The text of a document.",
            {
                "state": word("How far it is.", ["done"]),
                "text": text("The plain text, in reading order, a line each."),
                "source": named("ReadSource"),
                "request": named("ReadRequest"),
                "analyzeResult": named("AnalyzeResult"),
                "record": text("The blob with this text, `container/name`."),
                "notice": named("Notice"),
            },
            {"notice"},
        ),
        "ReadSource": thing(
            "The document that was read.",
            {
                "name": text("The name in the container `images`, of an uploaded image."),
                "etag": text("The ETag of that version."),
                "sha256": text("The SHA-256 of the bytes, in hex."),
                "bytes": whole("The number of bytes.", minimum=0),
                "uploaded": moment("When the image was uploaded."),
                "url": text("The address without user, query and fragment."),
                "urlSha256": text("The SHA-256 of the whole address, in hex."),
            },
            {"name", "etag", "sha256", "bytes", "uploaded", "url", "urlSha256"},
            minProperties=1,
        ),
        "ReadRequest": thing(
            "The parameters with which it was read.",
            {
                "language": text("The language that was forced."),
                "pages": text("The pages that were asked for."),
                "readingOrder": word("The order of the lines.", READING_ORDERS),
                "model-version": text("The version of the model that was asked for."),
            },
            {"language", "pages"},
        ),
        "Notice": thing(
            "Something that a reader of the text has to know.",
            {
                "code": word("The code of the notice.", ["pages_not_read"]),
                "message": text("The fact, with its numbers."),
                "action": text("The cure."),
            },
        ),
        "ReadCancelled": thing(
            "A Read that is cancelled.",
            {"id": read, "state": word("How far the cancelling is.", ["cancelling", "cancelled"])},
        ),
    }
