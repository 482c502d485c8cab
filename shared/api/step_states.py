"""
The states of an image's steps, derived from which records exist for the version it is now.

A step that is done costs no look more than its records; only a pending step has further looks, for its reason.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple, NotRequired, TypedDict

from shared import names
from shared.api import pending_reasons
from shared.api.pending_reasons import Reason
from shared.json_types import Json
from shared.records import analysis, by_step, text, thumbnails, unfinished, unfinished_document
from shared.records.record_store import RecordSpec
from shared.records.unfinished import Note
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage.listing import Listing
from shared.vision.models import Analysis


class StepState(TypedDict):
    """
    How far one step is.

    `record` names what it made, `problem` says why it is deferred or failed, `reason` why it is pending.
    """

    state: str
    record: NotRequired[str]
    problem: NotRequired[Json]
    reason: NotRequired[Reason]


class AnalysisState(StepState):
    """The analysis with what people look at first."""

    caption: str | None
    captionConfidence: float | None
    tags: list[str]


class ThumbnailState(StepState):
    """One thumbnail, by its size and format."""

    size: str
    format: names.Format


class TextState(StepState):
    """The text with its beginning; `plain` names the record as plain text, `notice` tells of pages left out."""

    excerpt: NotRequired[str]
    notice: NotRequired[dict[str, str]]
    plain: NotRequired[str]


class Seen(NamedTuple):
    """
    What the analysis tells.

    Attributes:
        state: its own.
        has_text: whether there is text to read; None where that is not known yet.
        had_text: the same by the settings of the time when it was made.
        refused: whether the image was refused.
    """

    state: AnalysisState
    has_text: bool | None = None
    had_text: bool = True
    refused: bool = False

    @property
    def is_begun(self) -> bool:
        """Whether a record or a note of the analysis is there, by whatever settings."""
        return "reason" not in self.state or self.state["reason"]["code"] != "not_made"


class _Notes(NamedTuple):
    """The unfinished note of a step: its own, or one of the same version that answers other settings."""

    own: Note | None = None
    other: Note | None = None


def of_analysis(app: App, image: SeenVersion) -> Seen:
    """The state of the analysis, and what it tells of the other steps."""
    specs = by_step.specs(app.settings, by_step.ANALYSIS, image.name)
    spec = specs[0]
    blob = app.images.read(spec.container, spec.name)
    if blob is None or not spec.is_current(app.images, blob.info, image):
        notes = _notes(app, by_step.ANALYSIS, image, specs)
        other = bool(notes.other) or (blob is not None and image.is_source_of(app.images, blob.info))
        missing = _noted(app, by_step.ANALYSIS, image, notes.own) or _pending(settings_changed=other)
        refused = notes.own is not None and notes.own.blames_image
        still_due = refused and notes.own is not None and names.TEXT_STILL_DUE in notes.own.info.metadata
        return Seen(without_analysis(missing), True if still_due else None, refused=refused)
    content = json.loads(blob.data)
    result = Analysis.of(content["result"])
    caption = result.captions[0] if result.captions else None
    done: AnalysisState = {
        "state": "done",
        "caption": caption.text if caption else None,
        "captionConfidence": caption.confidence if caption else None,
        "tags": [tag.name for tag in result.tags],
        "record": f"{spec.container}/{spec.name}",
    }
    has_text = analysis.has_text(result, content["source"]["contentType"], app.settings.text_mode)
    return Seen(done, has_text, had_text=content.get("text") != "none")


def without_analysis(state: StepState) -> AnalysisState:
    """The state of an analysis that is not there."""
    return {**state, "caption": None, "captionConfidence": None, "tags": []}


def of_text(app: App, image: SeenVersion, seen: Seen) -> tuple[TextState | StepState, bool]:
    """
    The text with its beginning, and whether nothing but the text applies to the image.

    Without an analysis, only the records of the text tell that it is a document that will have none.
    """
    if seen.has_text is False:
        return {"state": "none"}, False
    specs = by_step.specs(app.settings, by_step.TEXT, image.name)
    plain, places = specs
    record = app.images.head(places.container, places.name)
    if record and places.is_current(app.images, record, image) and _holds(app, plain, image):
        done: TextState = {"state": "done", "excerpt": text.excerpt(record)}
        if notice := text.notice(record):
            done["notice"] = notice
        done |= {"record": f"{names.TEXT}/{places.name}", "plain": f"{names.TEXT}/{plain.name}"}
        return done, names.TEXT_ONLY in record.metadata
    notes = _notes(app, by_step.TEXT, image, specs)
    if notes.own is None and seen.refused and not seen.has_text:
        return {"state": "none"}, False
    if record and not image.is_source_of(app.images, record):
        record = None
    of_it = [record, *(note.info for note in notes if note)]
    text_only = any(names.TEXT_ONLY in info.metadata for info in of_it if info)
    if noted := _noted(app, by_step.TEXT, image, notes.own):
        return noted, text_only
    if seen.has_text is None and not text_only and app.settings.text_mode != "always":
        return {"state": "pending", "reason": pending_reasons.reason("waits_for_analysis")}, False
    other = record is not None and record.metadata.get(names.REQUEST) != places.question.key
    return _pending(settings_changed=other or bool(notes.other) or not seen.had_text), text_only


def of_thumbnails(app: App, image: SeenVersion, seen: Seen, listed: Listing) -> list[ThumbnailState]:
    """The state of each thumbnail."""
    specs = by_step.specs(app.settings, by_step.THUMBNAILS, image.name)
    here = [spec.is_current(app.images, listed.head(spec.container, spec.name), image) for spec in specs]
    missing = None if all(here) else _missing_thumbnails(app, image, seen, specs, listed)
    states: list[StepState] = [
        missing if missing and not there else {"state": "done", "record": f"{spec.container}/{spec.name}"}
        for spec, there in zip(specs, here, strict=True)
    ]
    return [
        {"size": wanted.size, "format": wanted.form, **state}
        for wanted, state in zip(thumbnails.wanted(app.settings), states, strict=True)
    ]


def _missing_thumbnails(
    app: App, image: SeenVersion, seen: Seen, specs: Sequence[RecordSpec], listed: Listing
) -> StepState:
    notes = _notes(app, by_step.THUMBNAILS, image, specs)
    if noted := _noted(app, by_step.THUMBNAILS, image, notes.own):
        return noted
    # The analysis comes first, so without a trace of it no thumbnail was made either.
    other = bool(notes.other) or (seen.is_begun and pending_reasons.has_other_thumbnails(app, image, specs, listed))
    return _pending(settings_changed=other)


def _holds(app: App, spec: RecordSpec, image: SeenVersion) -> bool:
    return spec.is_current(app.images, app.images.head(spec.container, spec.name), image)


def _notes(app: App, step: str, image: SeenVersion, specs: Sequence[RecordSpec]) -> _Notes:
    note = unfinished.find(app.images, step, image.name)
    if note and note.is_of(app.images, image, specs):
        return _Notes(own=note)
    return _Notes(other=note if note and image.is_source_of(app.images, note.info) else None)


def _pending(*, settings_changed: bool) -> StepState:
    return {
        "state": "pending",
        "reason": pending_reasons.reason("settings_changed" if settings_changed else "not_made"),
    }


def _noted(app: App, step: str, image: SeenVersion, note: Note | None) -> StepState | None:
    """The state of a step that has a note."""
    if note is None:
        return None
    document = unfinished.read(app.images, step, image.name) or {}
    problem = {key: document.get(key) for key in ("code", "message", "action", "attempts", "first", "last")}
    return {"state": note.state, "problem": {**problem, **unfinished_document.turn(document, note.state, app.clock)}}
