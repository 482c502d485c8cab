"""`GET /api/domains`: the domain-specific models; `POST /api/domains/{model}`: what one of them knows in an image."""

import azure.functions as func

from shared import services
from shared.api import operations, parameters, responses
from shared.api.endpoint import async_endpoint
from shared.errors import BadRequestError
from shared.vision import questions


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with Computer Vision's own v3.2 answer."""
    parameters.reject_unknown(req, "language", "model-version")
    app = services.current()
    model = req.route_params.get("model")
    if req.method == "GET":
        return await services.in_thread(app.callers, lambda: responses.answer_json(app.vision.list_models().body))
    if not model:
        raise BadRequestError(
            "The request names no model.",
            code="bad_parameter",
            action="POST to /api/domains/landmarks or /api/domains/celebrities; GET /api/domains lists all.",
        )
    question = questions.domain(
        model,
        language=parameters.text(req, "language") or app.settings.vision_language,
        model_version=parameters.text(req, "model-version") or app.settings.vision_model_version,
    )
    return await operations.answer(req, starter, question)
