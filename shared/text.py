"""
The records of what was read: one with every place and confidence, one as plain text.

Their metadata has the beginning of the text, so that a HEAD or a listing can show it.
"""

import json
from urllib.parse import quote, unquote

from shared import names
from shared.records import Recipe
from shared.retry import Clock
from shared.settings import Settings
from shared.storage import BlobInfo
from shared.vision import questions
from shared.vision.questions import Question
from shared.vision.reading import ReadResult

_EXCERPT = "excerpt"
_EXCERPT_CHARACTERS = 160


def question(settings: Settings) -> Question:
    """What is asked of every upload that has text, and of `POST /api/ocr` without parameters."""
    return questions.read(reading_order=settings.text_reading_order, model_version=settings.text_model_version)


def recipes(name: str, settings: Settings) -> list[Recipe]:
    """Where the text records of an image lie: the plain one, which is written first, and the one with places."""
    asked = question(settings)
    return [
        Recipe(names.TEXT, names.plain_text(name), asked, names.PLAIN),
        Recipe(names.TEXT, names.text(name), asked, names.JSON),
    ]


def document(source: dict[str, object], asked: Question, result: ReadResult, clock: Clock) -> bytes:
    """The content of the record with places; *source* says of what it is."""
    content = {
        "source": source,
        "request": dict(asked.parameters),
        "analyzeResult": result.body.get("analyzeResult", {}),
        "service": {
            "modelVersion": result.model_version,
            "created": result.created,
            "updated": result.updated,
        },
        "at": clock.utc().isoformat(),
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def plain(result: ReadResult) -> bytes:
    """The content of the record as plain text: a line each, an empty line between pages, UTF-8."""
    return f"{result.text}\n".encode() if result.text else b""


def told(result: ReadResult, *, text_only: bool) -> dict[str, str]:
    """What the metadata says besides: the beginning of the text, and whether nothing else applies to the image."""
    excerpt = " ".join(result.text.split())[:_EXCERPT_CHARACTERS]
    return {_EXCERPT: quote(excerpt), **alone(text_only=text_only)}


def alone(*, text_only: bool) -> dict[str, str]:
    """The metadata that marks what has nothing but text."""
    return {names.TEXT_ONLY: "true"} if text_only else {}


def excerpt(info: BlobInfo) -> str:
    """The beginning of the text, its line breaks made spaces."""
    return unquote(info.metadata.get(_EXCERPT, ""))
