"""`/api/thumbnail/{name}`: a thumbnail, made once and served from storage; `POST /api/thumbnail` for other images."""

import azure.functions as func

from shared import services
from shared.api import operations, parameters, thumbnails
from shared.api.endpoint import async_endpoint
from shared.configuration.parse import MODES
from shared.names import FORMATS
from shared.records.thumbnails import Thumbnail


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with the picture; 202 while another caller has it made, and for callers who prefer not to wait."""
    of_stored = () if req.method == "POST" else ("name",)
    parameters.reject_unknown(req, *of_stored, *thumbnails.PARAMETERS)
    settings = services.current().settings
    wanted = Thumbnail(
        parameters.integer(req, "width"),
        parameters.integer(req, "height"),
        thumbnails.mode(
            settings,
            parameters.one_of(req, "mode", MODES),
            parameters.boolean(req, "smartCropping"),
        ),
        parameters.one_of(req, "format", tuple(FORMATS)) or "jpeg",
    )
    return await operations.thumbnail(req, starter, wanted)
