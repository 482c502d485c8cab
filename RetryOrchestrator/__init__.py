"""An image's step that could not be done: sleep until its appointment, try it, and so on until it is done."""

import azure.functions as func

from shared.uploads.retry_loop import orchestrate


def main(context: func.OrchestrationContext) -> str:
    """Take one turn; everything is decided in `shared.uploads.retry_loop`."""
    from azure.durable_functions import Orchestrator

    return str(Orchestrator.create(orchestrate)(context))
