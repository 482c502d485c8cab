"""The durable poll loop: submit a document, ask until it is read, store its text."""

import azure.functions as func

from shared.ocr.poll_loop import orchestrate


def main(context: func.OrchestrationContext) -> str:
    """Take one turn; everything is decided in `shared.ocr.poll_loop`."""
    from azure.durable_functions import Orchestrator

    return str(Orchestrator.create(orchestrate)(context))
