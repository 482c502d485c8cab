"""
The steps of one uploaded image: its analysis, its thumbnails, and the text in it.

Steps do not share a record and do not overwrite each other. Each ends done, skipped (its records are there), deferred
(waiting can help) or failed (it cannot); the last two leave an unfinished record with the reason. Text ends due:
reading takes longer than an invocation may, so it is handed over as a job. Only an image that is no image stops the
other steps: after the analysis has found it unacceptable, no thumbnail is paid for. The text of a TIFF is read all the
same, as Computer Vision reads TIFFs that the app cannot decode.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple

from shared import log
from shared.durable import appointments, read_job
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import AppCrashedError, BlobsightError, BusyError
from shared.images import ImageBytes
from shared.lifecycle import deletion
from shared.records import by_step, record_store, text, unfinished, unfinished_document, versions
from shared.records.record_store import RecordSpec
from shared.records.versions import Source, SourceChangedError, Version, WithheldVersion
from shared.services import App
from shared.storage.blobs import BlobInfo
from shared.thumbnails import recut
from shared.uploads import making
from shared.uploads.making import Round

# One for each time that the image is overwritten while it is worked on.
_MAX_ROUNDS = 8
_logger = logging.getLogger(__name__)


class StepOutcome(NamedTuple):
    """
    How a step ended.

    `code` says why a step is deferred or failed. `appointment` says when a deferred one is tried again. `job` names the
    document whose text is due. Both are handed over to their orchestrators. `is_known` says that a try before had come
    so far already.
    """

    step: str
    state: Literal["done", "skipped", "due", "deferred", "failed"]
    code: str | None = None
    blames_image: bool = False
    appointment: Appointment | None = None
    job: Job | None = None
    is_known: bool = False


def process(
    app: App, name: str, data: bytes | None, *, only: Sequence[str] = by_step.STEPS, from_backlog: bool = False
) -> list[StepOutcome]:
    """
    Bring all records of an image up to date with its present version, or say why its bytes cannot be had.

    Args:
        app: the app.
        name: the image's name in the container `images`.
        data: its bytes, if they are at hand; they may be of a version that is no longer there.
        only: which steps; whether there is text is found out after the analysis.
        from_backlog: the image has waited in the backlog already, and does not join it before it has been asked about.

    Returns:
        One outcome for each step that applies; none if the image is gone or is a folder, which leaves no record of it.

    Raises:
        StorageError: not even an unfinished record could be written.
    """
    given, had = data, set[str]()
    for _ in range(_MAX_ROUNDS):
        try:
            source = versions.identify(app.images, name, data, most=app.settings.max_upload_bytes)
            if source is None:
                # A delivery that was killed may have asked about the bytes of the event.
                digests = {*had, *([ImageBytes(given).subject] if given else [])}
                deletion.forget(app, name, digests=digests, heir=partial(recut.recut, app))
                log.event(_logger, "image.gone", blob=name)
                return []
            if isinstance(source, Source):
                # A deletion of the image that was there before has seen that one's mark, and leaves a new one alone.
                source.before_renewal = partial(app.answers.note_owner, source.image)
            try:
                outcomes = _steps(app, source, only, from_backlog)
            finally:
                had |= {source.sha256, *source.outdated} - {""}
            _disown(app, source, had - {source.sha256})
            if any(outcome.is_known for outcome in outcomes):
                # The process that made the records, or noted the failure, may have died before the index was told.
                from shared.index import derive

                for line in derive.lines_of(app.images, app.settings, app.clock, name):
                    app.index_writer.note(line)
            return outcomes
        except SourceChangedError as change:
            log.event(_logger, "image.deleted" if change.deleted else "image.overwritten", blob=name)
            data = None
    raise BusyError(f"The image {name!r} is overwritten faster than it can be processed.")


def _steps(app: App, source: Source | WithheldVersion, only: Sequence[str], from_backlog: bool) -> list[StepOutcome]:
    outcomes: list[StepOutcome] = []
    ended: list[float] = []
    run = Round(app, source, from_backlog)
    if by_step.THUMBNAILS in only and by_step.ANALYSIS not in only:
        run.deferred = making.awaited(app, source)
    text_only = by_step.is_document(app.images, app.settings, source)
    if text_only:
        # A photograph may have been here before, or the app did not know yet that it is a document, which has neither.
        _drop(app, source, (by_step.ANALYSIS, by_step.THUMBNAILS), lambda info, of_it: True)
    has_always_text = text_only or by_step.has_always_text(source.beginning)
    stopped = False
    for step in (by_step.TEXT,) if text_only else by_step.STEPS:
        if not _is_wanted(step, only, run, text_only) or (stopped and not (step == by_step.TEXT and has_always_text)):
            continue
        outcome = _hand_over(run, text_only) if step == by_step.TEXT else _do(run, step)
        if outcome is None:
            # Also where the analysis was there: the process that made it may have died before it came here.
            if not outcomes or outcomes[0].state != "deferred":
                _drop_outdated(app, source, (by_step.TEXT,))
            continue
        outcomes.append(outcome)
        ended.append(app.clock.now())
        _tell(app, source, outcome)
        stopped = stopped or (step == by_step.ANALYSIS and outcome.blames_image)
        if outcome.state == "failed":
            rest = by_step.STEPS[:-1] if has_always_text else by_step.STEPS
            _drop_outdated(app, source, rest if stopped else (step,))
    return [_later(outcome, app.clock.now() - moment) for outcome, moment in zip(outcomes, ended, strict=True)]


def _is_wanted(step: str, only: Sequence[str], run: Round, text_only: bool) -> bool:
    """Whether a step is to be done; with the analysis goes what waits for it."""
    if step == by_step.TEXT:
        return step in only or by_step.ANALYSIS in only or text_only
    # No thumbnail was tried of an image that its analysis found unacceptable.
    return step in only or (step == by_step.THUMBNAILS and by_step.ANALYSIS in only and run.was_blamed)


def _later(outcome: StepOutcome, seconds: float) -> StepOutcome:
    """The same outcome so many seconds later: the turn that its record tells is nearer by then."""
    if outcome.appointment is None:
        return outcome
    left = max(0.0, outcome.appointment.seconds - seconds)
    return outcome._replace(appointment=outcome.appointment._replace(seconds=left))


def _tell(app: App, source: Version, outcome: StepOutcome) -> None:
    """Log how a step ended; docs/monitoring.md says what `seconds` count for each event."""
    name, step, code = source.name, outcome.step, outcome.code or "-"
    if outcome.appointment:
        log.event(_logger, "step.deferred", blob=name, step=step, code=code, seconds=outcome.appointment.seconds)
    elif outcome.state == "done":
        log.event(_logger, "step.done", blob=name, step=step, seconds=source.age_seconds(app.clock.utc()))
    elif outcome.state == "failed":
        log.event(_logger, "step.failed", blob=name, step=step, code=code)
    else:
        log.event(_logger, "step.due" if outcome.state == "due" else "step.skipped", blob=name, step=step)


def _hand_over(run: Round, text_only: bool) -> StepOutcome | None:
    """How far the text is, with the job that reads it if it is due; None if there is none to read."""
    app, source = run.app, run.source
    if not text_only and not by_step.has_text(app.images, app.settings, source, run.made):
        return None
    specs = by_step.specs(app.settings, by_step.TEXT, source.name)
    before = unfinished.find_for(app.images, source, by_step.TEXT, specs)
    if before and before.is_final(app.images, source, specs):
        return StepOutcome(by_step.TEXT, "failed", before.code, is_known=True)
    if by_step.all_there(app.images, source, specs):
        if before:
            unfinished.clear(app.images, source, by_step.TEXT)
        return StepOutcome(by_step.TEXT, "skipped", is_known=True)
    if isinstance(source, WithheldVersion):
        return _unfinished(app, source, by_step.TEXT, specs, source.problem, text.text_only_mark(text_only=text_only))
    if before and not before.is_of(app.images, source, specs):
        unfinished.clear(app.images, source, by_step.TEXT, etag=before.info.etag)
    # The first claim about a document is made by the Read.
    app.answers.note_owner(source.image)
    return StepOutcome(by_step.TEXT, "due", job=read_job.from_image(source, app.settings, text_only=text_only))


def _do(run: Round, step: str) -> StepOutcome:
    app, source = run.app, run.source
    specs = by_step.specs(app.settings, step, source.name)
    before = unfinished.find_for(app.images, source, step, specs)
    if before and before.is_final(app.images, source, specs):
        return StepOutcome(step, "failed", before.code, before.blames_image, is_known=True)
    run.was_tried = run.was_tried or before is not None
    made, error = making.make_all(run, step, specs)
    run.made |= made
    if error:
        if step == by_step.ANALYSIS and not error.transient and isinstance(source, Source):
            # People may have described under another name what cannot be analyzed. Imported here: most images can.
            from shared.lifecycle import kept_corrections

            kept_corrections.take_over(app, source)
        mark = text.still_due_mark(still_due=by_step.has_always_text(source.beginning))
        outcome = _unfinished(app, source, step, specs, error, mark)
        # Another delivery may have made the records meanwhile.
        if not by_step.all_there(app.images, source, specs):
            if step == by_step.ANALYSIS and outcome.state == "deferred":
                run.deferred = error
            return outcome
    if made or error or before:
        unfinished.clear(app.images, source, step)
    if step == by_step.ANALYSIS and before and before.is_of(app.images, source, specs):
        run.was_blamed = before.was_blamed
    return StepOutcome(step, "done" if made else "skipped", is_known=not made)


def _unfinished(
    app: App,
    source: Version,
    step: str,
    specs: Sequence[RecordSpec],
    error: BlobsightError,
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
) -> StepOutcome:
    """Say why the step is not done, and when it will be tried again if waiting can help."""
    before, request = unfinished.read_for(app.images, source, step, specs)
    attempts = before.get("attempts", 0) + 1
    appointment = None
    if error.transient:
        # Another event of the image may have arranged it already; that appointment sleeps, and is not made again.
        turn = unfinished_document.seconds_until_turn(before, app.clock)
        turn = turn or appointments.arrange(app.quota, error, attempts, by_step.calls(app.settings, step))
        appointment = Appointment(source.name, (step,), appointments.key(source.etag, request), turn, attempts)
    seconds = appointment.seconds if appointment else None
    unfinished.note(
        app.images, app.clock, source, step, specs, error, wait_seconds=seconds, extra_metadata=extra_metadata
    )
    versions.ensure_unchanged(app.images, source)
    if appointment:
        return StepOutcome(step, "deferred", error.code, appointment=appointment)
    return StepOutcome(step, "failed", error.code, unfinished.blames_image(error))


def give_up(app: App, name: str, steps: Sequence[str], message: str) -> None:
    """Record that the app itself could not do the steps, so that no caller waits for them."""
    try:
        source = versions.identify(app.images, name, None, most=app.settings.max_upload_bytes)
        if source is None:
            raise SourceChangedError(deleted=True)
        for step in steps:
            specs = by_step.specs(app.settings, step, name)
            if not by_step.all_there(app.images, source, specs):
                unfinished.note(app.images, app.clock, source, step, specs, AppCrashedError(message))
        versions.ensure_unchanged(app.images, source)
    except SourceChangedError as change:
        if change.deleted:
            with suppress(SourceChangedError):  # there is one of that name again, with an event of its own
                deletion.forget(app, name)


def _drop_outdated(app: App, source: Version, steps: Sequence[str]) -> None:
    """Delete records of earlier versions, which would be taken for this one's, and notes of tries that are not made."""
    _drop(app, source, steps, lambda info, of_it: unfinished.is_deferred(info) or not of_it)


def _drop(app: App, source: Version, steps: Sequence[str], wanted: Callable[[BlobInfo, bool], bool]) -> None:
    """Delete the wanted records of these steps (by their properties, and whether they are of that version)."""
    check = partial(versions.ensure_unchanged, app.images, source)
    places = by_step.places(app.settings, source.name, steps)
    # The steps themselves look at the image last, after they have written.
    record_store.delete_outdated(
        app.images,
        places,
        check,
        lambda info: wanted(info, source.is_source_of(app.images, info)),
        last_look=False,
    )


def _disown(app: App, source: Version, digests: Collection[str]) -> None:
    """Note that an image has other bytes by now than it had, so that the answers about those may be forgotten."""
    if digests and source.sha256:
        deletion.disown(app, source.name, digests, partial(versions.ensure_unchanged, app.images, source))
