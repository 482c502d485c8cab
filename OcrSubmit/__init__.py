"""Activity of OcrOrchestrator: have Computer Vision read a document, unless it has been read or submitted before."""

from shared import ocr_activities


async def main(work: dict) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Return the outcome; see `shared.ocr`."""
    return await ocr_activities.submit(work)
