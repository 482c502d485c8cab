"""An image landed in the container `images`: analyze it, make its thumbnails, have its text read."""

import logging
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func

from shared import log, names, orchestrations, services, steps

# As wide as host.json's extensions.blobs.maxDegreeOfParallelism, and apart from the worker's threads: uploads that wait
# for their turn must not take the HTTP functions' threads.
_executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="upload")
_logger = logging.getLogger(__name__)


async def main(image: func.InputStream, starter: str, context: func.Context) -> None:
    """Process one upload. Raises what waiting can help, so that the event is delivered again."""
    with log.correlated(context.invocation_id):
        name = names.image_of_event(image.name or "")
        if name is None:
            # Event Grid does not filter by the trigger's path.
            log.event(_logger, "upload.ignored", blob=image.name)
            return
        data = image.read()
        parts = services.current()
        outcomes = await services.in_thread(_executor, lambda: steps.process(parts, name, data))
        for job in (outcome.job for outcome in outcomes if outcome.job):
            # Imported here: its import costs more than all others together, and many images have no text.
            from azure.durable_functions import DurableOrchestrationClient

            await orchestrations.hand_over(DurableOrchestrationClient(starter), job)
    for outcome in outcomes:
        if outcome.state == "deferred" and outcome.error:
            raise outcome.error
