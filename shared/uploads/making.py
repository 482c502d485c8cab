"""
What makes the records of a step in one round of an image's steps: questions put in the background, thumbnails cut.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.durable import appointments
from shared.errors import AnalysisAwaitedError, BlobsightError
from shared.pictures import inspection
from shared.records import analysis, by_step, record_store, thumbnails, unfinished, unfinished_document
from shared.records.record_store import Filled, RecordSpec
from shared.records.versions import Source, Version, WithheldVersion
from shared.services import App
from shared.thumbnails import maker
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
        was_blamed: whether the analysis, which is there by now, had found the image unacceptable before.
    """

    app: App
    source: Source | WithheldVersion
    from_backlog: bool
    made: by_step.Made = field(default_factory=dict)
    deferred: BlobsightError | None = None
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
    for spec, fill in zip(specs, _fills(run, step), strict=True):
        try:
            record = record_store.make(run.app.images, run.source, spec, fill)
        except BlobsightError as error:
            problem = problem or error
        else:
            if record is not None:
                made[spec.container, spec.name] = record
    return made, problem


def _fills(run: Round, step: str) -> Iterator[Callable[[], bytes | Filled]]:
    """What makes the content of each record of a step, in their order."""
    app, source = run.app, run.source
    wanted = thumbnails.wanted(app.settings)
    if isinstance(source, WithheldVersion):
        return (partial(_withheld, source) for _ in by_step.specs(app.settings, step, source.name))
    if step == by_step.ANALYSIS:
        return iter([partial(_analysis, run, source)])
    place = by_step.places(app.settings, source.name, (by_step.ANALYSIS,))[0]
    making = ThumbnailMaker(
        app,
        source.image,
        wanted,
        partial(_ask, run, source),
        record=lambda: run.made.get(place) or maker.analysis_record(app, source),
        deferred=run.deferred,
    )
    return (partial(making.content, each) for each in wanted)


def _withheld(source: WithheldVersion) -> bytes:
    if source.beginning:
        inspection.refuse(source.beginning)
    raise source.problem


def _analysis(run: Round, source: Source) -> Filled:
    question = analysis.question(run.app.settings)
    record = analysis.document(source, _ask(run, source, question), run.app.settings, run.app.clock)
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
