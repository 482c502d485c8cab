"""`GET /api/unfinished`: what is deferred or failed, and why; `POST /api/unfinished/retry`: try it again."""

import azure.functions as func

from shared.api import unfinished
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with a page of what is unfinished, or with what is tried again."""
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    return await unfinished.answer(req, DurableOrchestrationClient(starter))
