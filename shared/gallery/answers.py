"""What `/api/gallery` and everything below it answer with."""

import azure.functions as func

from shared.errors import NotFoundError


async def answer(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer with the shell, a file of the page, or data; *starter* is the durable client's binding."""
    raise NotFoundError("The page is being built.")
