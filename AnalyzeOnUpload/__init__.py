"""An image landed in the container `images`: analyze it and make its thumbnails."""

import asyncio
import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func

from shared import log, names, services, steps

# As wide as host.json's extensions.blobs.maxDegreeOfParallelism, and apart from the worker's threads: uploads that wait
# for their turn must not take the HTTP functions' threads.
_executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="upload")
_logger = logging.getLogger(__name__)


async def main(image: func.InputStream, context: func.Context) -> None:
    """Process one upload. Raises what waiting can help, so that the event is delivered again."""
    with log.correlated(context.invocation_id):
        name = names.image_of_event(image.name or "")
        if name is None:
            # Event Grid does not filter by the trigger's path.
            log.event(_logger, "upload.ignored", blob=image.name)
            return
        data = image.read()
        run = contextvars.copy_context().run
        outcomes = await asyncio.get_running_loop().run_in_executor(
            _executor, run, steps.process, services.current(), name, data
        )
    for outcome in outcomes:
        if outcome.state == "deferred" and outcome.error:
            raise outcome.error
