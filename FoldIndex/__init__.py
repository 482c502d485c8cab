"""Every five minutes: the lines of the index go into its base; an index that was never built is built."""

import azure.functions as func

from shared import services, threads
from shared.lifecycle import indexing


async def main(timer: func.TimerRequest, starter: str, context: func.Context) -> None:
    """Begin the first run over all records if it is due, and fold."""
    from azure.durable_functions import DurableOrchestrationClient

    with threads.invocation(context):
        await indexing.fold_due(services.current(), DurableOrchestrationClient(starter))
