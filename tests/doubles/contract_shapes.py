"""
The shapes of Computer Vision v3.2 answers, and a strict check of an answer against them.

    problems(answer.content, analysis_shape(["Tags", "Color"])) -> [] or what is wrong, each with its place

Names and types are those of the official swagger; nothing is typed off by hand. It calls almost everything optional and
nullable, so that nearly any object satisfies it. Here a key that is not in OPTIONAL must be there, one that the swagger
does not know must not, and what it says in words only (eight numbers, scores up to 1) is checked too.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from doubles.swagger import DEFINITIONS
from jsonschema import Draft4Validator

Json = dict[str, Any]

# What an answer may leave out, and why.
OPTIONAL = {
    "Category": {"detail"},  # only with `details`
    "CategoryDetail": {"celebrities", "landmarks"},  # those asked for
    "ImageTag": {"hint"},  # where a tag has two meanings
    "DetectedObject": {"parent"},  # what it is a kind of, if anything
    "ObjectHierarchy": {"parent"},
    "FaceDescription": {"age", "gender"},  # retired by Microsoft; the swagger still has them
    "ReadResult": {"language"},  # where it was asked for
    "Line": {"language", "appearance"},  # where it differs from the page's; for Latin letters only
    "ComputerVisionError": {"innererror"},  # the gateway has none
    "ComputerVisionOcrError": {"requestId"},  # not in published answers
}
# What may be null: in a captured answer never anything, of retired attributes it is not documented.
NULLABLE = {"FaceDescription": {"age", "gender"}}
# What captured answers carry beyond the swagger.
BEYOND: dict[str, Json] = {"ColorInfo": {"isBwImg": {"type": "boolean"}}}

UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
# What captured answers and the swagger's descriptions say of values, where its types say less.
NAMED: dict[str, Json] = {
    "requestId": {"type": "string", "pattern": UUID},
    "accentColor": {"type": "string", "pattern": "^[0-9A-Fa-f]{6}$"},
    "clipArtType": {"type": "integer", "minimum": 0, "maximum": 3},
    "lineDrawingType": {"type": "integer", "minimum": 0, "maximum": 1},
    "page": {"type": "integer", "minimum": 1},
    "createdDateTime": {"type": "string", "pattern": MOMENT},
    "lastUpdatedDateTime": {"type": "string", "pattern": MOMENT},
}
NARROWED: dict[str, Json] = {"BoundingBox": {"minItems": 8, "maxItems": 8}}
SHARE = re.compile("(confidence|score)$", re.IGNORECASE)
LIMITS = {"int32": {"minimum": -(2**31), "maximum": 2**31 - 1}}

# The keys of every JSON result of an image operation, after what was asked for.
AROUND = {"requestId", "metadata", "modelVersion"}
DOMAIN_RESULTS = {"landmarks": "LandmarksModel", "celebrities": "CelebritiesModel"}
FINISHED = "succeeded"


def shape_of(definition: str) -> Json:
    """Return the shape of the swagger's *definition*, such as `TagResult`, with every key that is not OPTIONAL."""
    return _rooted(_strict()[definition])


def analysis_shape(features: Iterable[str]) -> Json:
    """Return the shape of an analysis of exactly these features, named as in `visualFeatures`."""
    whole = _strict()["ImageAnalysis"]["properties"]
    keys = {feature[0].lower() + feature[1:] for feature in features} | AROUND
    return _rooted(_object({key: whole[key] for key in keys}))


def domain_shape(model: str) -> Json:
    """Return the shape of a domain model's answer; the swagger says no more of `result` than that it is an object."""
    whole = _strict()["DomainModelResults"]["properties"]
    found = {"type": "array", "items": _reference(DOMAIN_RESULTS[model])}
    return _rooted(_object(whole | {"result": _object({model: found})}))


def read_shape(status: str) -> Json:
    """Return the shape of a Read that is *status*: only one that succeeded has a result."""
    whole = _strict()["ReadOperationResult"]["properties"]
    keys = whole.keys() - (set() if status == FINISHED else {"analyzeResult"})
    return _rooted(_object({key: whole[key] for key in keys} | {"status": {"enum": [status]}}))


def service_error_shape() -> Json:
    """Return the shape of a refusal by an image operation: an outer code, and the specific one within."""
    error = _strict()["ComputerVisionError"]["properties"]
    return _rooted(_object({"error": _object(error)}))


def read_error_shape() -> Json:
    """Return the shape of a refusal by Read: flat by the swagger, within `error` in every published answer."""
    flat = _strict()["ComputerVisionOcrError"]
    return _rooted({"anyOf": [flat, _object({"error": flat})]})


def gateway_error_shape(status: int) -> Json:
    """Return the shape of a refusal by the gateway, which is not in the swagger: its code is the status in digits."""
    error = {"code": {"enum": [str(status)]}, "message": {"type": "string"}}
    return _rooted(_object({"error": _object(error)}))


def problems(body: bytes, shape: Json) -> list[str]:
    """Return what is wrong with a JSON *body*, each problem with its place; an empty list if it has *shape*."""
    try:
        content = json.loads(body, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except ValueError as error:
        return [f"$: {error}"]
    return [f"{error.json_path}: {error.message}" for error in Draft4Validator(shape).iter_errors(content)]


def _no_key_twice(pairs: list[tuple[str, Any]]) -> Json:
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"a key stands twice in {[key for key, _ in pairs]}")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _rooted(schema: Json) -> Json:
    return schema | {"definitions": _strict()}


@cache
def _strict() -> Json:
    """Every definition of the swagger, made strict."""
    return {name: _defined(name, schema) for name, schema in DEFINITIONS.items()}


def _defined(name: str, schema: Json) -> Json:
    if "properties" not in schema:
        return _typed(schema) | NARROWED.get(name, {})
    properties = {key: _property(key, value) for key, value in schema["properties"].items()}
    for key in NULLABLE.get(name, set()):
        properties[key] = _or_null(properties[key])
    extra = BEYOND.get(name, {})
    return _object(properties | extra, optional=OPTIONAL.get(name, set()) | set(extra))


def _property(key: str, schema: Json) -> Json:
    if key in NAMED:
        return NAMED[key]
    return _typed(schema) | ({"minimum": 0, "maximum": 1} if SHARE.search(key) else {})


def _typed(schema: Json) -> Json:
    """Take over what the swagger says of a type, but for `x-nullable`, which it says of nearly everything."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    if schema.get("type") == "array":
        return {"type": "array", "items": _typed(schema["items"])}
    kept = {key: schema[key] for key in ("type", "enum", "pattern") if key in schema}
    return kept | LIMITS.get(schema.get("format", ""), {})


def _reference(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _or_null(schema: Json) -> Json:
    nullable = schema | {"type": [schema["type"], "null"]}
    return nullable | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _object(properties: Json, *, optional: Iterable[str] = ()) -> Json:
    required = sorted(properties.keys() - set(optional))
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})
