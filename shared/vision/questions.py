"""
What can be asked about an image, complete and in one canonical form.

A question holds every parameter with its default filled in and its lists in a fixed order, so that two callers who mean
the same ask the same: that is what lets them share one paid call. Parameters out of range are refused here, before a
call is paid.
"""

import functools
import hashlib
import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from shared import contract
from shared.contract import FEATURES, LANGUAGES, MAX_THUMBNAIL_PIXELS, READING_ORDERS
from shared.errors import BadRequestError
from shared.untrusted.characters import listed, shown

_PAGES = re.compile(r"([0-9]{1,9})?(-)?([0-9]{1,9})?")
MAX_PAGE = 99_999  # the service reads 2,000 pages at most; what is beyond this can only be a mistake
DETAILS = ("Celebrities", "Landmarks")
MODELS = ("celebrities", "landmarks")
# The form of the language of a text; the service refuses those that it does not read.
READ_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?(-[A-Z]{2})?"
MAX_CANDIDATES = 100  # the swagger gives no limit; more than a hundred captions can only be a mistake


class Question(NamedTuple):
    """
    One question.

    Attributes:
        operation: a name for it, which is the path but for the ones whose path has several words.
        parameters: the query, complete and sorted.
        accept: the media type that is wanted back.
        path: the path below the version, where it is not the operation.
        former_path: the path under which the version before kept its answers to this question, where it is another.
        fit: how the copy is made of which it is asked instead of the image itself (`pictures.fitting.FIT`); empty where
            the image goes as it is. The service is not told, and the answer is kept under a name of its own.
    """

    operation: str
    parameters: tuple[tuple[str, str], ...]
    accept: str = "application/json"
    path: str = ""
    former_path: str = ""
    fit: str = ""

    @property
    def text(self) -> str:
        """The canonical form: `path?name=value&...`."""
        return f"{self.path or self.operation}?{urlencode(self.parameters)}"

    @property
    def key(self) -> str:
        """A short form for file names: the operation and a digest of the canonical form."""
        asked = f"{self.text}&fit={self.fit}" if self.fit else self.text
        return f"{self.operation}-{hashlib.sha256(asked.encode()).hexdigest()[:20]}"

    @property
    def plain(self) -> "Question":
        """The same question about the image itself; records carry its key, so that they hold over a better copy."""
        return self._replace(fit="") if self.fit else self


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
        },
        model_version,
    )


@functools.lru_cache(maxsize=64)
def wider(question: Question) -> tuple[Question, ...]:
    """The questions of `analyze` that ask for more features, and else the same; those with the fewest come first."""
    if question.operation != "analyze":
        return ()
    parameters = dict(question.parameters)
    asked = features(question)
    left = [feature for feature in FEATURES if feature not in asked]
    return tuple(
        question._replace(
            parameters=tuple(
                sorted({**parameters, "visualFeatures": ",".join(_in_order({*asked, *more}, FEATURES))}.items())
            )
        )
        for count in range(1, len(left) + 1)
        for more in itertools.combinations(left, count)
    )


def features(question: Question) -> tuple[str, ...]:
    """The visual features that a question of `analyze` asks for."""
    return tuple(dict(question.parameters)["visualFeatures"].split(","))


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
        },
        model_version,
    )


def thumbnail(width: int, height: int, *, smart_cropping: bool = False, model_version: str = "latest") -> Question:
    """Ask for a JPEG of exactly that many pixels."""
    for name, side in (("width", width), ("height", height)):
        if not 1 <= side <= MAX_THUMBNAIL_PIXELS:
            raise BadRequestError(
                f"{name}={side} is not in 1 to {MAX_THUMBNAIL_PIXELS} pixels, "
                "which are all that Computer Vision makes.",
                code="bad_parameter",
            )
    return _question(
        "generateThumbnail",
        {
            "width": str(width),
            "height": str(height),
            "smartCropping": "true" if smart_cropping else "false",
        },
        model_version,
        # What the official SDKs send; the service answers image/jpeg.
        accept="application/octet-stream",
    )


def area_of_interest(*, model_version: str = "latest") -> Question:
    """Ask for the rectangle that matters most."""
    return _question("areaOfInterest", {}, model_version)


def tag(*, language: str = "en", model_version: str = "latest") -> Question:
    """Ask for words about the image."""
    return _question("tag", {"language": _language(language)}, model_version)


def detect(*, model_version: str = "latest") -> Question:
    """Ask for objects and where they are."""
    return _question("detect", {}, model_version)


def domain(model: str, *, language: str = "en", model_version: str = "latest") -> Question:
    """Ask a domain-specific model, `landmarks` or `celebrities`, the same in any case; v3.2 has no others."""
    name = model.lower()
    if not model.isascii() or name not in MODELS:
        raise BadRequestError(
            f"model={shown(model)} is no domain-specific model; there are {' and '.join(MODELS)}.", code="bad_parameter"
        )
    former_path = f"models/{model}/analyze" if model != name else ""
    return _question(
        "domain", {"language": _language(language)}, model_version, path=f"models/{name}/analyze"
    )._replace(former_path=former_path)


def read(
    *,
    language: str | None = None,
    pages: str | None = None,
    reading_order: str = "basic",
    model_version: str = "latest",
) -> Question:
    """
    Ask for the text of an image, a PDF or a TIFF.

    Args:
        language: a BCP 47 code that forces it; left out, the service finds the language by itself, which is better.
        pages: such as `1,3-5,8-,-2`, counted from 1; left out, all.
        reading_order: `basic` (left to right, top to bottom) or `natural` (as people read columns).
        model_version: `latest` or a date.
    """
    if language is not None and not re.fullmatch(READ_LANGUAGE, language):
        raise BadRequestError(
            f"language={shown(language)} is no language code such as en or zh-Hans.", code="bad_parameter"
        )
    if pages and not all(_is_range(part) for part in pages.split(",")):
        raise BadRequestError(
            f"pages={shown(pages)} is no list of pages from 1 to {MAX_PAGE} and of ranges such as 1,3-5,8-,-2.",
            code="bad_parameter",
        )
    if reading_order not in READING_ORDERS:
        raise BadRequestError(
            f"readingOrder={shown(reading_order)} is none of {', '.join(READING_ORDERS)}.", code="bad_parameter"
        )
    return _question(
        "read",
        {
            "language": language or "",
            "pages": pages or "",
            "readingOrder": reading_order,
        },
        model_version,
        path="read/analyze",
    )


def _is_range(part: str) -> bool:
    """Whether it is `5`, `3-5`, `8-` or `-2`."""
    found = _PAGES.fullmatch(part)
    if not found or part in ("", "-"):
        return False
    first, last = int(found[1] or 1), int(found[3] or MAX_PAGE)
    return 1 <= first <= last <= MAX_PAGE and (found[2] is not None or found[3] is None)


def read_result(read: Question) -> Question:
    """What came of a Read: the same parameters, under a name of its own."""
    return read._replace(operation="readResult")


def _question(
    operation: str,
    parameters: dict[str, str],
    model_version: str,
    *,
    accept: str = "application/json",
    path: str = "",
) -> Question:
    """A question with the parameters that are given, in the order of their names."""
    if model_version != "latest":
        _check_model_version(model_version)
    given = {**{name: value for name, value in parameters.items() if value}, "model-version": model_version}
    return Question(operation, tuple(sorted(given.items())), accept, path)


def _chosen(parameter: str, values: Iterable[str], allowed: tuple[str, ...]) -> list[str]:
    wanted = {value.strip().lower() if value.isascii() else value for value in values if value.strip()}
    unknown = wanted - {value.lower() for value in allowed}
    if unknown:
        raise BadRequestError(
            f"{parameter} has {listed(unknown)}; allowed are {', '.join(allowed)}.", code="bad_parameter"
        )
    return _in_order({value for value in allowed if value.lower() in wanted}, allowed)


def _in_order(wanted: set[str], allowed: tuple[str, ...]) -> list[str]:
    return [value for value in allowed if value in wanted]


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise BadRequestError(
            f"language={shown(language)} is no language of Computer Vision v3.2: {', '.join(sorted(LANGUAGES))}.",
            code="bad_parameter",
        )
    return language


def _check_model_version(version: str) -> None:
    try:
        contract.model_version(version)
    except ValueError as error:
        raise BadRequestError(f"model-version={shown(version)} {error}.", code="bad_parameter") from None
