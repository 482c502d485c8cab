"""`POST /api/describe`: sentences that describe an image, as Computer Vision's own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import bodies, parameters, responses
from shared.api.endpoint import endpoint
from shared.vision import questions


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Describe the image of the request."""
    parameters.reject_unknown(req, "maxCandidates", "language", "descriptionExclude", "model-version")
    app = services.current()
    question = questions.describe(
        max_candidates=parameters.integer(req, "maxCandidates", 1),
        language=parameters.text(req, "language") or app.settings.vision_language,
        description_exclude=parameters.list_of(req, "descriptionExclude"),
        model_version=parameters.text(req, "model-version") or app.settings.vision_model_version,
    )
    return responses.answer_json(app.ask(question, bodies.image_of(req)).json())
