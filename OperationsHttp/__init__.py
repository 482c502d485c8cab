"""`GET /api/operations/{id}`: how far a question or a thumbnail is that the caller did not wait for, and its answer."""

import azure.functions as func

from shared.api import operations
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer 202 with Location and Retry-After until the answer is there."""
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    return await operations.report(req, DurableOrchestrationClient(starter))
