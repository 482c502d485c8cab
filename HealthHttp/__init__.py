"""`GET /api/health`: up or down for everybody; with the setting HEALTH_KEY as key, what is wrong."""

import azure.functions as func

from shared import health, web


@web.endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 200 or 503."""
    web.only(req)
    key = req.headers.get("x-functions-key") or req.params.get("code")
    report = health.report()
    body = report.detailed() if health.may_know(key) else report.short()
    return web.answer_json(body, status=200 if report.up else 503)
