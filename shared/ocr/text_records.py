"""
The records of a job: whether they are there, and how a process writes them that was right last.
"""

from functools import partial

from shared import names
from shared.durable.read_job import Job
from shared.records import by_step, record_store, text, unfinished
from shared.records.record_store import RecordSpec
from shared.records.versions import Version
from shared.services import App
from shared.vision.read_models import ReadResult


def stored(app: App, job: Job) -> bool:
    """
    Whether both records are there and answer this very job.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    # An address can show something else by now.
    if job.kind == "url":
        return False
    there = all(_is_there(app, job, job.version, name) for name in (job.record, job.plain_record))
    if there:
        _tell_index(app, job)
    return there


def _tell_index(app: App, job: Job) -> None:
    """Note all records of the image: the process that wrote them may have died before the index was told."""
    if job.version:
        from shared.index import derive

        for line in derive.lines_of(app.images, app.settings, app.clock, job.version.name):
            app.index_writer.note(line)


def _is_there(app: App, job: Job, version: Version | None, name: str) -> bool:
    if version:
        return record_store.is_there(app.images, version, RecordSpec(names.TEXT, name, job.question.plain, ""))
    # It was stored under the document's digest.
    info = app.images.head(names.TEXT, name)
    return info is not None and info.metadata.get(names.REQUEST) == job.question.plain.key


def write(app: App, job: Job, result: ReadResult) -> Version | None:
    """
    Write both records; returns the version of the image that they are of, confirmed, if it is one.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    left_out = text.unread(result, job.question, job.pages, app.settings)
    # The plain one first: the other one's presence says that both are there.
    contents = (
        (job.plain_record, names.PLAIN, text.plain(result)),
        (job.record, names.JSON, text.document(job.source, job.question, result, app.clock, left_out)),
    )
    metadata = text.metadata(result, text_only=job.text_only, left_out=left_out)
    version = job.version
    if version is None:
        metadata |= {names.REQUEST: job.question.plain.key}
        for name, content_type, data in contents:
            app.images.write(names.TEXT, name, data, content_type=content_type, metadata=metadata)
        return None
    made = []
    for name, content_type, data in contents:
        spec = RecordSpec(names.TEXT, name, job.question.plain, content_type)
        made.append(record_store.make(app.images, version, spec, partial(bytes, data), metadata))
    if None in made:
        _tell_index(app, job)
    # It looks at the image last, in any case.
    unfinished.clear(app.images, version, by_step.TEXT)
    return version
