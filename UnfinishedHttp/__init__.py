"""
`GET /api/unfinished`: deferred and failed steps, with the reason; `POST /api/unfinished/retry`: try them again.

`POST /api/unfinished/reconcile`: compare all images with their records; `GET` of it: how far that is.
"""

import azure.functions as func

from shared.api import unfinished
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with a page of unfinished steps, the steps that are tried again, or a comparison that has begun."""
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    return await unfinished.answer(req, DurableOrchestrationClient(starter))
