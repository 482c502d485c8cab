"""`POST /api/analyze`: what Computer Vision sees in an image, as its own v3.2 answer."""

import azure.functions as func

from shared import services, web
from shared.vision import questions


@web.endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Analyze the image of the request; without parameters the very question that uploads ask."""
    web.only(req, "visualFeatures", "details", "language", "descriptionExclude", "model-version")
    parts = services.current()
    question = questions.analyze(
        web.words(req, "visualFeatures") or parts.settings.vision_features,
        details=web.words(req, "details"),
        language=req.params.get("language", parts.settings.vision_language),
        description_exclude=web.words(req, "descriptionExclude"),
        model_version=req.params.get("model-version", parts.settings.vision_model_version),
    )
    return web.answer_json(parts.ask(question, web.image_of(req)).json())
