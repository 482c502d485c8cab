"""`POST /api/describe`: sentences that describe an image, as Computer Vision's own v3.2 answer."""

import azure.functions as func

from shared import services
from shared.api import asked, bodies, parameters, responses
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Describe the image of the request."""
    parameters.reject_unknown(req, *asked.DESCRIBE)
    app = services.current()
    question = asked.describe(req, app.settings)
    return responses.answer_json(app.answers.ask(question, bodies.image_of(req, app.settings.max_upload_bytes)).json())
