"""
What makes the records of a step in one round of an image's steps: questions put in the background, thumbnails cut.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.durable import appointments
from shared.errors import AnalysisAwaitedError, BlobsightError
from shared.pictures import inspection
from shared.pictures.crops import Point
from shared.records import analysis, by_step, record_store, thumbnails, unfinished, unfinished_document
from shared.records.record_store import Filled, RecordSpec
from shared.records.versions import Source, Version, WithheldVersion
from shared.services import App
from shared.storage.blobs import BlobInfo
from shared.thumbnails import focal, maker
from shared.thumbnails.maker import ThumbnailMaker
from shared.vision.models import Answer
from shared.vision.questions import Question

# An analysis takes that long at most times.
_SECONDS_OF_ANALYSIS = 5.0


@dataclass
class Round:
    """
    One round of an image's steps, and what its analysis has told so far.

    Attributes:
        app, source: the app, and the version of the image.
        from_backlog: the image has waited in the backlog already.
        made: the records that were made.
        deferred: why the analysis is put off, in this round or already.
        was_tried: whether a note of an earlier try of a step was there.
        took_over: the correction of an image of the same bytes that is gone, if this one has just got it.
        was_blamed: whether the analysis, which is there by now, had found the image unacceptable before.
    """

    app: App
    source: Source | WithheldVersion
    from_backlog: bool
    made: by_step.Made = field(default_factory=dict)
    deferred: BlobsightError | None = None
    was_tried: bool = False
    took_over: BlobInfo | None = None
    was_blamed: bool = False


def awaited(app: App, source: Version) -> BlobsightError | None:
    """
    Why thumbnails that are tried without the analysis wait for it; None if they need not.

    A deferred image has an appointment for each step, and theirs may come while the analysis is being made. Its boxes
    then save the area of interest.
    """
    if app.settings.thumbnail_mode != "auto":
        return None
    specs = by_step.specs(app.settings, by_step.ANALYSIS, source.name)
    document, _ = unfinished.read_for(app.images, source, by_step.ANALYSIS, specs)
    if document.get("state") != unfinished_document.DEFERRED or by_step.all_there(app.images, source, specs):
        return None
    seconds = unfinished_document.seconds_until_turn(document, app.clock) + _SECONDS_OF_ANALYSIS
    return AnalysisAwaitedError(
        "The analysis, which says where the subject is, comes first.", retry_after_seconds=seconds
    )


def make_all(run: Round, step: str, specs: Sequence[RecordSpec]) -> tuple[by_step.Made, BlobsightError | None]:
    """Make each record, the later ones even if an earlier one cannot be made; the first problem is reported."""
    made: by_step.Made = {}
    problem = None
    cuts = _maker(run) if step == by_step.THUMBNAILS else None
    for spec, fill in zip(specs, _fills(run, step, cuts), strict=True):
        try:
            record = record_store.make(run.app.images, run.source, spec, fill)
        except BlobsightError as error:
            problem = problem or error
        else:
            if record is not None:
                made[spec.container, spec.name] = record
    if run.took_over and not (cuts or problem):
        # Now that the analysis is there, each further try looks for a focal point by itself.
        from shared.lifecycle import kept_corrections

        kept_corrections.drop(run.app, run.took_over)
    try:
        if made and cuts and cuts.point and focal.read(run.app.images, run.source.name) != cuts.point:
            from shared.thumbnails import recut

            recut.recut(run.app, run.source.name)
    except BlobsightError as error:
        problem = problem or error
    return made, problem


def _fills(run: Round, step: str, cuts: ThumbnailMaker | None) -> Iterator[Callable[[], bytes | Filled]]:
    """What makes the content of each record of a step, in their order."""
    app, source = run.app, run.source
    if isinstance(source, WithheldVersion):
        return (partial(_withheld, source) for _ in by_step.specs(app.settings, step, source.name))
    if cuts is None:
        return iter([partial(_analysis, run, source)])
    return (partial(cuts.content, each) for each in thumbnails.wanted(app.settings))


def _maker(run: Round) -> ThumbnailMaker | None:
    """What cuts the thumbnails; None if the bytes cannot be had."""
    app, source = run.app, run.source
    if isinstance(source, WithheldVersion):
        return None
    return ThumbnailMaker(
        app,
        source.image,
        thumbnails.wanted(app.settings),
        partial(_ask, run, source),
        record=lambda: run.made.get(_analysis_place(run)) or maker.analysis_record(app, source),
        focal=partial(_focal, run),
        deferred=run.deferred,
    )


def _analysis_place(run: Round) -> tuple[str, str]:
    return by_step.places(run.app.settings, run.source.name, (by_step.ANALYSIS,))[0]


def _focal(run: Round) -> Point | None:
    """
    The focal point of the image, which no request is made for where it can have none.

    A point that was told of this very image has had its thumbnails made (`recut`). Another image of the name, or an
    earlier try, has left a record or a note, or an analysis before this round. The point of a deleted image of the same
    bytes was taken over just now.
    """
    is_new = _analysis_place(run) in run.made and not (run.source.outdated or run.was_tried or run.took_over)
    return None if is_new else focal.read(run.app.images, run.source.name)


def _withheld(source: WithheldVersion) -> bytes:
    if source.beginning:
        inspection.refuse(source.beginning)
    raise source.problem


def _analysis(run: Round, source: Source) -> Filled:
    question = analysis.question(run.app.settings)
    answer = _ask(run, source, question)
    if not answer.paid:
        # An image of these bytes was here before, and may be gone: this one may be it under another name. Imported
        # here, because most uploads are of new bytes.
        from shared.lifecycle import kept_corrections

        run.took_over = kept_corrections.give(run.app, source)
    record = analysis.document(source, answer, run.app.settings, run.app.clock)
    marks = {**analysis.text_mark(record), **thumbnails.mark_of_none(run.app.settings)}
    return Filled(record, question, marks)


def _ask(run: Round, source: Source, question: Question) -> Answer:
    return run.app.answers.ask(
        question,
        source.image,
        background=True,
        # There is no record, so only a copy of the image can have been asked about.
        look_first=False,
        before_call=None if run.from_backlog else partial(appointments.check_backlog, run.app.quota),
    )
