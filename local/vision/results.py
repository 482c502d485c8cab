"""
The JSON result of each operation: a script's part where there is one, else what was seen.

A result has only the keys that were asked for, and only the models run that they need. What cannot be told is empty,
never invented.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local.vision.operations import Operation
from local.vision.parameters import Question
from local.vision.scripted import Script

if TYPE_CHECKING:
    from local.vision.evidence.looking import Evidence

# Yahoo's readme of open_nsfw: "Scores < 0.2 indicate that the image is likely to be safe with high probability. Scores
# > 0.8 indicate that the image is highly probable to be NSFW", and the user judges what lies between. A cookie box had
# 0.25 here, and a family at a river 0.81, so racy begins in the middle and adult later than there.
ADULT_FROM, RACY_FROM = 0.9, 0.5

FEATURE_KEYS = {
    "Categories": "categories",
    "Adult": "adult",
    "Tags": "tags",
    "Description": "description",
    "Faces": "faces",
    "Color": "color",
    "ImageType": "imageType",
    "Objects": "objects",
    "Brands": "brands",
}

Json = dict[str, Any]


def compose_result(question: Question, evidence: "Evidence", script: Script) -> Json:
    """Return what answers *question*, without the request id, metadata and model version that follow it."""
    return {
        Operation.ANALYZE: _analyze,
        Operation.DESCRIBE: _describe,
        Operation.TAG: _tag,
        Operation.DETECT: _detect,
        Operation.AREA_OF_INTEREST: _area_of_interest,
        Operation.DOMAIN: _domain,
    }[question.operation](question, evidence, script)


def _analyze(question: Question, evidence: "Evidence", script: Script) -> Json:
    scripted = script.get("analyze", {})
    result: Json = {}
    for feature, key in FEATURE_KEYS.items():
        if feature in question.features:
            result[key] = scripted[key] if key in scripted else _MEASURED[feature](evidence)
    if "description" in result:
        result["description"] = _trimmed(result["description"], max_candidates=1)
    if "categories" in result:
        result["categories"] = [
            _with_details(category, question.details, is_scripted="categories" in scripted)
            for category in result["categories"]
        ]
    return result


def _with_details(category: Json, details: tuple[str, ...], *, is_scripted: bool) -> Json:
    """Leave only the details that were asked for, under each category as the contract has it."""
    known = category.get("detail", {})
    names = [detail.lower() for detail in details]
    detail = {name: known.get(name, []) for name in names if name in known or not is_scripted}
    plain = {key: value for key, value in category.items() if key != "detail"}
    return plain | ({"detail": detail} if detail else {})


def _describe(question: Question, evidence: "Evidence", script: Script) -> Json:
    described = script.get("describe", {}).get("description") or script.get("analyze", {}).get("description")
    if described is None:
        from local.vision.evidence.captions import compose_description

        described = compose_description(evidence, max_candidates=question.max_candidates)
    return {"description": _trimmed(described, max_candidates=question.max_candidates)}


def _trimmed(description: Json, *, max_candidates: int) -> Json:
    return description | {"captions": description.get("captions", [])[:max_candidates]}


def _tag(question: Question, evidence: "Evidence", script: Script) -> Json:
    return {"tags": _scripted_or_measured("tag", "Tags", evidence, script)}


def _detect(question: Question, evidence: "Evidence", script: Script) -> Json:
    return {"objects": _scripted_or_measured("detect", "Objects", evidence, script)}


def _scripted_or_measured(operation: str, feature: str, evidence: "Evidence", script: Script) -> Any:
    """Take the operation's own script, else the same feature of the script for analyze, else measure it."""
    key = FEATURE_KEYS[feature]
    for part in (script.get(operation, {}), script.get("analyze", {})):
        if key in part:
            return part[key]
    return _MEASURED[feature](evidence)


def _area_of_interest(question: Question, evidence: "Evidence", script: Script) -> Json:
    scripted = script.get("areaOfInterest", {})
    if "areaOfInterest" in scripted:
        return {"areaOfInterest": scripted["areaOfInterest"]}
    box = evidence.window(shape=1.0)
    return {"areaOfInterest": {"x": box.left, "y": box.top, "w": box.width, "h": box.height}}


def _domain(question: Question, evidence: "Evidence", script: Script) -> Json:
    return {"result": {question.model: script.get("domain", {}).get(question.model, [])}}


def _categories(evidence: "Evidence") -> list[Json]:
    from local.vision.evidence.categories import compose_categories

    return compose_categories(evidence)


def _adult(evidence: "Evidence") -> Json:
    """One score stands for both, because no model here tells them apart, and none sees gore."""
    score = evidence.adult_score or 0.0
    return {
        "isAdultContent": score > ADULT_FROM,
        "isRacyContent": score > RACY_FROM,
        "isGoryContent": False,
        "adultScore": round(score, 4),
        "racyScore": round(score, 4),
        "goreScore": 0.0,
    }


def _objects(evidence: "Evidence") -> list[Json]:
    from local.vision.evidence.objects import compose_objects

    return compose_objects(evidence)


def _tags(evidence: "Evidence") -> list[Json]:
    from local.vision.evidence.tags import compose_tags

    return compose_tags(evidence)


def _description(evidence: "Evidence") -> Json:
    from local.vision.evidence.captions import compose_description

    return compose_description(evidence, max_candidates=1)


def _faces(evidence: "Evidence") -> list[Json]:
    return [
        {
            "age": None,
            "gender": None,
            "faceRectangle": {"left": box.left, "top": box.top, "width": box.width, "height": box.height},
        }
        for box in (face.box for face in evidence.faces)
    ]


def _color(evidence: "Evidence") -> Json:
    colours = evidence.colours
    return {
        "dominantColorForeground": colours.foreground,
        "dominantColorBackground": colours.background,
        "dominantColors": list(colours.dominant),
        "accentColor": colours.accent,
        # The service writes both spellings.
        "isBwImg": colours.is_black_and_white,
        "isBWImg": colours.is_black_and_white,
    }


def _image_type(evidence: "Evidence") -> Json:
    return {
        "clipArtType": evidence.drawing.clip_art,
        "lineDrawingType": int(evidence.drawing.is_line_drawing),
    }


def _nothing(evidence: "Evidence") -> list[Json]:
    return []


_MEASURED: dict[str, Callable[["Evidence"], Any]] = {
    "Categories": _categories,
    "Adult": _adult,
    "Tags": _tags,
    "Description": _description,
    "Faces": _faces,
    "Color": _color,
    "ImageType": _image_type,
    "Objects": _objects,
    "Brands": _nothing,
}
