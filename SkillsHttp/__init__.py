"""`POST /api/skills/{skill}`: describe, analyze or read, as custom skills of Azure AI Search."""

import azure.functions as func

from shared.api.endpoint import async_endpoint
from shared.skills import request


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer each record of the batch with its data or its error, before the skill's time-out."""
    return await request.answer(req, starter)
