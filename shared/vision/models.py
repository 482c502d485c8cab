"""
What Computer Vision answers, typed.

The v3.2 swagger marks nothing as required, so nothing is: what is missing is None or empty. What is there has to have
the right type; `UnexpectedAnswerError` otherwise. `body` always is the service's own answer, for whoever needs more.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.errors import UnexpectedAnswerError
from shared.vision.fields import Json, get, list_of, need, number, truth, typed

# JSON may escape a half alone: an encoder that writes UTF-16 unit by unit cuts a text in the middle of a character.
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Answer(NamedTuple):
    """
    A successful answer as it came: its media type, its bytes and the service's `apim-request-id`.

    `paid` is False for an answer that was paid for earlier and kept. `usage` is what the service billed for it
    (`vision.billing`), empty where nothing was paid now. `sent` tells which copy of the image was sent
    (`pictures.fitting.Sent.describe`); None where the image itself was. `at` is when an answer that was kept was given.
    """

    content_type: str
    body: bytes
    request_id: str | None = None
    paid: bool = True
    usage: Mapping[str, int] = MappingProxyType({})
    sent: Json | None = None
    at: datetime | None = None

    def json(self) -> dict[str, Any]:
        """
        The body as a JSON object, with U+FFFD for each half of a surrogate pair, which no record could carry.

        Raises:
            UnexpectedAnswerError: it is none.
        """
        try:
            parsed = json.loads(self.body)
            if _HALF_PAIR.search(self.body):
                parsed = _encodable(parsed)
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswerError(
                f"Computer Vision answered 200 with a body that is no JSON ({len(self.body)} bytes).",
                request_id=self.request_id,
            ) from error
        body: dict[str, Any] = typed(parsed, dict, "the body")
        return body


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list) else value


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
    """Pixels of the image that was sent; of its upright original, once `vision.mapping` has turned and scaled them."""

    x: int
    y: int
    width: int
    height: int


class DetectedObject(NamedTuple):
    """Something with a place in the image: an object, a brand, a face. Confidence 0 to 1."""

    name: str
    confidence: float | None
    rectangle: Rectangle | None


class Color(NamedTuple):
    """The colours; `accent` is hexadecimal without a sign before it."""

    foreground: str | None
    background: str | None
    dominant: tuple[str, ...]
    accent: str | None
    black_and_white: bool | None


class Adult(NamedTuple):
    """What should not be shown to everybody; scores 0 to 1."""

    is_adult: bool | None
    is_racy: bool | None
    is_gory: bool | None
    adult_score: float | None
    racy_score: float | None
    gore_score: float | None


class ImageType(NamedTuple):
    """Clip-art 0 (not) to 3 (good), line drawing 0 or 1."""

    clip_art: int | None
    line_drawing: int | None


class Analysis(NamedTuple):
    """What `analyze`, `describe`, `tag` and `detect` answer; what was not asked for is empty or None."""

    body: Json
    captions: tuple[Caption, ...]
    tags: tuple[Tag, ...]
    categories: tuple[Category, ...]
    objects: tuple[DetectedObject, ...]
    brands: tuple[DetectedObject, ...]
    faces: tuple[Rectangle, ...]
    color: Color | None
    adult: Adult | None
    image_type: ImageType | None
    metadata: Metadata
    request_id: str | None
    model_version: str | None

    @classmethod
    def of(cls, body: Json) -> "Analysis":
        """Read an answer's body."""
        description = get(body, "description", dict) or {}
        return cls(
            body=body,
            captions=tuple(
                Caption(need(each, "text", str), number(each, "confidence"))
                for each in list_of(description, "captions")
            ),
            tags=tuple(Tag(need(each, "name", str), number(each, "confidence")) for each in list_of(body, "tags")),
            categories=tuple(
                Category(need(each, "name", str), number(each, "score")) for each in list_of(body, "categories")
            ),
            objects=tuple(_found(each, "object", "rectangle") for each in list_of(body, "objects")),
            brands=tuple(_found(each, "name", "rectangle") for each in list_of(body, "brands")),
            faces=tuple(
                rectangle for each in list_of(body, "faces") if (rectangle := _rectangle(each, "faceRectangle"))
            ),
            color=_color(get(body, "color", dict)),
            adult=_adult(get(body, "adult", dict)),
            image_type=_image_type(get(body, "imageType", dict)),
            metadata=_metadata(body),
            request_id=get(body, "requestId", str),
            model_version=get(body, "modelVersion", str),
        )


class AreaOfInterest(NamedTuple):
    """What `areaOfInterest` answers."""

    body: Json
    rectangle: Rectangle
    metadata: Metadata

    @classmethod
    def of(cls, body: Json) -> "AreaOfInterest":
        """Read an answer's body."""
        rectangle = _rectangle(body, "areaOfInterest")
        if rectangle is None:
            raise UnexpectedAnswerError("Computer Vision answered 200, but areaOfInterest is missing.")
        return cls(body, rectangle, _metadata(body))


class DomainModel(NamedTuple):
    """A domain-specific model and the categories it applies to."""

    name: str
    categories: tuple[str, ...]


class DomainModels(NamedTuple):
    """What `models` answers."""

    body: Json
    models: tuple[DomainModel, ...]

    @classmethod
    def of(cls, body: Json) -> "DomainModels":
        """Read an answer's body."""
        return cls(
            body,
            tuple(
                DomainModel(
                    need(each, "name", str),
                    tuple(typed(category, str, "categories") for category in get(each, "categories", list) or ()),
                )
                for each in list_of(body, "models")
            ),
        )


class DomainAnalysis(NamedTuple):
    """What a domain-specific model answers: the landmarks or celebrities it knows in the image."""

    body: Json
    landmarks: tuple[Tag, ...]
    celebrities: tuple[DetectedObject, ...]
    metadata: Metadata

    @classmethod
    def of(cls, body: Json) -> "DomainAnalysis":
        """Read an answer's body."""
        result: Json = get(body, "result", dict) or {}
        return cls(
            body,
            tuple(Tag(need(each, "name", str), number(each, "confidence")) for each in list_of(result, "landmarks")),
            tuple(_found(each, "name", "faceRectangle") for each in list_of(result, "celebrities")),
            _metadata(body),
        )


def _metadata(body: Json) -> Metadata:
    metadata = get(body, "metadata", dict) or {}
    return Metadata(get(metadata, "width", int), get(metadata, "height", int), get(metadata, "format", str))


# Faces and celebrities are given by other words than everything else.
_SIDES = {"faceRectangle": ("left", "top", "width", "height")}


def _rectangle(body: Json, key: str) -> Rectangle | None:
    sides = get(body, key, dict)
    if sides is None:
        return None
    return Rectangle(*(need(sides, side, int) for side in _SIDES.get(key, ("x", "y", "w", "h"))))


def _found(body: Json, name: str, rectangle: str) -> DetectedObject:
    return DetectedObject(need(body, name, str), number(body, "confidence"), _rectangle(body, rectangle))


def _color(body: Json | None) -> Color | None:
    if body is None:
        return None
    return Color(
        get(body, "dominantColorForeground", str),
        get(body, "dominantColorBackground", str),
        tuple(typed(colour, str, "dominantColors") for colour in get(body, "dominantColors", list) or ()),
        get(body, "accentColor", str),
        # The service writes both; the swagger knows the second only.
        truth(body, "isBwImg") if "isBwImg" in body else truth(body, "isBWImg"),
    )


def _adult(body: Json | None) -> Adult | None:
    if body is None:
        return None
    return Adult(
        *(truth(body, f"is{kind}Content") for kind in ("Adult", "Racy", "Gory")),
        *(number(body, f"{kind}Score") for kind in ("adult", "racy", "gore")),
    )


def _image_type(body: Json | None) -> ImageType | None:
    return ImageType(get(body, "clipArtType", int), get(body, "lineDrawingType", int)) if body is not None else None
