"""`POST /api/analyze`: what Computer Vision sees in an image, as its own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import asked, bodies, parameters, responses
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Analyze the image of the request; without parameters the very question that uploads ask."""
    parameters.reject_unknown(req, *asked.ANALYZE)
    app = services.current()
    question = asked.analyze(req, app.settings)
    return responses.answer_json(app.answers.ask(question, bodies.image_of(req, app.settings.max_upload_bytes)).json())
