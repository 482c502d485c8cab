"""`POST /api/describe`: sentences that describe an image, as Computer Vision's own v3.2 answer."""

import azure.functions as func

from shared import services, web
from shared.vision import questions


@web.endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Describe the image of the request."""
    web.only(req, "maxCandidates", "language", "descriptionExclude", "model-version")
    parts = services.current()
    question = questions.describe(
        max_candidates=web.whole_number(req, "maxCandidates", 1),
        language=req.params.get("language", parts.settings.vision_language),
        description_exclude=web.words(req, "descriptionExclude"),
        model_version=req.params.get("model-version", parts.settings.vision_model_version),
    )
    return web.answer_json(parts.ask(question, web.image_of(req)).json())
