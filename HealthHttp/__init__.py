"""`GET /api/health`: up or down and the version for everyone; with HEALTH_KEY as key, the problems too."""

import azure.functions as func

from shared.api import health, parameters, responses
from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 200 or 503."""
    parameters.reject_unknown(req)
    report = await health.report()
    body = report.detailed() if health.may_know(parameters.key_of(req)) else report.short()
    return responses.answer_json(body, status=200 if report.up else 503)
