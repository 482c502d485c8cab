"""
`GET /api/images`: the images with their states, or those that finished; `GET /api/images/{name}`: one image's.

`PUT` stores an image under that name, and `DELETE` deletes it.
"""

import azure.functions as func

from shared import services
from shared.api import image_requests
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with one state, one page of states, or the images that finished; or store or delete an image."""
    return image_requests.answer(req, services.current())
