"""Activity of OcrOrchestrator: have Computer Vision read a document, unless it has been read or submitted before."""

import azure.functions as func

from shared import threads
from shared.ocr import activities
from shared.ocr.poll_loop import ReadWork


async def main(work: ReadWork, context: func.Context) -> object:  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr.outcomes`."""
    with threads.invocation(context):
        return await activities.submit(work)
