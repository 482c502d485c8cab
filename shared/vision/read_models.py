"""
What Read answers, typed: an operation that was accepted, and how far it is.

The shapes are those of the v3.2 swagger and of recorded answers, which differ from each other in `version`, in the name
of the model version and in whether `analyzeResult` is there before the end; none of these is relied on.
"""

from typing import Any, Literal, NamedTuple, cast

from shared.errors import UnexpectedAnswerError
from shared.vision.fields import Json, get, list_of, need, number, real

Status = Literal["notStarted", "running", "succeeded", "failed"]
_STATUSES = {"notstarted": "notStarted", "running": "running", "succeeded": "succeeded", "failed": "failed"}


class ReadOperation(NamedTuple):
    """An accepted Read, paid from here on: the address to ask, as the service gave it, and its `apim-request-id`."""

    url: str
    request_id: str | None = None

    @property
    def id(self) -> str:
        """The last segment of the address."""
        return self.url.rstrip("/").rpartition("/")[2]


class Word(NamedTuple):
    """A word; `box` is eight numbers, the corners clockwise from the top left; confidence 0 to 1."""

    text: str
    box: tuple[float, ...]
    confidence: float | None


class Line(NamedTuple):
    """A line of words, in the unit of its page."""

    text: str
    box: tuple[float, ...]
    words: tuple[Word, ...]


class ReadPage(NamedTuple):
    """A page: its number from 1, its sides in `unit` (pixel or inch), its angle in degrees clockwise."""

    number: int
    width: float | None
    height: float | None
    unit: str | None
    angle: float | None
    language: str | None
    lines: tuple[Line, ...]


class ReadResult(NamedTuple):
    """
    How far a Read is; `pages` are there once it has succeeded. Times are the service's own, as it writes them.

    `sent` tells which copy of the document was read (`pictures.fitting.Sent.describe`); None where itself was.
    """

    body: Json
    status: Status
    created: str | None
    updated: str | None
    model_version: str | None
    pages: tuple[ReadPage, ...]
    sent: Json | None = None

    @property
    def text(self) -> str:
        """All lines in the order of the answer, a line each, an empty line between pages."""
        return "\n\n".join("\n".join(line.text for line in page.lines) for page in self.pages)

    @classmethod
    def of(cls, body: Json) -> "ReadResult":
        """Read an answer's body."""
        said = need(body, "status", str)
        # The container writes "Failed" with a capital.
        status = _STATUSES.get(said.lower())
        if status is None:
            raise UnexpectedAnswerError(f"Computer Vision answered 200, but the status of the Read is {said!r}.")
        result: Json = get(body, "analyzeResult", dict) or {}
        return cls(
            body=body,
            status=cast(Status, status),
            created=get(body, "createdDateTime", str),
            updated=get(body, "lastUpdatedDateTime", str),
            model_version=get(result, "modelVersion", str) or get(result, "model-version", str),
            pages=tuple(_page(each) for each in list_of(result, "readResults")),
        )


def _page(body: Json) -> ReadPage:
    return ReadPage(
        number=need(body, "page", int),
        width=number(body, "width"),
        height=number(body, "height"),
        unit=get(body, "unit", str),
        angle=number(body, "angle"),
        language=get(body, "language", str),
        lines=tuple(
            Line(
                need(each, "text", str),
                _box(each),
                tuple(
                    Word(need(word, "text", str), _box(word), number(word, "confidence"))
                    for word in list_of(each, "words")
                ),
            )
            for each in list_of(body, "lines")
        ),
    )


def _box(body: Json) -> tuple[float, ...]:
    box: list[Any] = get(body, "boundingBox", list) or []
    if len(box) not in (0, 8):
        raise UnexpectedAnswerError("Computer Vision answered 200, but a boundingBox is not eight numbers.")
    return tuple(real(side, "boundingBox") for side in box)
