"""Activity of RetryOrchestrator: do an image's steps as if it had just arrived."""

import azure.functions as func

from shared import threads
from shared.uploads import retry_step
from shared.uploads.retry_loop import RetryWork


# The worker takes plain classes only.
async def main(work: RetryWork, starter: str, context: func.Context) -> object:
    """Return the outcome; see `shared.uploads.retry_loop`."""
    with threads.invocation(context):
        return await retry_step.retry(work, starter)
