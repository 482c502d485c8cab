"""
The work of OcrOrchestrator's activities: submit, poll, store.

Each returns an outcome (`shared.ocr.outcomes`), because an exception loses its type on its way to the orchestrator.
From "submitted" on the document is paid. Its claim has the ticket before the activity returns, so every later try leads
to the same operation. Only a process that dies between the service's answer and the claim's writing has it paid once
more.
"""

from contextlib import suppress
from datetime import datetime
from functools import partial

from shared import names
from shared.answers import owners
from shared.answers.tickets import OPERATION_SECONDS, ReadTicket
from shared.durable import appointments, inputs
from shared.durable.orchestrators import Problem
from shared.durable.read_job import Job
from shared.errors import GoneError, ReadFailedError
from shared.images import ImageBytes, ImageUrl
from shared.ocr import text_records
from shared.ocr.error_outcomes import failed_meanwhile, log_event, outcome_of
from shared.ocr.outcomes import ENDS, Done, Outcome
from shared.ocr.polls import ask
from shared.records import versions
from shared.records.versions import SourceChangedError
from shared.services import App
from shared.vision import poll_schedule
from shared.vision.read_models import ReadResult

# Short, because longer waits are the orchestrator's: they cost no thread.
_SUBMIT_WAIT_SECONDS = 5.0
# After a poll that failed, whatever the service says. The least wait grows with the time so far, up to the first. No
# wait is longer than the second, because asking is free and the result is not kept for ever.
_LEAST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 300.0, 3600.0


def submit(app: App, job: Job, failures: int) -> Outcome:
    """Have the document read, unless its text is there or another request has had it read."""
    if job.url:
        return _submit_anew(app, job, failures)

    def work() -> Outcome:
        if text_records.stored(app, job):
            return _done(job)
        if app.answers.result(job.subject, job.question):
            if job.version and job.text_only:
                # A document of these bytes was here before, and may be gone: this one may be it under another name.
                # Imported here, because most are new.
                from shared.lifecycle import kept_corrections

                kept_corrections.take_over(app, job.version)
            return {"state": "read"}
        if failures and (ended := failed_meanwhile(app, job)):
            return ended
        document = _document(app, job)
        if app.answers.takes_over_result(job.question, document):
            return {"state": "read"}
        ticket = app.answers.submit(
            job.question,
            document,
            wait_seconds=_SUBMIT_WAIT_SECONDS,
            background=job.in_background,
            # Once: a job that has waited in it does not join it again.
            before_call=partial(appointments.check_backlog, app.quota) if job.in_background and not failures else None,
        )
        log_event(job, "text.submitted")
        return {
            "state": "submitted",
            "ticket": ticket.to_json(),
            "seconds": until_first_poll(app, ticket),
        }

    return _tidied(app, job, outcome_of(app, job, failures, work, in_backlog=job.in_background))


def _submit_anew(app: App, job: Job, failures: int) -> Outcome:
    """The same for a job that the version before has begun: the address it carries is kept as one of today."""
    kept = outcome_of(app, job, failures, lambda: inputs.keep(app.host, job.bare, job.url.encode()))
    if not isinstance(kept, Job):
        return kept
    outcome = submit(app, kept, failures)
    if outcome["state"] not in ENDS:
        outcome["job"] = kept.to_json()
    return outcome


def poll(app: App, job: Job, ticket: ReadTicket, failures: int, *, first: bool = False, polls: int = 0) -> Outcome:
    """
    Ask once how far the Read is, and keep its answer if it is done.

    Args:
        app, job: the app; the document that is read.
        ticket: of its submission.
        failures: how often the same has had to wait in a row.
        first: whether this is the first poll. The history has the end of the submission by now, so no activity needs
            the address any more; the submission itself could be asked for once more, if its process died.
        polls: how many were answered before this one, for the claim of what was read.
    """
    elapsed = (app.clock.utc() - ticket.submitted).total_seconds()

    def work() -> Outcome:
        if first and job.kind == "url":
            inputs.drop(app.host, job)
        result = ask(app, job, ticket, elapsed)
        if result is None:
            return {"state": "again"}
        if result.status == "succeeded":
            _learn(app.median, result)
            app.answers.keep_result(job.subject, job.question, ticket.result(result), polls=polls + 1)
            return {"state": "read", "polls": 1}
        return {"state": "running", "seconds": poll_schedule.next_wait(app.median.seconds, elapsed), "polls": 1}

    # A tenth of the time so far, as between other polls, and not beyond the last moment for one.
    least, most = min(_LEAST_WAIT_SECONDS, elapsed / 10), min(_LONGEST_WAIT_SECONDS, OPERATION_SECONDS - elapsed)
    return _tidied(app, job, outcome_of(app, job, failures, work, waits=(least, most)))


def store(
    app: App, job: Job, failures: int, *, ticket: ReadTicket | None = None, crash: Problem | None = None
) -> Outcome:
    """Write the records of the text, or of the *crash* of an activity, which could not report it itself."""

    def work() -> Outcome:
        if crash:
            raise ReadFailedError(crash["message"], code=crash["code"], action=crash["action"])
        result = app.answers.result(job.subject, job.question)
        if result is None:
            # Of an address it is kept for minutes only, which an outage can outlast. Asking costs nothing.
            return {"state": "running", "seconds": 0.0} if ticket else {"state": "again"}
        version = text_records.write(app, job, result)
        log_event(job, "text.stored", seconds=version.age_seconds(app.clock.utc()) if version else None)
        return _done(job)

    return _tidied(app, job, outcome_of(app, job, failures, work))


def note_cancelled(app: App, job: Job) -> None:
    """Note that it was cancelled, which is final until a retry, and delete what the request has sent."""

    def work() -> Outcome:
        raise GoneError(
            "Reading its text was cancelled.",
            code="ocr_cancelled",
            action="Nothing, unless it is to be read after all.",
        )

    _tidied(app, job, outcome_of(app, job, 0, work))


def is_known(app: App, job: Job) -> bool:
    """Whether the text is there; its records are made now if another request has had the same read."""
    with suppress(SourceChangedError):
        if text_records.stored(app, job):
            return True
        if job.version:
            owners.note(app.host, job.subject, job.name, job.version.metadata())
        result = app.answers.result(job.subject, job.question)
        if result is not None:
            text_records.write(app, job, result)
            return True
    return False


def _tidied(app: App, job: Job, outcome: Outcome) -> Outcome:
    """The outcome. At an end the document that was sent is deleted; before, the job loses a whole address."""
    if outcome["state"] in ENDS:
        inputs.drop(app.host, job)
    elif job.url:
        outcome["job"] = job.bare.to_json()
    return outcome


def _document(app: App, job: Job) -> ImageBytes | ImageUrl:
    if job.kind == "image":
        source = versions.identify(app.images, job.name, None)
        if source is None:
            raise SourceChangedError(deleted=True)
        image = versions.require_bytes(source).image
        if image.subject != job.subject:
            raise SourceChangedError(deleted=False)
        return image
    content = inputs.read(app.host, job)
    if content is None:
        what = "address that was sent is" if job.kind == "url" else "bytes that were sent are"
        raise ReadFailedError(f"The {what} no longer kept.", code="input_gone", action="Send the document again.")
    return ImageUrl(content.decode()) if job.kind == "url" else ImageBytes(content)


def until_first_poll(app: App, ticket: ReadTicket) -> float:
    """Seconds that are left until the first poll; another request may have submitted it a while ago."""
    elapsed = (app.clock.utc() - ticket.submitted).total_seconds()
    return max(0.0, poll_schedule.first_wait(app.median.seconds) - elapsed)


def _learn(median: poll_schedule.Median, result: ReadResult) -> None:
    try:
        begun, ended = (datetime.fromisoformat(moment or "") for moment in (result.created, result.updated))
        median.learn((ended - begun).total_seconds())
    except (ValueError, TypeError):
        return  # the service's times are no times, or only one of them has a zone


def _done(job: Job) -> Done:
    return {
        "state": "done",
        "record": f"{names.TEXT}/{job.record}",
        "plain": f"{names.TEXT}/{job.plain_record}",
        "etag": job.etag,
    }
