"""The contract: one OpenAPI 3.0.3 document of every operation, in the subset that importers take."""

from functools import lru_cache

from shared import __version__
from shared.json_types import Json
from shared.openapi import (
    app_schemas,
    correction_operations,
    correction_schemas,
    image_operations,
    operation_schemas,
    search_operations,
    search_schemas,
    skill_operations,
    skill_schemas,
    state_operations,
    state_schemas,
    text_operations,
    text_schemas,
    vision_schemas,
    writing_operations,
)
from shared.openapi.operations import Operation, document_of

TITLE = "Blobsight"
DESCRIPTION = (
    "Images that land in a storage container are analyzed and thumbnailed, and their text is read. "
    "Every answer of Computer Vision is paid once. "
    "Every operation but GetHealth and GetContract needs a function key, in the header `x-functions-key` "
    "or in the query parameter `code`. "
    "Before the app is asked, the platform answers 401, 404, 413, 414 and 431, all without content."
)
TAGS = {
    "Images": "Analyses, sentences and thumbnails of one image.",
    "Text": "The text of images and documents.",
    "Search": "Finding uploaded images.",
    "States": "How far uploaded images are.",
    "Corrections": "What people say of images.",
    "Unfinished": "Steps that are deferred or failed.",
    "Skills": "Custom skills of Azure AI Search.",
    "App": "The app itself.",
}
HOST = "your-app.azurewebsites.net"
BASE = "/api"
# It changes with the version of the app only.
CACHE_CONTROL = "public, max-age=300"
KEYS: Json = {
    "functionKey": {
        "type": "apiKey",
        "name": "x-functions-key",
        "in": "header",
        "description": "A function key of the app.",
    },
    "functionKeyInQuery": {
        "type": "apiKey",
        "name": "code",
        "in": "query",
        "description": "The same key, for tools that set no header.",
    },
}


def operations() -> list[Operation]:
    """Every operation, in the order of the document."""
    modules = (
        image_operations,
        writing_operations,
        text_operations,
        search_operations,
        state_operations,
        correction_operations,
        skill_operations,
    )
    return [operation for module in modules for operation in module.operations()]


def schemas() -> dict[str, Json]:
    """Every named schema."""
    modules = (
        vision_schemas,
        text_schemas,
        operation_schemas,
        search_schemas,
        state_schemas,
        writing_operations,
        correction_schemas,
        skill_schemas,
        app_schemas,
    )
    found = {name: schema for module in modules for name, schema in module.schemas().items()}
    return dict(sorted(found.items()))


def _security(operation: Operation) -> list[Json]:
    """The keys that open it: in the query no other parameter may have the key's name."""
    taken = {each["name"] for each in operation.parameters if each["in"] == "query"}
    return [{name: []} for name, key in KEYS.items() if key["in"] != "query" or key["name"] not in taken]


@lru_cache(maxsize=4)
def document(address: str = "") -> Json:
    """
    The document. The caller does not change it.

    Args:
        address: that of the app, without a slash at its end; empty is a host that the reader fills in.
    """
    server: Json = {"url": f"https://{{host}}{BASE}", "variables": {"host": {"default": HOST}}}
    if address:
        server = {"url": f"{address}{BASE}"}
    paths: dict[str, Json] = {}
    for operation in operations():
        if operation.contract:
            paths.setdefault(operation.path, {})[operation.method] = document_of(operation, _security(operation))
    return {
        "openapi": app_schemas.VERSION,
        "info": {"title": TITLE, "version": __version__, "description": DESCRIPTION},
        "servers": [server],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": KEYS},
    }
