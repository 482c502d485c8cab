"""
Answers about bytes that no image has any more are forgotten, `FORGET_AFTER_HOURS` after the last image's deletion.

The empty blob `forgetting/{sha256}` in the host account says since when, by its time. A rename and an undelete within
these hours find the answers and cost no call.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from shared import log, names
from shared.answers import owners
from shared.errors import ConflictError
from shared.lifecycle import adoption, claim_deletion
from shared.services import App
from shared.storage import directories, listing
from shared.storage.blobs import BlobInfo, Blobs

_logger = logging.getLogger(__name__)


def forget_at_once(app: App, digests: Iterable[str]) -> None:
    """Forget the answers about these bytes now, if the setting is 0 hours."""
    if app.settings.forget_after_hours == 0:
        for sha256 in sorted(digests):
            # The deletion of a copy at the same time may have taken the mark away, as it still saw this image's.
            owners.begin_forgetting(app.host, sha256)
            forget_answers(app, sha256)


def is_due(app: App, mark: BlobInfo) -> bool:
    """Whether the hours are over since that mark (of the container `forgetting`) was written."""
    hours = timedelta(hours=app.settings.forget_after_hours)
    return mark.modified is None or app.clock.utc() - mark.modified >= hours


def is_any_due(app: App) -> bool:
    """Whether there is anything to forget; listings until something is found."""
    return any(is_due(app, mark) for mark in listing.all_below(app.host, names.FORGETTING, ""))


def forget_answers(app: App, sha256: str, mark: BlobInfo | None = None) -> bool:
    """
    Delete the answers about bytes, and the records that HTTP callers had of them, unless an image has them.

    A claim whose call is under way cannot be deleted. The mark then stays, and the next round deletes what it finds.

    Args:
        app: the app.
        sha256: the digest.
        mark: the blob in `forgetting`, if it was seen already.

    Returns:
        Whether nothing is left. False also where an image has these bytes, or where there is no mark.
    """
    mark = mark or app.host.head(names.FORGETTING, names.forgetting(sha256))
    if mark is None:
        return False
    gone = False
    if not owners.is_owned(app.host, sha256):
        if not _delete_answers(app, sha256):
            return False
        _delete_all(app.images, names.TEXT, names.by_digest(sha256))
        _delete_all(app.images, names.THUMBNAILS, names.by_digest(sha256))
        gone = True
    # Imported here: the functions of uploads need nothing of it.
    from shared.lifecycle import kept_corrections

    kept_corrections.forget(app, sha256)
    with suppress(ConflictError):  # another image with these bytes was deleted meanwhile
        app.host.delete(names.FORGETTING, mark.name, etag=mark.etag)
    if gone:
        log.event(_logger, "answers.forgotten", subject=sha256[:16])
    return gone


def _delete_answers(app: App, sha256: str) -> bool:
    """Delete the claims about these bytes; False if some are left. They come back if an image comes back meanwhile."""
    claims = list(listing.all_below(app.host, names.CACHE, names.claims(sha256)))
    if not all(names.CLAIM_STATE in claim.metadata for claim in claims) and adoption.since(app) is None:
        # Asked by an earlier version, whose images have no marks yet.
        return False
    return claim_deletion.forget(app.host, sha256, claims) == len(claims)


def _delete_all(images: Blobs, container: str, prefix: str) -> None:
    for info in listing.all_below(images, container, prefix):
        # One that was written anew is of a caller who sends these bytes now.
        directories.delete(images, container, info.name, info.etag)
