"""Activity of OperationOrchestrator: ask one question or make one thumbnail, unless that was done before."""

import azure.functions as func

from shared import threads
from shared.operations import step
from shared.operations.loop import Work


async def main(work: Work, context: func.Context) -> object:  # the worker takes plain classes only
    """Return the outcome; see `shared.operations.loop`."""
    with threads.invocation(context):
        return await step.step(work)
