"""Activity of OcrOrchestrator: ask how far the Read is, several times while the waits between are short."""

from shared import ocr_activities


async def main(work: dict) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr`."""
    return await ocr_activities.poll(work)
