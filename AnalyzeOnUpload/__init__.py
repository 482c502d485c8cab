"""An image landed in the container `images`: analyze it, make its thumbnails, have its text read."""

import logging

import azure.functions as func

from shared import log, names, threads
from shared.uploads import on_upload

_logger = logging.getLogger(__name__)


async def main(image: func.InputStream, starter: str, context: func.Context) -> None:
    """Process one upload. Raises only where not even a later attempt could be arranged."""
    with threads.invocation(context):
        name = names.image_of_event(image.name or "")
        if name is None:
            # Event Grid does not filter by the trigger's path.
            container, _, other = (image.name or "").partition("/")
            log.event(_logger, "upload.ignored", container=container, blob=other)
            return
        await on_upload.process(name, image.read(), starter)
