"""`/api/thumbnail/{name}`: a thumbnail, made once and served from storage; `POST /api/thumbnail` for other images."""

import azure.functions as func

from shared import services
from shared.api import bodies, parameters, responses, thumbnails
from shared.api.endpoint import endpoint
from shared.errors import BusyError
from shared.images import ImageBlob
from shared.records.thumbnails import Size


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the JPEG; 202 and Retry-After while somebody else is making it."""
    parameters.reject_unknown(req, "name", "width", "height", "smartCropping")
    app = services.current()
    size = Size(
        parameters.integer(req, "width"),
        parameters.integer(req, "height"),
        parameters.boolean(req, "smartCropping", default=app.settings.thumbnail_smart),
    )
    image = bodies.image_of(req) if req.method == "POST" else ImageBlob(parameters.name_of(req))
    try:
        blob, address = thumbnails.thumbnail(app, image, size)
    except BusyError as error:
        return responses.pending(error)
    return responses.blob_response(req, blob, address)
