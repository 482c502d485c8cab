"""Activity of OcrOrchestrator: have Computer Vision read a document, unless it has been read or submitted before."""

import azure.functions as func

from shared import threads
from shared.ocr import activities


async def main(work: dict, context: func.Context) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr.reading`."""
    with threads.invocation(context):
        return await activities.submit(work)
