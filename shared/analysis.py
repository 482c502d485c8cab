"""
The analysis record: what Computer Vision sees in an image, with what was asked, of which bytes, and when.
"""

import json

from shared import names
from shared.records import Recipe, Source
from shared.retry import Clock
from shared.settings import Settings
from shared.vision import questions
from shared.vision.models import Analysis, Answer
from shared.vision.questions import Question

# The confidence from which the tag `text` means that there is text to read.
TEXT_CONFIDENCE = 0.5


def question(settings: Settings) -> Question:
    """What is asked of every image, and of `POST /api/analyze` without parameters."""
    return questions.analyze(
        settings.vision_features, language=settings.vision_language, model_version=settings.vision_model_version
    )


def recipe(name: str, settings: Settings, clock: Clock) -> Recipe:
    """How the analysis record of an image is made."""

    def build(source: Source, answer: Answer) -> bytes:
        result = answer.json()
        analysis = Analysis.of(result)
        document = {
            "source": {
                **source.describe(),
                "width": source.picture.width,
                "height": source.picture.height,
                "contentType": source.picture.content_type,
            },
            "request": {
                "features": list(settings.vision_features),
                "language": settings.vision_language,
                "modelVersion": settings.vision_model_version,
            },
            "result": result,
            "text": "due" if has_text(analysis, source.picture.kind, settings.text_mode) else "none",
            "service": {
                "requestId": answer.request_id,
                "modelVersion": analysis.model_version,
                # 0 where the answer had been paid for by somebody else.
                "calls": int(answer.paid),
            },
            "at": clock.utc().isoformat(),
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    return Recipe(names.ANALYSIS, names.analysis(name), question(settings), names.JSON, build)


def has_text(analysis: Analysis, kind: str, text_mode: str) -> bool:
    """Whether there is text to read, by the setting TEXT_MODE; `auto` follows tags and categories."""
    if kind == "GIF" or text_mode == "never":
        return False  # Read takes no GIF
    return (
        text_mode == "always"
        or any(tag.name == "text" and (tag.confidence or 0.0) >= TEXT_CONFIDENCE for tag in analysis.tags)
        or any(category.name.startswith("text_") for category in analysis.categories)
    )
