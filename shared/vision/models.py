"""
What Computer Vision answers, typed.

The v3.2 swagger marks nothing as required, so nothing is: what is missing is None or empty. What is there has to have
the right type; `UnexpectedAnswerError` otherwise. `body` always is the service's own answer, for whoever needs more.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from shared.errors import UnexpectedAnswerError

_T = TypeVar("_T")
Json = Mapping[str, Any]


class Answer(NamedTuple):
    """
    A successful answer as it came: its media type, its bytes and the service's `apim-request-id`.

    `paid` is False for an answer that was paid for earlier and kept.
    """

    content_type: str
    body: bytes
    request_id: str | None = None
    paid: bool = True

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; UnexpectedAnswerError if it is none."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswerError(
                f"Computer Vision answered 200 with a body that is no JSON ({len(self.body)} bytes).",
                request_id=self.request_id,
            ) from error
        body: dict[str, Any] = _typed(parsed, dict, "the body")
        return body


class Metadata(NamedTuple):
    """The image as the service saw it: sides in pixels, format such as `Jpeg`."""

    width: int | None
    height: int | None
    format: str | None


class Caption(NamedTuple):
    """A sentence about the image; confidence 0 to 1."""

    text: str
    confidence: float | None


class Tag(NamedTuple):
    """A word about the image; confidence 0 to 1."""

    name: str
    confidence: float | None


class Category(NamedTuple):
    """A place in the service's taxonomy, such as `outdoor_` or `text_sign`; score 0 to 1."""

    name: str
    score: float | None


class Rectangle(NamedTuple):
    """Pixels of the image that was sent."""

    x: int
    y: int
    width: int
    height: int


class Analysis(NamedTuple):
    """What `analyze` and `describe` answer."""

    body: Json
    captions: tuple[Caption, ...]
    tags: tuple[Tag, ...]
    categories: tuple[Category, ...]
    metadata: Metadata
    request_id: str | None
    model_version: str | None

    @classmethod
    def of(cls, body: Json) -> "Analysis":
        """Read an answer's body."""
        description = _get(body, "description", dict) or {}
        return cls(
            body=body,
            captions=tuple(
                Caption(_need(each, "text", str), _number(each, "confidence"))
                for each in _list(description, "captions")
            ),
            tags=tuple(Tag(_need(each, "name", str), _number(each, "confidence")) for each in _list(body, "tags")),
            categories=tuple(
                Category(_need(each, "name", str), _number(each, "score")) for each in _list(body, "categories")
            ),
            metadata=_metadata(body),
            request_id=_get(body, "requestId", str),
            model_version=_get(body, "modelVersion", str),
        )


class AreaOfInterest(NamedTuple):
    """What `areaOfInterest` answers."""

    body: Json
    rectangle: Rectangle
    metadata: Metadata

    @classmethod
    def of(cls, body: Json) -> "AreaOfInterest":
        """Read an answer's body."""
        area = _need(body, "areaOfInterest", dict)
        return cls(body, Rectangle(*(_need(area, side, int) for side in ("x", "y", "w", "h"))), _metadata(body))


class DomainModel(NamedTuple):
    """A domain-specific model and the categories it applies to."""

    name: str
    categories: tuple[str, ...]

    @classmethod
    def list_of(cls, body: Json) -> tuple["DomainModel", ...]:
        """Read the body that `models` answers."""
        return tuple(
            cls(
                _need(each, "name", str),
                tuple(_typed(category, str, "categories") for category in _get(each, "categories", list) or ()),
            )
            for each in _list(body, "models")
        )


def _metadata(body: Json) -> Metadata:
    metadata = _get(body, "metadata", dict) or {}
    return Metadata(_get(metadata, "width", int), _get(metadata, "height", int), _get(metadata, "format", str))


def _list(body: Json, key: str) -> list[dict[str, Any]]:
    return [_typed(each, dict, key) for each in _get(body, key, list) or ()]


def _number(body: Json, key: str) -> float | None:
    value = body.get(key)
    # JSON writes 1.0 as 1, and Python takes True for a number.
    return None if value is None else float(_typed(value, (int, float), key))


def _get(body: Json, key: str, kind: type[_T]) -> _T | None:
    value = body.get(key)
    return None if value is None else _typed(value, kind, key)


def _need(body: Json, key: str, kind: type[_T]) -> _T:
    value: _T = _typed(body.get(key), kind, key)
    return value


def _typed(value: Any, kind: Any, key: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UnexpectedAnswerError(f"Computer Vision answered 200, but {key} is {type(value).__name__}.")
    return value
