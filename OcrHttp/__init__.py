"""`POST /api/ocr`: have text read; `GET /api/ocr/{id}`: its state and the text; `DELETE /api/ocr/{id}`."""

import azure.functions as func

from shared.api import ocr
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer 202 with Location and Retry-After until the text is there."""
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    return await ocr.answer(req, DurableOrchestrationClient(starter))
