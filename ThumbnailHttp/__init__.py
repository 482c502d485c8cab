"""`/api/thumbnail/{name}`: a thumbnail, made once and served from storage; `POST /api/thumbnail` for other images."""

import azure.functions as func

from shared import services
from shared.api import bodies, parameters, responses, thumbnails
from shared.api.endpoint import endpoint
from shared.configuration.parse import MODES
from shared.errors import BusyError
from shared.images import ImageBlob
from shared.names import FORMATS
from shared.records.thumbnails import Thumbnail
from shared.thumbnails import on_demand


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the picture; 202 and Retry-After while another caller is making it."""
    parameters.reject_unknown(req, "name", "width", "height", "smartCropping", "mode", "format")
    app = services.current()
    wanted = Thumbnail(
        parameters.integer(req, "width"),
        parameters.integer(req, "height"),
        thumbnails.mode(
            app.settings,
            parameters.one_of(req, "mode", MODES),
            parameters.boolean(req, "smartCropping"),
        ),
        parameters.one_of(req, "format", tuple(FORMATS)) or "jpeg",
    )
    known = responses.known_etags(req)
    most = app.settings.max_upload_bytes
    image = bodies.image_of(req, most) if req.method == "POST" else ImageBlob(parameters.name_of(req))
    try:
        blob, address = on_demand.thumbnail(app, image, wanted, known)
    except BusyError as error:
        return responses.pending(error)
    return responses.blob_response(blob, address, known)
