"""
The records of a job: whether they are there, and writing them by whoever was last right.
"""

from functools import partial

from shared import names, records, text, unfinished
from shared.jobs import Job
from shared.ocr_outcomes import STEP, etag_of
from shared.services import Services
from shared.storage import BlobInfo
from shared.vision.reading import ReadResult


def stored(services: Services, job: Job) -> bool:
    """Whether both records are there and answer this very job."""
    # What an address shows can change.
    if job.kind == "url":
        return False
    return all(_holds(services.images.head(names.TEXT, name), job) for name in (job.record, job.plain_record))


def _holds(info: BlobInfo | None, job: Job) -> bool:
    if info is None or info.metadata.get(names.REQUEST) != job.question.key:
        return False
    # Without a version, it was stored under the digest of what was read.
    return job.version is None or etag_of(info) == job.etag


def write(services: Services, job: Job, result: ReadResult) -> None:
    """
    Write both records.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    left_out = text.unread(result, job.question, job.pages, services.settings)
    # The plain one first: the other one's presence says that both are there.
    contents = (
        (job.plain_record, names.PLAIN, text.plain(result)),
        (job.record, names.JSON, text.document(job.source, job.question, result, services.clock, left_out)),
    )
    told = text.told(result, text_only=job.text_only, left_out=left_out)
    version = job.version
    if version is None:
        told |= {names.REQUEST: job.question.key}
        for name, content_type, data in contents:
            services.images.write(names.TEXT, name, data, content_type=content_type, metadata=told)
        return
    for name, content_type, data in contents:
        recipe = records.Recipe(names.TEXT, name, job.question, content_type)
        records.make(services.images, version, recipe, partial(bytes, data), told)
    records.confirm(services.images, version)
    records.sweep(
        services.images, [unfinished.place(STEP, job.name)], lambda: records.confirm(services.images, version)
    )
