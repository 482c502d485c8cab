"""Which digests are of no image, by a few listings of the owners' marks, and a HEAD for each of those."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from shared import names
from shared.images import ImageUrl
from shared.services import App
from shared.storage import listing
from shared.threads import side_by_side

# How long that is kept which belongs to no image.
KEPT: Final = timedelta(days=30)
_PARALLEL: Final = 8


def among(app: App, subjects: Sequence[str], *, first: bool, last: bool) -> frozenset[str]:
    """
    Those of the subjects that no image is known to have, or has had of late; an address never has an image.

    What the last image has left is the phase `forgetting`'s alone, `FORGET_AFTER_HOURS` after its deletion.

    Args:
        app: the app.
        subjects: digests, in the order of a listing of which they are one page, or a part of that.
        first, last: whether that page is the first or the last one.
    """
    of_bytes = [each for each in subjects if not each.startswith(ImageUrl.PREFIX)]
    if not of_bytes:
        return frozenset(subjects)
    # Addresses come after all digests of bytes.
    prefixes = listing.whole_prefixes(of_bytes, first=first, last=last or len(of_bytes) < len(subjects))
    with ThreadPoolExecutor(_PARALLEL) as pool:
        marks = listing.list_below(app.host, names.OWNERS, prefixes, pool)
        found = side_by_side(pool, lambda subject: marks.below(names.owners(subject)), of_bytes)
        stay = {subject for subject, owners in zip(of_bytes, found, strict=True) if owners}
        # After that look: the mark there is written before the owner's goes.
        may_go = [subject for subject in of_bytes if subject not in stay]
        left = side_by_side(pool, lambda subject: app.host.head(names.FORGETTING, names.forgetting(subject)), may_go)
        stay |= {subject for subject, mark in zip(may_go, left, strict=True) if mark}
    return frozenset(subjects) - stay
