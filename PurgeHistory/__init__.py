"""Once a day: histories of Reads and operations that ended, and what was sent for them, go after seven days."""

import azure.functions as func

from shared import services, threads
from shared.durable import purge


async def main(timer: func.TimerRequest, starter: str, context: func.Context) -> None:
    """Purge histories and documents that are old."""
    from azure.durable_functions import DurableOrchestrationClient

    with threads.invocation(context):
        await purge.purge(services.current(), DurableOrchestrationClient(starter))
