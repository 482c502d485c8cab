"""`POST /api/analyze`: what Computer Vision sees in an image, as its own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import asked, operations, parameters
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Analyze the image of the request; without parameters the very question that uploads ask."""
    parameters.reject_unknown(req, *asked.ANALYZE)
    question = asked.analyze(req, services.current().settings)
    return await operations.answer(req, starter, question)
