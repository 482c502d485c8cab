"""`POST /api/analyze`: what Computer Vision sees in an image, as its own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import bodies, parameters, responses
from shared.api.endpoint import endpoint
from shared.vision import questions


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Analyze the image of the request; without parameters the very question that uploads ask."""
    parameters.reject_unknown(req, "visualFeatures", "details", "language", "descriptionExclude", "model-version")
    app = services.current()
    question = questions.analyze(
        parameters.list_of(req, "visualFeatures") or app.settings.vision_features,
        details=parameters.list_of(req, "details"),
        language=parameters.text(req, "language") or app.settings.vision_language,
        description_exclude=parameters.list_of(req, "descriptionExclude"),
        model_version=parameters.text(req, "model-version") or app.settings.vision_model_version,
    )
    return responses.answer_json(app.ask(question, bodies.image_of(req)).json())
