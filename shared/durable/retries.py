"""
A failed or deferred step that a caller wants to have tried again: earlier failures no longer count.

The request arranges the try first and writes the record second. The try may begin before that write, or the process
may die. So the try itself writes a record that is still as it was: the key of its appointment names that record.
"""

from shared.records import by_step, unfinished_document
from shared.records.unfinished_document import UnfinishedDocument
from shared.services import App
from shared.storage.blobs import Blob


def key(etag: str, record: Blob) -> str:
    """
    The key of the appointment: the image's ETag, and the record's.

    A key of its own: one that sleeps until later must not keep it from being tried now.
    """
    return f"{etag},{record.info.etag}"


def is_meant(key: str, record: Blob) -> bool:
    """Whether an appointment of that key was made for this record, and nothing was written to it since."""
    return key.rpartition(",")[2] == record.info.etag


def reopened(app: App, step: str, document: UnfinishedDocument, seconds: float) -> UnfinishedDocument:
    """The document of a step that is tried again in so many seconds; what Computer Vision refused may be asked anew."""
    source = document["source"]
    for question in by_step.questions(app.settings, step, source["name"]) if source.get("sha256") else ():
        app.answers.forget_refusal(source["sha256"], question)
    return unfinished_document.reopened(document, app.clock, seconds)
