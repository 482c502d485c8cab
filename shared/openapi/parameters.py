"""The parameters of the operations. Their words and limits are those of the code that reads them."""

from collections.abc import Iterable
from typing import Any

from shared.api import image_states, search, unfinished
from shared.configuration.parse import MAX_CROP_PIXELS, MODES
from shared.contract import FEATURES, LANGUAGES, MODEL_VERSION, READING_ORDERS
from shared.json_types import Json
from shared.names import FORMATS, MAX_BLOB_NAME_CHARACTERS
from shared.openapi.members import PLAIN, one_of_words
from shared.openapi.operation_schemas import OPERATION_ID
from shared.openapi.state_schemas import UNFINISHED_STATES
from shared.openapi.text_schemas import READ_ID
from shared.records import by_step
from shared.search.query import MOST_CHARACTERS
from shared.skills import request as skill_request
from shared.vision.questions import DETAILS, MAX_CANDIDATES, MODELS, READ_LANGUAGE


def query(name: str, description: str, *, required: bool = False, kind: str = "string", **rules: Any) -> Json:
    """A parameter of the query."""
    return _parameter("query", name, description, required=required, kind=kind, **rules)


def path(name: str, description: str, **rules: Any) -> Json:
    """A value in the path."""
    return _parameter("path", name, description, required=True, kind="string", **rules)


def header(name: str, description: str) -> Json:
    """A header of the request."""
    return _parameter("header", name, description, required=False, kind="string")


def _parameter(place: str, name: str, description: str, *, required: bool, kind: str, **rules: Any) -> Json:
    return {
        "name": name,
        "in": place,
        "description": description,
        "required": required,
        "schema": {"type": kind, **rules},
    }


def _choice(name: str, description: str, words: Iterable[str]) -> Json:
    """A comma-separated choice: importers take no arrays but in one style, which this is not."""
    return query(name, description, pattern=one_of_words(words))


_TEXT: Json = {"minLength": 1, "pattern": PLAIN}
_NAME: Json = {**_TEXT, "maxLength": MAX_BLOB_NAME_CHARACTERS}
NAME = query("name", "The image's name in the container `images`.", required=True, **_NAME)
NAME_IN_PATH = path("name", "The image's name in the container `images`, without slashes.", **_NAME)
VISUAL_FEATURES = _choice(
    "visualFeatures", "Comma-separated features; the setting VISION_FEATURES without it.", FEATURES
)
VISION_DETAILS = _choice("details", "Comma-separated details; seen only together with `Categories`.", DETAILS)
EXCLUDE = _choice("descriptionExclude", "Comma-separated details that descriptions leave out.", DETAILS)
LANGUAGE = query("language", "Language of the answer; the setting VISION_LANGUAGE without it.", enum=sorted(LANGUAGES))
MODEL = query(
    "model-version", "Version of the model: `latest` or a date; the setting without it.", pattern=f"^{MODEL_VERSION}$"
)
# Taken, because those who ask a model send them here too.
UNUSED_LANGUAGE = query("language", "Not looked at: the list is the same in all languages.", **_TEXT)
UNUSED_MODEL = query("model-version", "Not looked at: the list is the same for all versions.", **_TEXT)
CANDIDATES = query(
    "maxCandidates", "At most so many sentences.", kind="integer", minimum=1, maximum=MAX_CANDIDATES, default=1
)
DOMAIN = path("model", "The domain-specific model.", enum=list(MODELS))
_PIXELS: Json = {"kind": "integer", "minimum": 1, "maximum": MAX_CROP_PIXELS}
THUMBNAIL = (
    query("width", "Width in pixels; with `mode=vision` at most 1024.", required=True, **_PIXELS),
    query("height", "Height in pixels; with `mode=vision` at most 1024.", required=True, **_PIXELS),
    query("mode", "How the picture is cut; the setting THUMBNAIL_MODE without it.", enum=list(MODES)),
    query("smartCropping", "False is `mode=center`, true any other mode.", kind="boolean"),
    query("format", "Format of the thumbnail.", enum=list(FORMATS), default="jpeg"),
)
_PAGE = "0{0,8}[1-9][0-9]{0,4}"
# No pattern says that a range ends where it begins, or later.
_PAGES = f"({_PAGE}(-({_PAGE})?)?|-{_PAGE})"
IF_NONE_MATCH = header("If-None-Match", "The ETag of the thumbnail that the caller has already.")
IF_MATCH = header("If-Match", "The ETag of the correction that the caller has seen: any other one stays as it is.")
IF_NONE = header("If-None-Match", "`*`: only where there is no correction yet.")
IF_IMAGE = header("If-Match", "The ETag of the image that the caller has seen: any other one stays as it is.")
IF_NO_IMAGE = header("If-None-Match", "`*`: only where there is no image of that name yet.")
READ = (
    query(
        "language",
        "Language of the text, to force it; the service finds it by itself without.",
        pattern=f"^{READ_LANGUAGE}$",
    ),
    query(
        "pages",
        "Pages of a PDF or a TIFF, such as `1,3-5,8-`; all without it.",
        pattern=f"^{_PAGES}(,{_PAGES})*$",
    ),
    query(
        "readingOrder",
        "Order of the lines; the setting TEXT_READING_ORDER without it.",
        enum=list(READING_ORDERS),
    ),
    query(
        "model-version",
        "Version of the model: `latest` or a date; the setting without it.",
        pattern=f"^{MODEL_VERSION}$",
    ),
)
TEXT_FORMAT = query(
    "format", "`json`, or `txt` for the plain text alone once it is known.", enum=["json", "txt"], default="json"
)
READ_IDENTIFIER = path("id", "The identifier of the Read.", pattern=READ_ID)
SINCE = query(
    "since",
    "Images with new results since then: `now`, a moment (ISO 8601 with zone), or what the answer before said. "
    "It goes with `limit` alone.",
    **_TEXT,
)
SUMMARY = query(
    "summary", "True: no images, but their counts, the queue, the rate and the money. It goes alone.", kind="boolean"
)
WAIT = query(
    "wait", "True: 202 with an address to ask, as long as something of the image is worked on.", kind="boolean"
)
EXPLAIN = query("explain", "True: with the receipt of the image, each call and each decision.", kind="boolean")
PREFER = header("Prefer", "`respond-async`: 202 with an address to ask, where the answer is not known yet.")
OPERATION = path("id", "The identifier of the operation.", pattern=OPERATION_ID)
SKILL_TIMEOUT = query(
    "timeoutSeconds",
    "The `timeout` of the skill: the batch is answered before.",
    kind="integer",
    minimum=1,
    maximum=skill_request.MOST_SECONDS,
    default=skill_request.DEFAULT_SECONDS,
)
LIMIT = query("limit", "Images on a page.", kind="integer", minimum=1, maximum=image_states.MAX_PAGE, default=50)
PREFIX = query("prefix", "Only names that begin so.", **_NAME)
STATE = query("state", "Only images in this state.", enum=list(image_states.STATES))
CONTINUATION = query("continuation", "What the page before said.", **_TEXT)
SEARCH = query(
    "q",
    'Words, `"phrases"` and `-not`; `tag:`, `text:`, `folder:`, `before:`, `after:`, `kind:`, `colour:`, '
    "`is:`, `has:`, `same:`. "
    "All images without it.",
    pattern=PLAIN.replace("+$", "*$"),
    maxLength=MOST_CHARACTERS,
)
SORT = query("sort", "The order of the images.", enum=list(search.SORTS), default=search.SORTS[0])
SEARCH_LIMIT = query(
    "limit", "Images on a page.", kind="integer", minimum=1, maximum=search.MAX_PAGE, default=search.DEFAULT_PAGE
)
STEP = query("step", "Only this step.", enum=list(by_step.STEPS))
UNFINISHED_STATE = query("state", "Only steps in this state.", enum=list(UNFINISHED_STATES))
UNFINISHED_CODE = query("code", "Only steps with this code.", **_TEXT)
UNFINISHED_LIMIT = query(
    "limit", "Steps on a page.", kind="integer", minimum=1, maximum=unfinished.MAX_PAGE, default=50
)
