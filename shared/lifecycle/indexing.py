"""
The index as the platform has it kept, every five minutes: built where it never was, and folded.
"""

import logging

from shared import log, services
from shared.durable.handover import DurableClient
from shared.index.fold import Folded, fold
from shared.lifecycle import rebuild
from shared.services import App

_logger = logging.getLogger(__name__)


async def fold_due(app: App, client: DurableClient) -> None:
    """
    Begin the first run over all records if none has ended yet, and bring the lines of the index into its base.

    Raises:
        StorageError: storage or the Functions host did not answer; the next time goes on.
    """
    try:
        await rebuild.begin_due(app, client)
    finally:
        # Where no run can be begun, lines are folded all the same.
        folded = await services.in_thread(app.threads, lambda: fold(app.host, app.clock))
        _tell(folded)


def _tell(done: Folded) -> None:
    if done.lines or done.shards or done.tails:
        log.event(_logger, "index.folded", lines=done.lines, shards=done.shards, tails=done.tails, more=done.more)
