"""
Whether something is known of each step of an image, from the properties of its records alone.

A step of which nothing is known is lost: no event of the image has come, or all of them ended without a word. A record
of another question is no loss, as only the settings were changed since.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from shared import names
from shared.records import analysis, by_step, unfinished
from shared.records.record_store import RecordSpec
from shared.records.unfinished import Note
from shared.records.versions import Version
from shared.services import App
from shared.storage.blobs import BlobInfo

# How a record is looked up, by container and name.
Find = Callable[[str, str], BlobInfo | None]
# How thumbnails of any size are looked up, by the image's name.
FindThumbnails = Callable[[str], Sequence[BlobInfo]]
_MOST_THUMBNAILS = 100


class Finding(NamedTuple):
    """
    The findings about an image.

    Attributes:
        is_lost: whether nothing is known of a step that applies.
        records: the records of its present version that were looked at.
        others: those of another version, as far as its properties tell.
        untold: its analysis record, if that does not tell whether text is due and no text is there.
    """

    is_lost: bool
    records: list[BlobInfo]
    others: list[BlobInfo]
    untold: BlobInfo | None = None


def look(app: App, version: Version, find: Find, find_thumbnails: FindThumbnails | None = None) -> Finding:
    """
    Look up the records of each step of that version of an image.

    Args:
        app: the app.
        version: of the image.
        find: looks records up.
        find_thumbnails: looks up those of other sizes too; by default, a listing.
    """
    return _Looking(app, version, find, find_thumbnails or (lambda name: _thumbnails(app, name))).finding()


def _thumbnails(app: App, name: str) -> Sequence[BlobInfo]:
    return app.images.page(names.THUMBNAILS, prefix=names.thumbnails(name), limit=_MOST_THUMBNAILS).items


class _Looking:
    """Looks at one image; each record is looked up once, and only if it matters."""

    def __init__(self, app: App, version: Version, find: Find, find_thumbnails: FindThumbnails) -> None:
        self._app = app
        self._version = version
        self._find = find
        self._find_thumbnails = find_thumbnails
        self._records: list[BlobInfo] = []
        self._others: list[BlobInfo] = []

    def finding(self) -> Finding:
        # The text comes first: it tells a document, which has nothing else.
        text, text_note = self._of_step(by_step.TEXT)
        if any(names.TEXT_ONLY in info.metadata for info in (*text, *([text_note.info] if text_note else ()))):
            return self._found(is_lost=False)
        has_text = bool(text or text_note)
        made, note = self._of_step(by_step.ANALYSIS)
        if not made and note is None:
            return self._found(is_lost=True)
        if not made and note and note.was_blamed:
            return self._found(is_lost=names.TEXT_STILL_DUE in note.info.metadata and not has_text)
        if self._are_thumbnails_lost(made):
            return self._found(is_lost=True)
        if not made or has_text:
            return self._found(is_lost=False)
        due = analysis.text_due_of(made[0].metadata, self._app.settings.text_mode)
        return self._found(is_lost=due is not None and due.was_lost, untold=None if due else made[0])

    def _found(self, *, is_lost: bool, untold: BlobInfo | None = None) -> Finding:
        return Finding(is_lost, self._records, self._others, untold)

    def _of_step(self, step: str) -> tuple[list[BlobInfo], Note | None]:
        specs = by_step.specs(self._app.settings, step, self._version.name)
        records = self._of_it(self._find(spec.container, spec.name) for spec in specs)
        notes = self._of_it([self._find(*unfinished.place(step, self._version.name))])
        return records, unfinished.note_of(notes[0]) if notes else None

    def _are_thumbnails_lost(self, analyses: Sequence[BlobInfo]) -> bool:
        if any(names.NO_THUMBNAILS in info.metadata for info in analyses):
            return False  # only the settings have changed since
        specs = by_step.specs(self._app.settings, by_step.THUMBNAILS, self._version.name)
        made, note = self._of_step(by_step.THUMBNAILS) if specs else ([], None)
        return bool(specs) and not made and note is None and not self._has_other_thumbnails(specs)

    def _has_other_thumbnails(self, specs: Sequence[RecordSpec]) -> bool:
        """Whether other settings have made thumbnails of it; those that a caller has asked for tell nothing."""
        known = {spec.name for spec in specs}
        return bool(
            self._of_it(
                info
                for info in self._find_thumbnails(self._version.name)
                if info.name not in known
                and names.is_thumbnail_of(info.name, self._version.name)
                and names.ON_DEMAND not in info.metadata
            )
        )

    def _of_it(self, found: Iterable[BlobInfo | None]) -> list[BlobInfo]:
        """Those that are of its present version; the rest is remembered."""
        there = [info for info in found if info is not None]
        own = [info for info in there if self._version.is_source_of(self._app.images, info)]
        self._records += own
        self._others += [info for info in there if info not in own]
        return own
