"""`POST /api/describe`: sentences that describe an image, as Computer Vision's own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import asked, operations, parameters
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Describe the image of the request."""
    parameters.reject_unknown(req, *asked.DESCRIBE)
    question = asked.describe(req, services.current().settings)
    return await operations.answer(req, starter, question)
