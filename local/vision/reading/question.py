"""What a Read is asked for: language, pages, reading order and model version, checked the way the service checks it."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from local.vision import refusals
from local.vision.reading.pages import ALL_PAGES, PageRanges, PageRangesError

ReadingOrder = Literal["basic", "natural"]

LATEST_MODEL_VERSION = "2022-04-30"
MODEL_VERSIONS = (
    "2021-04-12",
    "2021-09-30-preview",
    "2022-01-30-preview",
    "2022-01-30",
    LATEST_MODEL_VERSION,
)

# The languages the contract lists for Read.
# fmt: off
LANGUAGES = (
    "af", "ast", "bi", "br", "ca", "ceb", "ch", "co", "crh", "cs", "csb", "da", "de", "en", "es", "et", "eu", "fi",
    "fil", "fj", "fr", "fur", "fy", "ga", "gd", "gil", "gl", "gv", "hni", "hsb", "ht", "hu", "ia", "id", "it", "iu",
    "ja", "jv", "kaa", "kac", "kea", "kha", "kl", "ko", "ku", "kw", "lb", "ms", "mww", "nap", "nl", "no", "oc", "pl",
    "pt", "quc", "rm", "sco", "sl", "sq", "sv", "sw", "tet", "tr", "tt", "uz", "vo", "wae", "yua", "za", "zh-Hans",
    "zh-Hant", "zu",
)
# fmt: on


@dataclass(frozen=True)
class ReadQuestion:
    """What is asked about a document; *language* is empty when the service is to find it out."""

    language: str = ""
    pages: PageRanges = ALL_PAGES
    reading_order: ReadingOrder = "basic"
    model_version: str = LATEST_MODEL_VERSION


def parse_read(query_string: str) -> ReadQuestion:
    """
    Return what is asked.

    Raises Refusal: NotSupportedLanguage, InvalidPageRange, InvalidReadingOrder, or BadArgument for the model version.
    """
    query = parse_qs(query_string, keep_blank_values=True)
    one = {name: values[0].strip() for name, values in query.items()}
    return ReadQuestion(
        language=_language(one.get("language", "")),
        pages=_pages(",".join(query.get("pages", []))),
        reading_order=_reading_order(one.get("readingOrder", "")),
        model_version=_model_version(one.get("model-version", "")),
    )


def _language(asked: str) -> str:
    known = {code.lower(): code for code in LANGUAGES}
    if asked and asked.lower() not in known:
        raise refusals.bad_parameter(
            "NotSupportedLanguage", f"Language '{asked}' is not supported: leave it out or use {', '.join(LANGUAGES)}."
        )
    return known[asked.lower()] if asked else ""


def _pages(asked: str) -> PageRanges:
    try:
        return PageRanges.parse(asked)
    except PageRangesError as error:
        raise refusals.bad_parameter("InvalidPageRange", str(error)) from None


def _reading_order(asked: str) -> ReadingOrder:
    match asked.lower():
        case "" | "basic":
            return "basic"
        case "natural":
            return "natural"
    raise refusals.bad_parameter("InvalidReadingOrder", f"readingOrder is '{asked}': use basic or natural.")


def _model_version(asked: str) -> str:
    if asked in ("", "latest", "latest-preview"):
        return LATEST_MODEL_VERSION
    if asked not in MODEL_VERSIONS:
        raise refusals.bad_parameter(
            "BadArgument", f"model-version is '{asked}': use latest, {' or '.join(MODEL_VERSIONS)}."
        )
    return asked
