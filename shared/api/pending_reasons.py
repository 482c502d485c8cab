"""
Why a step is pending: not made yet, or made with other settings.

A record or an unfinished note of the same version of the image that answers another question shows that the settings
were changed. A missing record alone shows nothing: the step may be worked on at this moment. A thumbnail that misses
another one for a while shows that a size was added, or that a worker was killed between the two.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, TypedDict

from shared import names
from shared.records.record_store import RecordSpec
from shared.records.versions import Version
from shared.services import App
from shared.storage.listing import Listing

Code = Literal["settings_changed", "waits_for_analysis", "not_made"]
_RETRY = 'POST /api/unfinished/retry with {"pending": true} makes the missing records of every image.'
_MESSAGES: dict[Code, str] = {
    "settings_changed": f"Settings were changed after the app worked on this image, or that was interrupted. {_RETRY}",
    "waits_for_analysis": "The analysis comes first. It tells whether there is text to read.",
    "not_made": f"It is not begun, or it is being made at this moment. If it stays so, do this: {_RETRY}",
}


class Reason(TypedDict):
    """Why a step is pending, and what to do."""

    code: Code
    message: str


def reason(code: Code) -> Reason:
    """The reason with its message."""
    return {"code": code, "message": _MESSAGES[code]}


def has_other_thumbnails(app: App, image: Version, specs: Iterable[RecordSpec], seen: Listing) -> bool:
    """
    Whether other settings than those of *specs*, of which some are missing, have made the thumbnails that are there.

    Then there is one of another size or format, or one that was cut in another way. Or there is one of these sizes, for
    longer than the next one can take. One that a caller has asked for tells nothing of settings.
    """
    asked = {spec.name: spec for spec in specs}
    seconds = app.settings.vision_timeout_seconds + app.settings.max_wait_seconds
    before = app.clock.utc() - timedelta(seconds=seconds)
    return any(
        info.name not in asked
        or not asked[info.name].is_answered_by(info.metadata.get(names.REQUEST))
        or (info.modified is not None and info.modified < before)
        for info in seen.below(names.thumbnails(image.name))
        if names.is_thumbnail_of(info.name, image.name)
        and names.ON_DEMAND not in info.metadata
        and image.is_source_of(app.images, info)
    )
