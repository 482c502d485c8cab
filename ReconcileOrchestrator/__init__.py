"""The comparison of images and records, and the cleaning: one page after the other until the last."""

import azure.functions as func

from shared.lifecycle.reconcile_loop import orchestrate


def main(context: func.OrchestrationContext) -> str:
    """Take one turn; everything is decided in `shared.lifecycle.reconcile_loop`."""
    from azure.durable_functions import Orchestrator

    return str(Orchestrator.create(orchestrate)(context))
