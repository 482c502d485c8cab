"""Once a day: histories of Reads that ended, and bytes that were sent to be read, go after seven days."""

import azure.functions as func

from shared import purging, services


async def main(timer: func.TimerRequest, starter: str) -> None:
    """Purge what is old."""
    from azure.durable_functions import DurableOrchestrationClient

    await purging.purge(services.current(), DurableOrchestrationClient(starter))
