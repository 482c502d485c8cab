"""
The document for connectors of Power Automate, Power Apps and Logic Apps: OpenAPI 2.0, made from the same operations.

Importers of connectors take nothing newer. Makers of flows read `summary`, `x-ms-summary` and `description`. The
function app never imports this module.
"""

import re
from collections.abc import Mapping

from shared import __version__, names
from shared.json_types import Json
from shared.openapi.document import BASE, DESCRIPTION, HOST, KEYS, TAGS, TITLE, operations, schemas
from shared.openapi.members import COMPONENTS, named, text, thing
from shared.openapi.operations import Operation, responses_of

_DEFINITIONS = "#/definitions/"
# Flows follow the address of a 202 without the headers of the request, and the app puts a key of the query into it
# (github.com/Azure/logicapps/issues/611).
_KEY = "functionKeyInQuery"
_CONTENT = "$content"
# What a name that is split into its words would not say.
_TITLES = {
    "$content": "File Content",
    "etag": "ETag",
    "h": "Height",
    "id": "Identifier",
    "isBWImg": "Is Black And White",
    "isBwImg": "Is Black And White In Older Answers",
    "recordId": "Record Identifier",
    "requestId": "Request Identifier",
    "sha256": "SHA-256",
    "url": "Address",
    "urlSha256": "SHA-256 Of The Address",
    "w": "Width",
    "x": "Left Edge",
    "y": "Upper Edge",
}
# It sends no If-None-Match, and to a flow this is a failure.
_UNASKED = (304,)
# The rules of a value that 2.0 has under the same name.
_KEPT = ("type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "default")
_OF_OBJECTS = ("minItems", "maxItems", "minProperties", "maxProperties", "required", "additionalProperties")


def connector() -> Json:
    """The document."""
    paths: dict[str, Json] = {}
    for operation in operations():
        if operation.connector is not None:
            paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    used = _used(paths)
    return {
        "swagger": "2.0",
        "info": {"title": TITLE, "description": DESCRIPTION, "version": __version__},
        "host": HOST,
        "basePath": BASE,
        "schemes": ["https"],
        "consumes": [names.JSON],
        "produces": [names.JSON],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "definitions": {name: schema for name, schema in _definitions().items() if name in used},
        "securityDefinitions": {_KEY: dict(KEYS[_KEY])},
        "security": [{_KEY: []}],
    }


def title(name: str) -> str:
    """The name of a parameter or of a member as makers read it: `captionConfidence` is `Caption Confidence`."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    return _TITLES.get(name) or " ".join(word[0].upper() + word[1:] for word in words)


def _operation(operation: Operation) -> Json:
    shown = dict(operation.connector or {})
    without, fixed = shown.pop("without", ()), shown.pop("fixed", {})
    found: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [
            _parameter(each, fixed.get(each["name"]))
            for each in operation.parameters
            if each["name"] in fixed or (each["in"] != "header" and each["name"] not in without)
        ],
        "responses": {
            str(status): _response(each)
            for status, each in sorted(responses_of(operation).items())
            if status not in _UNASKED
        },
        **shown,
    }
    produced = _produced(operation)
    if produced != [names.JSON]:
        found["produces"] = produced
    if operation.anonymous:
        found["security"] = []
    if operation.body:
        schema = operation.body.content.get(names.JSON, named("FileContent"))
        found["parameters"].append(_body(operation.body.description, schema))
    return found


def _parameter(parameter: Json, fixed: str | None) -> Json:
    """A parameter; makers do not see one whose value the connector sets."""
    schema, required = parameter["schema"], parameter["required"] or fixed is not None
    found = {
        "name": parameter["name"],
        "in": parameter["in"],
        "description": parameter["description"],
        "required": required,
        "x-ms-summary": title(parameter["name"]),
        **_value(schema),
    }
    if fixed is not None:
        return {**found, "default": fixed, "x-ms-visibility": "internal"}
    encoding = {"x-ms-url-encoding": "single"} if parameter["in"] == "path" else {}
    return {**found, "x-ms-visibility": "important" if required else "advanced", **encoding}


def _body(description: str, schema: Json) -> Json:
    return {
        "name": "body",
        "in": "body",
        "description": description,
        "required": True,
        "x-ms-summary": "Body",
        "schema": _schema(schema),
    }


def _response(response: Json) -> Json:
    """An answer: 2.0 knows one schema of it, and of a header neither a schema nor whether it is always there."""
    found: Json = {"description": response["description"]}
    contents = response.get("content", {})
    if contents:
        found["schema"] = _schema(next(iter(contents.values()))["schema"])
    if "headers" in response:
        found["headers"] = {
            name: {**_value(header["schema"]), "description": header["description"]}
            for name, header in response["headers"].items()
        }
    return found


def _produced(operation: Operation) -> list[str]:
    """The types of what it answers when all is well, those of a picture first."""
    kinds = [kind for status, each in sorted(operation.responses.items()) for kind in each.get("content", {})]
    wanted = [kind for kind in dict.fromkeys(kinds) if kind != "text/plain"]
    return wanted or [names.JSON]


def _value(schema: Json) -> Json:
    return {key: _without_null(key, schema[key]) for key in _KEPT if key in schema}


def _without_null(key: str, value: object) -> object:
    return [each for each in value if each is not None] if key == "enum" and isinstance(value, list) else value


def _schema(schema: Json) -> Json:
    """A schema in 2.0, which has `x-nullable` in place of `nullable`."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace(COMPONENTS, _DEFINITIONS)}
    found = _value(schema) | {key: schema[key] for key in ("description", *_OF_OBJECTS) if key in schema}
    if schema.get("nullable"):
        found["x-nullable"] = True
    if "items" in schema:
        found["items"] = _schema(schema["items"])
    if "properties" in schema:
        found["properties"] = {name: _member(name, each) for name, each in schema["properties"].items()}
    return found


def _member(name: str, schema: Json) -> Json:
    """A member with its title; a reference has nothing beside it, and the title of what it refers to."""
    found = _schema(schema)
    return found if "$ref" in found else {**found, "x-ms-summary": title(name)}


def _definitions() -> dict[str, Json]:
    own = {**schemas(), "ImageReference": _image_reference(), "FileContent": _file_content()}
    return {name: {"x-ms-summary": title(name), **_schema(schema)} for name, schema in own.items()}


def _file_content() -> Json:
    """How a flow brings a file: its contents are base64 there, which the app takes under this name."""
    return thing("A file by its content.", {_CONTENT: text("The content of the file.", format="byte")})


def _image_reference() -> Json:
    """The same of an image, or its name or address."""
    reference = schemas()["ImageReference"]
    content = text("The content of the file, in place of a name and an address.", format="byte")
    members: Mapping[str, Json] = {_CONTENT: content, **reference["properties"]}
    return thing(
        "An image by its content, its name or its address: one of the three.",
        members,
        members,
        minProperties=1,
        maxProperties=1,
    )


def _used(paths: Json) -> set[str]:
    """The definitions that the operations need, and those that these need."""
    definitions = _definitions()
    found: set[str] = set()
    ahead = _references(paths)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead |= _references(definitions[name])
    return found


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].removeprefix(_DEFINITIONS)} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in value.values()))
    return set().union(*(_references(each) for each in value)) if isinstance(value, list) else set()
