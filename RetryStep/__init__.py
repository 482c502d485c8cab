"""Activity of RetryOrchestrator: do an image's steps as if it had just arrived."""

from shared import retrying


async def main(work: dict, starter: str) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.retry_loop`."""
    return await retrying.retry(work, starter)
