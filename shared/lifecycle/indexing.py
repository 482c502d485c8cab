"""
The index as the platform has it kept, every five minutes: built where it never was, and folded.
"""

import logging
from typing import TYPE_CHECKING

from shared import log, services
from shared.durable.handover import DurableClient
from shared.lifecycle import rebuild
from shared.services import App

if TYPE_CHECKING:
    from shared.index.fold import Folded

_logger = logging.getLogger(__name__)


async def fold_due(app: App, client: DurableClient) -> None:
    """
    Begin the first run over all records if none has ended yet, and bring the lines of the index into its base.

    With SEARCH_RECORDS=true the flat records follow.

    Raises:
        StorageError: storage or the Functions host did not answer; the next time goes on.
    """
    try:
        await rebuild.begin_due(app, client)
    finally:
        # Where no run can be begun, lines are folded all the same.
        await services.in_thread(app.threads, lambda: _fold(app))


def _fold(app: App) -> None:
    # No other function needs these, and every process loads all functions.
    from shared.index.fold import fold
    from shared.search.flat_records import FlatRecords

    records = FlatRecords(app.images, app.host, app.settings, app.clock, app.batches)
    done = fold(app.host, app.clock, records.changed if app.settings.search_records else None)
    _tell(done)
    # Lines of an HTTP request that storage did not take then.
    app.index_writer.flush()
    compared = None if done.more else records.compare()
    if compared:
        log.event(
            _logger,
            "search.records_compared",
            records=compared.records,
            orphans=compared.orphans,
            records_deleted=compared.records_deleted,
            more=compared.more,
        )


def _tell(done: "Folded") -> None:
    if done.lines or done.shards or done.tails:
        log.event(_logger, "index.folded", lines=done.lines, shards=done.shards, tails=done.tails, more=done.more)
