"""`GET /api/images`: the images with their states, or those that finished; `GET /api/images/{name}`: one image's."""

import azure.functions as func

from shared import services
from shared.api import image_requests
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with one state, one page of states, or the images that finished since a moment."""
    return image_requests.answer(req, services.current())
