"""Activity of OcrOrchestrator: write the records of what was read."""

from shared import ocr_activities


async def main(work: dict) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr`."""
    return await ocr_activities.store(work)
