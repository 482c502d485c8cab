"""
A failed or deferred step that a caller wants to have tried again: no failure before counts any more.

The try is arranged first, and the record is written then. A try may begin between the two, or the process may die
there. The record is still as it was then, and the try itself writes it: the key of its appointment names that record.
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
    """Whether an appointment of that key is to have the record's step tried again, and the record is as it was."""
    return key.rpartition(",")[2] == record.info.etag


def reopened(app: App, step: str, document: UnfinishedDocument, seconds: float) -> UnfinishedDocument:
    """The document of a step that is tried again in so many seconds; what Computer Vision refused may be asked anew."""
    source = document["source"]
    for question in by_step.questions(app.settings, step, source["name"]) if source.get("sha256") else ():
        app.answers.forget_refusal(source["sha256"], question)
    return unfinished_document.reopened(document, app.clock, seconds)
