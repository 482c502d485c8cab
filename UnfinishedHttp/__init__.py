"""`GET /api/unfinished`: deferred and failed steps, with the reason; `POST /api/unfinished/retry`: try them again."""

import azure.functions as func

from shared.api import unfinished
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with a page of unfinished steps, or with the steps that are tried again."""
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    return await unfinished.answer(req, DurableOrchestrationClient(starter))
