"""
When the app first ran beside its images: `reconciliation/first-start.json` in the host account, written once.

Images that are older are not started by themselves: a container that was full before the app came would cost what it
holds. For an app that is upgraded, the first start of a version that knows this is the first start.
"""

import json
import weakref
from contextlib import suppress
from datetime import UTC, datetime

from shared import names
from shared.errors import BlobsightError, ConflictError
from shared.services import App
from shared.storage.blobs import Blob, Blobs, IfEtag

# Where this process has seen it written.
_noted: weakref.WeakSet[Blobs] = weakref.WeakSet()


def moment(app: App) -> datetime:
    """
    When the app first ran; noted now if it was not yet. Where the blob is damaged, it is when the blob was written.

    Raises:
        StorageError: storage did not answer.
    """
    while True:
        blob = app.host.read(names.RECONCILIATION, names.FIRST_START)
        if blob is not None:
            _noted.add(app.host)
            return _told(blob) or blob.info.created or blob.info.modified or app.clock.utc()
        with suppress(ConflictError):  # another process is faster
            # Storage tells the creation of a blob in whole seconds: one of the same second is not older.
            content = json.dumps({"at": app.clock.utc().replace(microsecond=0).isoformat()}).encode()
            app.host.write(
                names.RECONCILIATION, names.FIRST_START, content, content_type=names.JSON, condition=IfEtag(None)
            )


def _told(blob: Blob) -> datetime | None:
    with suppress(ValueError, KeyError, TypeError):
        moment = datetime.fromisoformat(json.loads(blob.data)["at"])
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def note(app: App) -> None:
    """Note the first start, once in a process; an outage of storage must not fail the caller's own work."""
    if app.host not in _noted:
        with suppress(BlobsightError):
            moment(app)


def since(app: App) -> datetime:
    """
    From when on images are started that have no records: RECONCILE_SINCE, else the first start.

    Raises:
        StorageError: storage did not answer.
    """
    return app.settings.reconcile_since or moment(app)
