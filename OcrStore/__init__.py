"""Activity of OcrOrchestrator: write the records of what was read."""

import azure.functions as func

from shared import threads
from shared.ocr import activities


async def main(work: dict, context: func.Context) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr.reading`."""
    with threads.invocation(context):
        return await activities.store(work)
