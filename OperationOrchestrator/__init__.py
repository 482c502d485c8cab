"""The durable operation: ask one question or make one thumbnail, as soon as that can be done."""

import azure.functions as func

from shared.operations.loop import orchestrate


def main(context: func.OrchestrationContext) -> str:
    """Take one turn; everything is decided in `shared.operations.loop`."""
    from azure.durable_functions import Orchestrator

    return str(Orchestrator.create(orchestrate)(context))
