"""
The steps of one uploaded image: its analysis, its thumbnails, and the text in it.

Steps do not share a record and do not overwrite each other. Each ends done, skipped (its records are there), deferred
(waiting can help) or failed (it cannot); the last two leave an unfinished record with the reason. Text ends due:
reading takes longer than an invocation may, so it is handed over as a job. Only an image that is no image stops the
other steps: after the analysis has found it unacceptable, no thumbnail is paid for.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple

from shared import log, names
from shared.durable import appointments, read_job
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import AppCrashedError, BlobsightError, BusyError
from shared.pictures import inspection
from shared.records import analysis, by_step, record_store, text, unfinished, unfinished_document, versions
from shared.records.record_store import RecordSpec
from shared.records.versions import Source, SourceChangedError, Version, WithheldVersion
from shared.services import App
from shared.storage.blobs import BlobInfo

# One for each time that the image is overwritten while it is worked on.
_MAX_ROUNDS = 8
_logger = logging.getLogger(__name__)


class StepOutcome(NamedTuple):
    """
    How a step ended.

    `code` says why a step is deferred or failed. `appointment` says when a deferred one is tried again. `job` names the
    document whose text is due. Both are handed over to their orchestrators.
    """

    step: str
    state: Literal["done", "skipped", "due", "deferred", "failed"]
    code: str | None = None
    blames_image: bool = False
    appointment: Appointment | None = None
    job: Job | None = None


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
    for _ in range(_MAX_ROUNDS):
        try:
            source = versions.identify(app.images, name, data, most=app.settings.max_upload_bytes)
            if source is None:
                _forget(app, name)
                log.event(_logger, "image.gone", blob=name)
                return []
            return _steps(app, source, only, from_backlog)
        except SourceChangedError as change:
            log.event(_logger, "image.deleted" if change.deleted else "image.overwritten", blob=name)
            data = None
    raise BusyError(f"The image {name!r} is overwritten faster than it can be processed.")


def _steps(app: App, source: Source | WithheldVersion, only: Sequence[str], from_backlog: bool) -> list[StepOutcome]:
    outcomes: list[StepOutcome] = []
    ended: list[float] = []
    made: by_step.Made = {}
    text_only = _is_document(app, source)
    if text_only:
        # A photograph may have been here before, or the app did not know yet that it is a document, which has neither.
        _drop(app, source, (by_step.ANALYSIS, by_step.THUMBNAILS))
    wanted = {*only, by_step.TEXT} if by_step.ANALYSIS in only or text_only else {*only}
    for step in (each for each in ((by_step.TEXT,) if text_only else by_step.STEPS) if each in wanted):
        if step == by_step.TEXT:
            outcome = _hand_over(app, source, text_only, made)
        else:
            outcome, new = _run(app, source, step, from_backlog)
            made |= new
        if outcome is None:
            # Also where the analysis was there: the process that made it may have died before it came here.
            if not outcomes or outcomes[0].state != "deferred":
                _drop_outdated(app, source, (by_step.TEXT,))
            continue
        outcomes.append(outcome)
        ended.append(app.clock.now())
        _tell(app, source, outcome)
        if outcome.state == "failed":
            _drop_outdated(app, source, by_step.STEPS if outcome.blames_image else (step,))
        if outcome.blames_image:
            break
    return [_later(outcome, app.clock.now() - moment) for outcome, moment in zip(outcomes, ended, strict=True)]


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


def _is_document(app: App, source: Source | WithheldVersion) -> bool:
    """Whether its text is the only step: its bytes tell, or without them the records of its text."""
    if isinstance(source, Source):
        return inspection.is_document(source.image.data)
    if source.beginning:
        return inspection.is_document(source.beginning)
    found = [
        app.images.head(container, name)
        for container, name in by_step.places(app.settings, source.name, (by_step.TEXT,))
    ]
    of_it = [info for info in found if info and source.is_source_of(app.images, info)]
    return any(names.TEXT_ONLY in info.metadata for info in of_it)


def _hand_over(app: App, source: Source | WithheldVersion, text_only: bool, made: by_step.Made) -> StepOutcome | None:
    """How far the text is, with the job that reads it if it is due; None if there is none to read."""
    beginning = source.image.data if isinstance(source, Source) else b""
    if not text_only and not by_step.has_text(app.images, app.settings, source, beginning, made):
        return None
    specs = by_step.specs(app.settings, by_step.TEXT, source.name)
    before = unfinished.find_for(app.images, source, by_step.TEXT, specs)
    if before and before.is_final(app.images, source, specs):
        return StepOutcome(by_step.TEXT, "failed", before.code)
    if by_step.all_there(app.images, source, specs):
        if before:
            unfinished.clear(app.images, source, by_step.TEXT)
        return StepOutcome(by_step.TEXT, "skipped")
    if isinstance(source, WithheldVersion):
        return _unfinished(app, source, by_step.TEXT, specs, source.problem, text.text_only_mark(text_only=text_only))
    if before and not before.is_of(app.images, source, specs):
        unfinished.clear(app.images, source, by_step.TEXT, etag=before.info.etag)
    return StepOutcome(by_step.TEXT, "due", job=read_job.from_image(source, app.settings, text_only=text_only))


def _run(app: App, source: Source | WithheldVersion, step: str, from_backlog: bool) -> tuple[StepOutcome, by_step.Made]:
    specs = by_step.specs(app.settings, step, source.name)
    before = unfinished.find_for(app.images, source, step, specs)
    if before and before.is_final(app.images, source, specs):
        return StepOutcome(step, "failed", before.code, blames_image=before.blames_image), {}
    made, error = _make_all(app, source, step, specs, from_backlog)
    if error:
        outcome = _unfinished(app, source, step, specs, error)
        # Another delivery may have made the records meanwhile.
        if not by_step.all_there(app.images, source, specs):
            return outcome, made
    if made or error or before:
        unfinished.clear(app.images, source, step)
    return StepOutcome(step, "done" if made else "skipped"), made


def _unfinished(
    app: App,
    source: Version,
    step: str,
    specs: Sequence[RecordSpec],
    error: BlobsightError,
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
) -> StepOutcome:
    """Say why the step is not done, and when it will be tried again if waiting can help."""
    before = unfinished.read_for(app.images, source, step, specs)
    attempts = before.get("attempts", 0) + 1
    appointment = None
    if error.transient:
        # Another event of the image may have arranged it already; that appointment sleeps, and is not made again.
        turn = unfinished_document.seconds_until_turn(before, app.clock)
        turn = turn or appointments.arrange(app.quota, error, attempts, len(specs))
        appointment = Appointment(source.name, (step,), appointments.key(source.etag, specs), turn, attempts)
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
    source = versions.identify(app.images, name, None, most=app.settings.max_upload_bytes)
    if source is None:
        return
    for step in steps:
        specs = by_step.specs(app.settings, step, name)
        with suppress(SourceChangedError):
            if not by_step.all_there(app.images, source, specs):
                unfinished.note(app.images, app.clock, source, step, specs, AppCrashedError(message))


def _make_all(
    app: App, source: Source | WithheldVersion, step: str, specs: Sequence[RecordSpec], from_backlog: bool
) -> tuple[by_step.Made, BlobsightError | None]:
    """Make each record, the later ones even if an earlier one cannot be made; the first problem is reported."""
    made: by_step.Made = {}
    problem = None
    for spec in specs:
        try:
            fill = partial(_content, app, source, step, spec, from_backlog)
            record = record_store.make(app.images, source, spec, fill)
        except BlobsightError as error:
            problem = problem or error
        else:
            if record is not None:
                made[spec.container, spec.name] = record
    return made, problem


def _content(app: App, found: Source | WithheldVersion, step: str, spec: RecordSpec, from_backlog: bool) -> bytes:
    if isinstance(found, WithheldVersion) and found.beginning:
        inspection.refuse(found.beginning)
    source = versions.require_bytes(found)
    answer = app.answers.ask(
        spec.question,
        source.image,
        background=True,
        # There is no record, so only a copy of the image can have been asked about.
        look_first=False,
        before_call=None if from_backlog else partial(appointments.check_backlog, app.quota),
    )
    if step == by_step.ANALYSIS:
        return analysis.document(source, answer, app.settings, app.clock)
    return answer.body


def _drop_outdated(app: App, source: Version, steps: Sequence[str]) -> None:
    """Delete records of earlier versions, which would be taken for this one's, and notes of tries that are not made."""
    _drop(app, source, steps, lambda info: unfinished.is_deferred(info) or not source.is_source_of(app.images, info))


def _drop(
    app: App, source: Version, steps: Sequence[str], wanted: Callable[[BlobInfo], bool] = lambda info: True
) -> None:
    """Delete the wanted records of these steps, of an image that is still that version."""
    check = partial(versions.ensure_unchanged, app.images, source)
    places = by_step.places(app.settings, source.name, steps)
    # The steps themselves look at the image last, after they have written.
    record_store.delete_outdated(app.images, places, check, wanted, last_look=False)


def _forget(app: App, name: str) -> None:
    """Delete every record of an image that is gone."""
    record_store.delete_outdated(
        app.images,
        by_step.places(app.settings, name, by_step.STEPS),
        lambda: versions.ensure_absent(app.images, name),
    )
