"""What `/api/gallery` and everything below it answer with: files for everyone, data for the admitted."""

import azure.functions as func

from shared import settings
from shared.errors import NotFoundError
from shared.gallery import files, routes

_DATA = "data/"


async def answer(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """
    Answer with the shell, a file of the page, or data; *starter* is the durable client's binding.

    Raises:
        BlobsightError: as `routes.answer`; `not_found` where there is no such file.
    """
    access = settings.gallery()
    file = req.route_params.get("file") or ""
    if file.startswith(_DATA):
        return await routes.answer(req, file.removeprefix(_DATA), access, starter)
    if req.method not in ("GET", "HEAD"):
        raise NotFoundError("The files of the page can be read only.", action="GET /api/gallery.")
    return files.answer(req, file, watched=access.is_development)
