"""
The records of an image's text: one with every place and confidence, one as plain text.

Their metadata has the beginning of the text, so that a HEAD or a listing can show it.
"""

import json
from typing import NamedTuple
from urllib.parse import quote, unquote

from shared import names
from shared.clock import Clock
from shared.pictures import page_ranges
from shared.records.record_store import RecordSpec
from shared.settings import Settings
from shared.storage.blobs import BlobInfo
from shared.vision import questions
from shared.vision.questions import Question
from shared.vision.read_models import ReadResult

# Read takes the first 2,000 pages of a PDF or a TIFF, on the free tier the first two (learn.microsoft.com, Call the
# Read API).
MAX_PAGES, MAX_FREE_PAGES = 2000, 2
_FREE_CALLS_PER_SECOND = 20 / 60
_EXCERPT = "excerpt"
_EXCERPT_CHARACTERS = 160
_PAGES_READ, _PAGES_OF = "pagesread", "pagesof"
# Counted one by one where only some are asked for; no document that is read has as many.
_MOST_COUNTED = 100_000


class Unread(NamedTuple):
    """Pages at a document's end that Computer Vision did not read: it read `read`, of `of` (0: not known)."""

    read: int
    of: int

    def notice(self) -> dict[str, str]:
        """What a person is told of it."""
        limit = "the most that it reads of one document" + (" on the free tier" if self.read == MAX_FREE_PAGES else "")
        if self.of:
            message = f"Computer Vision read the first {self.read} of {self.of} pages: {limit}."
        else:
            message = f"Computer Vision read {self.read} pages: {limit}. The document may have more."
        action = f"Split the document into parts of at most {self.read} pages."
        return {"code": "pages_not_read", "message": message, "action": action}


def unread(result: ReadResult, asked: Question, pages: int, settings: Settings) -> Unread | None:
    """
    The pages that were left out because a document has more than the service reads; None if there are none.

    Args:
        result, asked: the text, and the question that it answers.
        pages: how many the document has, 0 if that is not known.
        settings: their rate tells the free tier.
    """
    read, ranges = len(result.pages), dict(asked.parameters).get("pages", "")
    if read not in (MAX_PAGES, MAX_FREE_PAGES):
        return None
    if pages:
        wanted = sum(page_ranges.has(ranges, page) for page in range(1, min(pages, _MOST_COUNTED) + 1))
        return Unread(read, wanted) if wanted > read else None
    calls, seconds = settings.vision_rate
    may_be_more = read == MAX_PAGES or calls / seconds <= _FREE_CALLS_PER_SECOND
    return Unread(read, 0) if may_be_more and not ranges else None


def question(settings: Settings) -> Question:
    """The question for every upload that has text, and for `POST /api/ocr` without parameters."""
    return questions.read(reading_order=settings.text_reading_order, model_version=settings.text_model_version)


def specs(name: str, settings: Settings) -> list[RecordSpec]:
    """Where the text records of an image lie: the plain one, which is written first, and the one with places."""
    asked = question(settings)
    return [
        RecordSpec(names.TEXT, names.plain_text(name), asked, names.PLAIN),
        RecordSpec(names.TEXT, names.text(name), asked, names.JSON),
    ]


def document(
    source: dict[str, object], asked: Question, result: ReadResult, clock: Clock, left_out: Unread | None = None
) -> bytes:
    """The content of the record with places; *source* says of what it is, *left_out* what the service did not read."""
    content = {
        "source": source,
        "request": dict(asked.parameters),
        **({"sent": result.sent} if result.sent else {}),
        "analyzeResult": result.body.get("analyzeResult", {}),
        **({"notice": left_out.notice()} if left_out else {}),
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


def metadata(result: ReadResult, *, text_only: bool, left_out: Unread | None = None) -> dict[str, str]:
    """The further metadata: the text's beginning, the pages left out, whether nothing but the text applies."""
    excerpt = " ".join(result.text.split())[:_EXCERPT_CHARACTERS]
    pages = {_PAGES_READ: str(left_out.read), _PAGES_OF: str(left_out.of)} if left_out else {}
    return {_EXCERPT: quote(excerpt), **pages, **text_only_mark(text_only=text_only)}


def text_only_mark(*, text_only: bool) -> dict[str, str]:
    """The metadata that marks a document, which has nothing but text."""
    return {names.TEXT_ONLY: "true"} if text_only else {}


def still_due_mark(*, still_due: bool) -> dict[str, str]:
    """The metadata that marks an unfinished step of an image whose text is read all the same."""
    return {names.TEXT_STILL_DUE: "true"} if still_due else {}


def excerpt(info: BlobInfo) -> str:
    """The beginning of the text, its line breaks made spaces."""
    return unquote(info.metadata.get(_EXCERPT, ""))


def notice(info: BlobInfo) -> dict[str, str] | None:
    """`{"code", "message", "action"}` of a text whose last pages were not read; None if all were."""
    read, of = (info.metadata.get(name, "") for name in (_PAGES_READ, _PAGES_OF))
    return Unread(int(read), int(of)).notice() if read.isdigit() and of.isdigit() else None
