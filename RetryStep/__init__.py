"""Activity of RetryOrchestrator: do an image's steps as if it had just arrived."""

import azure.functions as func

from shared import threads
from shared.uploads import retry_step


async def main(work: dict, starter: str, context: func.Context) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.uploads.retry_loop`."""
    with threads.invocation(context):
        return await retry_step.retry(work, starter)
