"""`GET /api/images`: the images with their states, page by page; `GET /api/images/{name}`: one image's state."""

import azure.functions as func

from shared import names, services
from shared.api import image_states, parameters, responses
from shared.api.endpoint import endpoint
from shared.errors import BadRequestError


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with one state or one page of states."""
    parameters.reject_unknown(req, "name", "limit", "prefix", "continuation", "state")
    app = services.current()
    limit = parameters.integer(req, "limit", 50)
    prefix = parameters.text(req, "prefix", names.MAX_BLOB_NAME_CHARACTERS) or ""
    continuation, state = parameters.text(req, "continuation"), parameters.text(req, "state")
    name = parameters.optional_name_of(req)
    if name and state:
        raise BadRequestError("A name is one image, and state chooses among all: leave one out.", code="bad_parameter")
    if name:
        return responses.answer_json(image_states.of_image(app, name))
    found = image_states.page(app, limit=limit, prefix=prefix, continuation=continuation, state=state)
    return responses.answer_json(found)
