"""
The records that each step makes of an image, where they lie, and whether there is text to read.
"""

from collections.abc import Sequence

from shared.pictures import inspection
from shared.records import analysis, record_store, text, thumbnails, unfinished
from shared.records.record_store import RecordSpec
from shared.records.versions import Version
from shared.settings import Settings
from shared.storage.blobs import Blobs

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
    return [thumbnails.spec(name, size) for size in thumbnails.sizes(settings)]


def places(settings: Settings, name: str, steps: Sequence[str] = STEPS) -> list[tuple[str, str]]:
    """Container and name of each record of these steps of an image."""
    made = [(spec.container, spec.name) for step in steps for spec in specs(settings, step, name)]
    return [*made, *(unfinished.place(step, name) for step in steps)]


def all_there(blobs: Blobs, source: Version, specs: Sequence[RecordSpec]) -> bool:
    """Whether all of these records are of that version of the image and answer these very questions."""
    return all(record_store.is_there(blobs, source, spec) for spec in specs)


def has_text(blobs: Blobs, settings: Settings, source: Version, beginning: bytes, made: Made | None = None) -> bool:
    """
    Whether there is text in an image of this *beginning*: the analysis says so; without one, only a setting can.

    *made* are records of this version, which need not be read.
    """
    mode = settings.text_mode
    spec = analysis.spec(source.name, settings)
    record = (made or {}).get((spec.container, spec.name))
    if record is not None:
        return analysis.text_due(record, mode)
    blob = blobs.read(spec.container, spec.name)
    if blob is not None and spec.is_current(blobs, blob.info, source):
        return analysis.text_due(blob.data, mode)
    return mode == "always" and inspection.is_readable(beginning)
