"""
A failed or deferred step that a caller wants to have tried again: its failure is no longer final.

The try is arranged first, and the record is written then. A process that dies between the two leaves the record as it
was, and the try itself writes it at its turn: the key of its appointment names the very record.
"""

from shared.records import by_step, unfinished_document
from shared.records.unfinished_document import FAILED, UnfinishedDocument
from shared.services import App
from shared.storage.blobs import Blob


def key(etag: str, record: Blob) -> str:
    """
    The key of the appointment: the image's ETag, and the record's.

    A key of its own: one that sleeps until later must not keep it from being tried now.
    """
    return f"{etag},{record.info.etag}"


def is_meant(key: str, record: Blob, document: UnfinishedDocument) -> bool:
    """Whether an appointment of that key is to have a record tried again that still says that its step failed."""
    return document.get("state") == FAILED and key.rpartition(",")[2] == record.info.etag


def reopened(app: App, step: str, document: UnfinishedDocument, seconds: float) -> UnfinishedDocument:
    """The document of a step that is tried again in so many seconds; what Computer Vision refused may be asked anew."""
    source = document["source"]
    for question in by_step.questions(app.settings, step, source["name"]) if source.get("sha256") else ():
        app.answers.forget_refusal(source["sha256"], question)
    return unfinished_document.reopened(document, app.clock, seconds)
