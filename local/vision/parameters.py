"""The query of a call, checked the way the service checks it."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from local.vision import refusals
from local.vision.operations import Operation, Route

VISUAL_FEATURES = (
    "ImageType",
    "Faces",
    "Adult",
    "Categories",
    "Color",
    "Tags",
    "Description",
    "Objects",
    "Brands",
)
DETAILS = ("Celebrities", "Landmarks")
MODELS = ("celebrities", "landmarks")
MODEL_VERSIONS = ("2021-04-01", "2021-05-01")
LATEST_MODEL_VERSION = MODEL_VERSIONS[-1]
MAX_THUMBNAIL_PIXELS = 1024

# The languages the contract lists; tags come in all of them.
# fmt: off
LANGUAGES = (
    "ar", "az", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fi", "fr", "ga", "gl",
    "he", "hi", "hr", "hu", "id", "it", "ja", "kk", "ko", "lt", "lv", "mk", "ms", "nb", "nl", "pl", "prs", "pt",
    "pt-BR", "pt-PT", "ro", "ru", "sk", "sl", "sr-Cyrl", "sr-Latn", "sv", "th", "tr", "uk", "vi", "zh", "zh-Hans",
    "zh-Hant",
)
# fmt: on
# Categories, descriptions and domain models know fewer; the remaining features answer in English whatever is asked.
FEW_LANGUAGES = ("en", "es", "ja", "pt", "zh")
FEATURES_OF_FEW_LANGUAGES = ("Categories", "Description")

Query = dict[str, list[str]]


@dataclass(frozen=True)
class Question:
    """What is asked about an image. Lengths are in pixels."""

    operation: Operation
    features: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    max_candidates: int = 1
    width: int = 0
    height: int = 0
    smart_cropping: bool = False
    model: str = ""
    model_version: str = LATEST_MODEL_VERSION

    @property
    def billed(self) -> tuple[str, ...]:
        """What the service's billing header names for this question."""
        return {
            Operation.ANALYZE: tuple(sorted({*self.features, *self.details})),
            Operation.DESCRIBE: ("Description",),
            Operation.DETECT: ("Objects",),
            Operation.TAG: ("Tags",),
            Operation.THUMBNAIL: ("GenerateThumbnail",),
            Operation.AREA_OF_INTEREST: ("AreaOfInterest",),
            Operation.DOMAIN: (self.model.capitalize(),),
        }.get(self.operation, ())


def parse_question(route: Route, query_string: str) -> Question:
    """
    Return what is asked.

    Parameters that the operation does not have are ignored. Raises Refusal with the inner code of the first bad one.
    """
    query = parse_qs(query_string, keep_blank_values=True)
    asked: dict[str, Any] = {}
    if route.operation is Operation.ANALYZE:
        asked["features"] = _chosen(query, "visualFeatures", VISUAL_FEATURES, "NotSupportedVisualFeature") or (
            "Categories",
        )
        asked["details"] = _chosen(query, "details", DETAILS, "InvalidDetails")
    if route.operation is Operation.DOMAIN:
        asked["model"] = _model(route.model or "")
    if route.operation is Operation.THUMBNAIL:
        asked |= _thumbnail(query)
    if route.operation is Operation.DESCRIBE:
        asked["max_candidates"] = _max_candidates(query)
    if route.operation in (Operation.ANALYZE, Operation.DESCRIBE):
        _chosen(query, "descriptionExclude", DETAILS, "BadArgument")
    _check_language(route.operation, query, asked.get("features", ()))
    return Question(route.operation, **asked, model_version=_model_version(query))


def _one(query: Query, name: str) -> str:
    return query.get(name, [""])[0].strip()


def _chosen(query: Query, name: str, allowed: tuple[str, ...], inner: str) -> tuple[str, ...]:
    """Read a comma-separated parameter. Samples of the official SDK write the values in lower case: both are taken."""
    known = {value.lower(): value for value in allowed}
    words = [word.strip() for value in query.get(name, []) for word in value.split(",")]
    unknown = [word for word in words if word and word.lower() not in known]
    if unknown:
        raise refusals.bad_parameter(inner, f"'{unknown[0]}' is not valid for {name}: use {', '.join(allowed)}.")
    return tuple(dict.fromkeys(known[word.lower()] for word in words if word))


def _model(name: str) -> str:
    if name.lower() not in MODELS:
        raise refusals.bad_parameter("InvalidModel", f"Model '{name}' is not supported: use {' or '.join(MODELS)}.")
    return name.lower()


def _thumbnail(query: Query) -> dict[str, int | bool]:
    smart = _one(query, "smartCropping").lower() or "false"
    if smart not in ("true", "false"):
        raise refusals.bad_parameter("BadArgument", f"smartCropping is '{smart}': use true or false.")
    return {
        "width": _thumbnail_side(query, "width"),
        "height": _thumbnail_side(query, "height"),
        "smart_cropping": smart == "true",
    }


def _thumbnail_side(query: Query, name: str) -> int:
    value = _one(query, name)
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= MAX_THUMBNAIL_PIXELS:
        raise refusals.bad_parameter(
            "InvalidThumbnailSize", f"{name} is '{value}': a whole number from 1 to {MAX_THUMBNAIL_PIXELS} is required."
        )
    return int(value)


def _max_candidates(query: Query) -> int:
    value = _one(query, "maxCandidates") or "1"
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) < 1:
        raise refusals.bad_parameter("BadArgument", f"maxCandidates is '{value}': a whole number from 1 is required.")
    return int(value)


def _check_language(operation: Operation, query: Query, features: tuple[str, ...]) -> None:
    if operation not in (Operation.ANALYZE, Operation.DESCRIBE, Operation.TAG, Operation.DOMAIN):
        return
    language = _one(query, "language") or "en"
    has_few = operation in (Operation.DESCRIBE, Operation.DOMAIN) or any(
        feature in FEATURES_OF_FEW_LANGUAGES for feature in features
    )
    allowed = FEW_LANGUAGES if has_few else LANGUAGES
    if language.lower() not in {code.lower() for code in allowed}:
        raise refusals.bad_parameter(
            "NotSupportedLanguage", f"Language '{language}' is not supported here: use {', '.join(allowed)}."
        )


def _model_version(query: Query) -> str:
    version = _one(query, "model-version") or "latest"
    if version == "latest":
        return LATEST_MODEL_VERSION
    if version not in MODEL_VERSIONS:
        raise refusals.bad_parameter(
            "BadArgument", f"model-version is '{version}': use latest, {' or '.join(MODEL_VERSIONS)}."
        )
    return version
