"""`GET /api/openapi.json`: the contract of all routes, with the app's own address in it, for everyone."""

import azure.functions as func

from shared import settings
from shared.api import parameters, responses
from shared.api.endpoint import endpoint


@endpoint
def main(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the OpenAPI document."""
    parameters.reject_unknown(req)
    # Imported here: few callers ask for it, and every cold start would pay for it.
    from shared.openapi.document import CACHE_CONTROL, document

    return responses.answer_json(document(settings.public_address()), headers={"Cache-Control": CACHE_CONTROL})
