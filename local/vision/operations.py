"""Which operation a method and a path mean, and what each is called elsewhere on the wire."""

import re
from dataclasses import dataclass
from enum import StrEnum

BASE_PATH = "/vision/v3.2/"


class Operation(StrEnum):
    """An operation of the contract, by the name it has in the statistics."""

    ANALYZE = "analyze"
    DESCRIBE = "describe"
    DETECT = "detect"
    TAG = "tag"
    THUMBNAIL = "generateThumbnail"
    AREA_OF_INTEREST = "areaOfInterest"
    DOMAIN = "domain"
    MODELS = "models"
    OCR = "ocr"
    READ = "read"
    READ_RESULT = "readResult"


MISSING = frozenset({Operation.OCR})

# "OCR Operation" and "Analyze Image Operation" are known from the service; the others follow its portal's titles.
TITLES = {
    Operation.ANALYZE: "Analyze Image",
    Operation.DESCRIBE: "Describe Image",
    Operation.DETECT: "Detect Objects",
    Operation.TAG: "Tag Image",
    Operation.THUMBNAIL: "Get Thumbnail",
    Operation.AREA_OF_INTEREST: "Get Area of Interest",
    Operation.DOMAIN: "Recognize Domain Specific Content",
    Operation.MODELS: "List Domain Specific Models",
    Operation.OCR: "OCR",
    Operation.READ: "Read",
    Operation.READ_RESULT: "Get Read Result",
}

_POSTS = {
    "analyze": Operation.ANALYZE,
    "describe": Operation.DESCRIBE,
    "detect": Operation.DETECT,
    "tag": Operation.TAG,
    "generateThumbnail": Operation.THUMBNAIL,
    "areaOfInterest": Operation.AREA_OF_INTEREST,
    "ocr": Operation.OCR,
    "read/analyze": Operation.READ,
}


@dataclass(frozen=True)
class Route:
    """An operation, and what else the path names: the domain model, or the Read whose result is asked for."""

    operation: Operation
    model: str | None = None
    read_id: str = ""


def find_route(method: str, path: str) -> Route | None:
    """Return what *method* and *path* (without its query) mean; None when the contract has no such thing."""
    # Doubled slashes are accepted by the real gateway.
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    if not path.startswith(BASE_PATH):
        return None
    name = path.removeprefix(BASE_PATH)
    if method == "POST":
        if name in _POSTS:
            return Route(_POSTS[name])
        if domain := re.fullmatch(r"models/([^/]+)/analyze", name):
            return Route(Operation.DOMAIN, model=domain[1])
    elif method == "GET":
        if name == "models":
            return Route(Operation.MODELS)
        if read := re.fullmatch(r"read/analyzeResults/([^/]+)", name):
            return Route(Operation.READ_RESULT, read_id=read[1])
    return None
