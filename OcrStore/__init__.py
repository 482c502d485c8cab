"""Activity of OcrOrchestrator: write the records of the text."""

import azure.functions as func

from shared import threads
from shared.ocr import activities
from shared.ocr.poll_loop import ReadWork


async def main(work: ReadWork, context: func.Context) -> object:  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr.outcomes`."""
    with threads.invocation(context):
        return await activities.store(work)
