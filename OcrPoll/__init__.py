"""Activity of OcrOrchestrator: ask how far the Read is, several times while the waits between are short."""

import azure.functions as func

from shared import threads
from shared.ocr import activities
from shared.ocr.poll_loop import ReadWork


async def main(work: ReadWork, context: func.Context) -> object:  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr.outcomes`."""
    with threads.invocation(context):
        return await activities.poll(work)
