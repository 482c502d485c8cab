"""
The records that each step makes of an image, where they lie, and whether there is text to read.
"""

from collections.abc import Sequence

from shared import names
from shared.pictures import inspection, kinds
from shared.records import analysis, record_store, text, thumbnails, unfinished
from shared.records.record_store import RecordSpec
from shared.records.versions import Source, Version
from shared.settings import Settings
from shared.storage.blobs import Blobs
from shared.vision.questions import Question, area_of_interest

ANALYSIS = "analysis"
THUMBNAILS = "thumbnails"
TEXT = "text"
STEPS = (ANALYSIS, THUMBNAILS, TEXT)
# The content of records that were made just now, by container and name.
Made = dict[tuple[str, str], bytes]


def specs(settings: Settings, step: str, name: str) -> list[RecordSpec]:
    """The records that a step makes of an image."""
    if step == ANALYSIS:
        return [analysis.spec(name, settings)]
    if step == TEXT:
        return text.specs(name, settings)
    return [thumbnails.spec(name, each) for each in thumbnails.wanted(settings)]


def calls(settings: Settings, step: str) -> int:
    """How many calls a try of a step makes at most, as far as settings tell; the first look of a Read is one."""
    if step == THUMBNAILS:
        per_image = {"vision": len(settings.thumbnail_sizes), "center": 0}
        return per_image.get(settings.thumbnail_mode, min(len(settings.thumbnail_sizes), 1))
    return {ANALYSIS: 1, TEXT: 2}[step]


def questions(settings: Settings, step: str, name: str) -> list[Question]:
    """What a step may ask Computer Vision of an image."""
    if step == THUMBNAILS:
        asked = [each.asked for each in thumbnails.wanted(settings) if each.is_made_by_service]
        return list(dict.fromkeys([*([area_of_interest()] if calls(settings, step) else []), *asked]))
    return [spec.question for spec in specs(settings, step, name)]


def places(settings: Settings, name: str, steps: Sequence[str] = STEPS) -> list[tuple[str, str]]:
    """Container and name of each record of these steps of an image."""
    made = [(spec.container, spec.name) for step in steps for spec in specs(settings, step, name)]
    return [*made, *(unfinished.place(step, name) for step in steps)]


def all_there(blobs: Blobs, source: Version, specs: Sequence[RecordSpec]) -> bool:
    """Whether all of these records are of that version of the image and answer these very questions."""
    return all(record_store.is_there(blobs, source, spec) for spec in specs)


def is_document(blobs: Blobs, settings: Settings, source: Version) -> bool:
    """
    Whether its text is the only step of an image: its bytes tell, or without them the records of its text.

    These tell it also of a TIFF of one page that the version before took for a document.
    """
    if source.beginning or isinstance(source, Source):
        if inspection.is_document(source.beginning):
            return True
        if not has_always_text(source.beginning):
            return False
    found = [blobs.head(container, name) for container, name in places(settings, source.name, (TEXT,))]
    return any(names.TEXT_ONLY in info.metadata for info in found if info and source.is_source_of(blobs, info))


def has_always_text(beginning: bytes) -> bool:
    """Whether the text of an image of this *beginning* is read whatever the settings and its analysis say."""
    return inspection.kind_of(beginning) in (kinds.PDF, kinds.TIFF)


def has_text(blobs: Blobs, settings: Settings, source: Version, made: Made | None = None) -> bool:
    """
    Whether there is text in an image: the analysis says so; without one, only its first bytes and a setting can.

    *made* are records of this version, which need not be read.
    """
    if has_always_text(source.beginning):
        return True
    mode = settings.text_mode
    spec = analysis.spec(source.name, settings)
    record = (made or {}).get((spec.container, spec.name))
    if record is not None:
        return analysis.text_due(record, mode)
    blob = blobs.read(spec.container, spec.name)
    if blob is not None and spec.is_current(blobs, blob.info, source):
        return analysis.text_due(blob.data, mode)
    return mode == "always" and inspection.is_readable(source.beginning)
