"""`/api/corrections/{name}`: what people say of an image, which wins over what Computer Vision has said."""

import azure.functions as func

from shared import services
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the correction of an image, as it is or as the request has made it."""
    # Imported here: few processes are asked for it.
    from shared.api import corrections

    return corrections.answer(req, services.current())
