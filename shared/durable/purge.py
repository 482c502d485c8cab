"""Delete histories of orchestrations that ended, and documents that callers sent to be read, after some days."""

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from shared import log, names, services
from shared.errors import ConflictError
from shared.services import App

KEPT = timedelta(days=7)
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_PAGE = 500

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
    """Purge histories and documents older than `KEPT`. An instance that is under way stays, however old."""
    before = app.clock.utc() - KEPT
    histories = await client.purge_instance_history_by(_BEGINNING, before, _ended())
    inputs, keys = [
        await services.in_thread(app.threads, partial(_sent, app, container, before))
        for container in (names.INPUTS, names.KEYS)
    ]
    log.event(_logger, "history.purged", instances=histories.instances_deleted, inputs=inputs, keys=keys)


def _ended() -> list[object]:
    from azure.durable_functions import OrchestrationRuntimeStatus as Status

    return [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]


def _sent(app: App, container: str, before: datetime) -> int:
    """Delete documents sent before that; a job that still needs one asks its caller to send it again."""
    count, continuation = 0, None
    while True:
        page = app.host.page(container, limit=_PAGE, continuation=continuation)
        for info in page.items:
            if info.modified is not None and info.modified < before:
                with suppress(ConflictError):  # it was sent again since the listing
                    app.host.delete(container, info.name, etag=info.etag)
                    count += 1
        continuation = page.continuation
        if continuation is None:
            return count
