"""Activity of RetryOrchestrator: do an image's steps as if it had just arrived."""

import azure.functions as func

from shared import retrying, threads


async def main(work: dict, starter: str, context: func.Context) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.retry_loop`."""
    with threads.invocation(context):
        return await retrying.retry(work, starter)
