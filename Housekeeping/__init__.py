"""Once an hour: begin the comparison of images and records if it is due, or the forgetting of answers if that is."""

import azure.functions as func

from shared import services, threads
from shared.lifecycle import housekeeping


async def main(timer: func.TimerRequest, starter: str, context: func.Context) -> None:
    """Begin the run that is due."""
    from azure.durable_functions import DurableOrchestrationClient

    with threads.invocation(context):
        await housekeeping.begin_due(services.current(), DurableOrchestrationClient(starter))
