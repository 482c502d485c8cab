"""
A step that is put off without having been tried here: another process may be making its records at this moment.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.clock import Clock
from shared.errors import BlobsightError
from shared.records import by_step, unfinished, versions
from shared.records.record_store import RecordSpec
from shared.records.versions import Version
from shared.storage.blobs import Blobs


def note(
    blobs: Blobs,
    clock: Clock,
    image: Version,
    step: str,
    specs: Sequence[RecordSpec],
    error: BlobsightError,
    *,
    failed_attempts: int,
    wait_seconds: float,
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
) -> str | None:
    """
    Note that a step is deferred, unless a note for it is there already or its records were made meanwhile.

    The arguments are those of `unfinished.note`. Returns the questions that the note which stands speaks of, as
    `unfinished.request_of` writes them; None if none stands.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    before = unfinished.find(blobs, step, image.name)
    if before and before.is_of(blobs, image, specs):
        return before.request
    unfinished.note(
        blobs,
        clock,
        image,
        step,
        specs,
        error,
        failed_attempts=failed_attempts,
        wait_seconds=wait_seconds,
        extra_metadata=extra_metadata,
    )
    versions.ensure_unchanged(blobs, image)
    if not by_step.all_there(blobs, image, specs):
        return unfinished.request_of(specs)
    unfinished.clear(blobs, image, step)
    return None
