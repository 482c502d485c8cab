"""
`GET /api/search`: images by their words, tags, states, dates and likeness.

`POST /api/search/rebuild`: make the index anew from the records; `GET` of it: how far that is.
"""

import azure.functions as func

from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with a page of images, a rebuild that has begun, or how far one is."""
    # Imported here: no other function of the process needs it.
    from shared.api import search

    return await search.answer(req, starter)
