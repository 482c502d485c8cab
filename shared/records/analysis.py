"""
The analysis record: the answer of Computer Vision about an image, with the question, the bytes and the time.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from shared import names
from shared.clock import Clock
from shared.configuration.parse import TEXT_MODES
from shared.pictures import kinds
from shared.pictures.fitting import Sent
from shared.records.record_store import RecordSpec
from shared.records.versions import Source
from shared.settings import Settings
from shared.vision import billing, questions
from shared.vision.fields import Json
from shared.vision.models import Analysis, Answer
from shared.vision.questions import Question

# The confidence from which the tag `text` means that there is text to read.
TEXT_CONFIDENCE = 0.5


def question(settings: Settings) -> Question:
    """The question that uploads ask of every image, and `POST /api/analyze` without parameters."""
    return questions.analyze(
        settings.vision_features, language=settings.vision_language, model_version=settings.vision_model_version
    )


def spec(name: str, settings: Settings) -> RecordSpec:
    """Where the analysis record of an image lies; one that was asked for more features holds too."""
    asked = question(settings)
    return RecordSpec(names.ANALYSIS, names.analysis(name), asked, names.JSON, others=questions.wider(asked))


def document(source: Source, answer: Answer, settings: Settings, clock: Clock) -> bytes:
    """The analysis record's content."""
    result = answer.json()
    analysis = Analysis.of(result)
    content = {
        "source": {
            **source.describe(),
            "width": source.header.width,
            "height": source.header.height,
            "contentType": source.header.content_type,
            **_taken(source),
        },
        "sent": answer.sent or _itself(source),
        "request": {
            "features": list(settings.vision_features),
            "language": settings.vision_language,
            "modelVersion": settings.vision_model_version,
        },
        "result": result,
        "text": "due" if has_text(analysis, source.header.content_type, settings.text_mode) else "none",
        "service": {
            "requestId": answer.request_id,
            "modelVersion": analysis.model_version,
            # 0 and nothing where another caller had paid for the answer.
            "calls": int(answer.paid),
            "billed": billing.billed(answer.usage),
            "usage": dict(answer.usage),
        },
        "at": clock.utc().isoformat(),
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _taken(source: Source) -> dict[str, str]:
    """When the camera took it."""
    from shared.pictures import taken

    found = taken.of_bytes(source.image.data, source.header.kind)
    return {"taken": found} if found else {}


def _itself(source: Source) -> Json:
    """What was sent of an image that went as it is."""
    header = source.header
    return Sent(source.image.data, header.kind, header.width, header.height, untouched=True).describe()


def text_due(record: bytes, text_mode: str) -> bool:
    """
    Whether there is text to read in the image of an analysis record.

    Judged anew rather than taken from the record, so that a change of TEXT_MODE counts without another analysis.
    """
    content = json.loads(record)
    return has_text(Analysis.of(content["result"]), content["source"]["contentType"], text_mode)


class TextDue(NamedTuple):
    """Whether text was due by the settings of the time when an analysis was made, and by those of now."""

    then: bool
    now: bool

    @property
    def was_lost(self) -> bool:
        """Whether text that is not there was lost: where only the settings make it due, it was not."""
        return self.then and self.now


def text_mark(record: bytes) -> dict[str, str]:
    """The metadata that tells whether text was due, and in which modes it is, so that a listing tells it."""
    content = json.loads(record)
    modes = [mode for mode in TEXT_MODES if text_due(record, mode)]
    return {names.TEXT_DUE: ",".join([str(content.get("text", "due")), *modes])}


def text_due_of(metadata: Mapping[str, str], text_mode: str) -> TextDue | None:
    """What `text_mark` has told; None of metadata that do not have it."""
    if names.TEXT_DUE not in metadata:
        return None
    then, *modes = metadata[names.TEXT_DUE].split(",")
    return TextDue(then != "none", text_mode in modes)


def has_text(analysis: Analysis, content_type: str, text_mode: str) -> bool:
    """Whether there is text to read, by the setting TEXT_MODE; `auto` follows tags and categories."""
    if content_type == kinds.TIFF.content_type:
        return True  # most often it is a scan
    if content_type == kinds.GIF.content_type or text_mode == "never":
        return False  # Read takes no GIF
    return (
        text_mode == "always"
        or any(tag.name == "text" and (tag.confidence or 0.0) >= TEXT_CONFIDENCE for tag in analysis.tags)
        or any(category.name.startswith("text_") for category in analysis.categories)
    )
