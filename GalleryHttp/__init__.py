"""
`GET /api/gallery`: the page on which people look at their images, and its files.

`/api/gallery/data/...`: what the page shows and changes, for people who are signed in or have GALLERY_KEY.
"""

import azure.functions as func

from shared.api.endpoint import async_endpoint


@async_endpoint
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with a file of the page, or with its data."""
    # Imported here: no other function of the process needs it.
    from shared.gallery import answers

    return await answers.answer(req, starter)
