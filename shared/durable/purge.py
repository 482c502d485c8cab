"""Delete histories of orchestrations that ended, and what callers sent to be read or made, after some days."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple, Protocol

from shared import log, names, services
from shared.clock import Deadline
from shared.errors import ConflictError
from shared.services import App
from shared.storage.blobs import BlobInfo
from shared.threads import side_by_side

KEPT = timedelta(days=7)
# host.json ends an invocation after 300 s, and all others of its process with it.
SENT_SECONDS: Final = 60.0
HISTORIES_SECONDS: Final = 60.0
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
# A page takes less than the 60 s that are left then, also of a slow account.
_PAGE = 500
_PARALLEL = 8

_logger = logging.getLogger(__name__)


class Purged(Protocol):
    """The part of `azure.durable_functions.PurgeHistoryResult` that the app uses."""

    @property
    def instances_deleted(self) -> int:
        """How many histories were purged."""


class PurgingClient(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that the purge uses."""

    async def purge_instance_history_by(
        self, created_time_from: datetime, created_time_to: datetime, runtime_status: list[object]
    ) -> Purged:
        """Purge the instances that were created in that time and have one of these statuses."""


async def purge(app: App, client: PurgingClient) -> None:
    """
    Purge histories and documents older than `KEPT`. An instance that is under way stays, however old.

    Each of the three has its time. What is left then is the next run's, which goes on by itself: what is deleted is
    not listed again.
    """
    before = app.clock.utc() - KEPT
    inputs, keys = [
        await services.in_thread(app.threads, partial(_sent, app, container, before))
        for container in (names.INPUTS, names.KEYS)
    ]
    # A look whose process died has left the blob that it wrote.
    await services.in_thread(app.threads, partial(_sent, app, names.HEALTH, before, prefix=names.retention("")))
    instances = await _histories(client, before)
    more = [
        what
        for what, is_done in (("inputs", inputs.done), ("keys", keys.done), ("histories", instances is not None))
        if not is_done
    ]
    log.event(
        _logger,
        "history.purged",
        instances=instances,
        inputs=inputs.deleted,
        keys=keys.deleted,
        more=",".join(more) or None,
    )


async def _histories(client: PurgingClient, before: datetime) -> int | None:
    """Purge histories; how many, or None where it takes longer. The extension has deleted some by then."""
    purging = client.purge_instance_history_by(_BEGINNING, before, _ended())
    try:
        return (await asyncio.wait_for(purging, HISTORIES_SECONDS)).instances_deleted
    except TimeoutError:
        return None


def _ended() -> list[object]:
    from azure.durable_functions import OrchestrationRuntimeStatus as Status

    return [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]


class _Deleted(NamedTuple):
    """How many documents were deleted, and whether these were all that were old."""

    deleted: int
    done: bool


def _sent(app: App, container: str, before: datetime, *, prefix: str = "") -> _Deleted:
    """Delete documents sent before that; a job that still needs one asks its caller to send it again."""
    count, continuation = 0, None
    deadline = Deadline.after(SENT_SECONDS, app.clock)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        while deadline.remaining():
            page = app.host.page(container, prefix=prefix, limit=_PAGE, continuation=continuation)
            old = [info for info in page.items if info.modified is not None and info.modified < before]
            count += sum(side_by_side(pool, partial(_delete, app, container), old))
            continuation = page.continuation
            if continuation is None:
                return _Deleted(count, done=True)
    return _Deleted(count, done=False)


def _delete(app: App, container: str, info: BlobInfo) -> bool:
    with suppress(ConflictError):  # it was sent again since the listing
        app.host.delete(container, info.name, etag=info.etag)
        return True
    return False
