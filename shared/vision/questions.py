"""
What can be asked about an image, complete and in one canonical form.

A question holds every parameter with its default filled in and its lists in a fixed order, so that two callers who mean
the same ask the same: that is what lets them share one paid call. Parameters out of range are refused here, before a
call is paid.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from shared.errors import BadRequestError
from shared.settings import FEATURES, LANGUAGES, MAX_THUMBNAIL_PIXELS

DETAILS = ("Celebrities", "Landmarks")
MAX_CANDIDATES = 100  # the swagger gives no limit; more than a hundred captions can only be a mistake


class Question(NamedTuple):
    """
    One question.

    Attributes:
        operation: the path's last word, as the service's own statistics name it.
        parameters: the query, complete and sorted.
        accept: the media type that is wanted back.
    """

    operation: str
    parameters: tuple[tuple[str, str], ...]
    accept: str = "application/json"

    @property
    def text(self) -> str:
        """The canonical form: `operation?name=value&...`."""
        return f"{self.operation}?{urlencode(self.parameters)}"

    @property
    def key(self) -> str:
        """A short form for file names: the operation and a digest of the canonical form."""
        return f"{self.operation}-{hashlib.sha256(self.text.encode()).hexdigest()[:20]}"


def analyze(
    features: Iterable[str] = ("Categories",),
    *,
    details: Iterable[str] = (),
    language: str = "en",
    description_exclude: Iterable[str] = (),
    model_version: str = "latest",
) -> Question:
    """Ask for visual features (`Tags`, `Description`, ...); `details` need the feature `Categories`."""
    return _question(
        "analyze",
        {
            # The service takes none for this one, so the two are the same question.
            "visualFeatures": ",".join(_chosen("visualFeatures", features, FEATURES) or ["Categories"]),
            "details": ",".join(_chosen("details", details, DETAILS)),
            "language": _language(language),
            "descriptionExclude": ",".join(_chosen("descriptionExclude", description_exclude, DETAILS)),
            "model-version": _model_version(model_version),
        },
    )


def describe(
    *,
    max_candidates: int = 1,
    language: str = "en",
    description_exclude: Iterable[str] = (),
    model_version: str = "latest",
) -> Question:
    """Ask for sentences that describe the image, best first."""
    if not 1 <= max_candidates <= MAX_CANDIDATES:
        raise BadRequestError(f"maxCandidates={max_candidates} is not in 1 to {MAX_CANDIDATES}.", code="bad_parameter")
    return _question(
        "describe",
        {
            "maxCandidates": str(max_candidates),
            "language": _language(language),
            "descriptionExclude": ",".join(_chosen("descriptionExclude", description_exclude, DETAILS)),
            "model-version": _model_version(model_version),
        },
    )


def thumbnail(width: int, height: int, *, smart_cropping: bool = False, model_version: str = "latest") -> Question:
    """Ask for a JPEG of exactly that many pixels."""
    for name, side in (("width", width), ("height", height)):
        if not 1 <= side <= MAX_THUMBNAIL_PIXELS:
            raise BadRequestError(f"{name}={side} is not in 1 to {MAX_THUMBNAIL_PIXELS} pixels.", code="bad_parameter")
    return _question(
        "generateThumbnail",
        {
            "width": str(width),
            "height": str(height),
            "smartCropping": "true" if smart_cropping else "false",
            "model-version": _model_version(model_version),
        },
        # What the official SDKs send; the service answers image/jpeg.
        accept="application/octet-stream",
    )


def area_of_interest(*, model_version: str = "latest") -> Question:
    """Ask for the rectangle that matters most."""
    return _question("areaOfInterest", {"model-version": _model_version(model_version)})


def _question(operation: str, parameters: dict[str, str], *, accept: str = "application/json") -> Question:
    given = {name: value for name, value in parameters.items() if value}
    return Question(operation, tuple(sorted(given.items())), accept)


def _chosen(parameter: str, values: Iterable[str], allowed: tuple[str, ...]) -> list[str]:
    wanted = {value.strip().lower() for value in values if value.strip()}
    unknown = wanted - {value.lower() for value in allowed}
    if unknown:
        raise BadRequestError(
            f"{parameter} has {', '.join(sorted(unknown))}; allowed are {', '.join(allowed)}.", code="bad_parameter"
        )
    return [value for value in allowed if value.lower() in wanted]


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise BadRequestError(
            f"language={language!r} is none of the languages of Computer Vision v3.2: {', '.join(sorted(LANGUAGES))}.",
            code="bad_parameter",
        )
    return language


def _model_version(version: str) -> str:
    if not re.fullmatch(r"(latest|\d{4}-\d{2}-\d{2})(-preview)?", version):
        raise BadRequestError(
            f"model-version={version!r} is neither latest nor a date such as 2021-05-01.", code="bad_parameter"
        )
    return version
