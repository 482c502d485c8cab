"""Walks over documents of OpenAPI: their operations, and their schemas with the places of these."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


class Described(NamedTuple):
    """One operation of a document."""

    path: str
    method: str
    content: Json

    @property
    def id(self) -> str:
        return str(self.content["operationId"])

    def parameters(self, *places: str) -> list[Json]:
        """Return those in these places, or all."""
        return [each for each in self.content.get("parameters", []) if not places or each["in"] in places]

    def names_in_path(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)


def operations(document: Json) -> list[Described]:
    """Return every operation of either version."""
    return [
        Described(path, method, content)
        for path, methods in document["paths"].items()
        for method, content in methods.items()
        if method in METHODS
    ]


def schemas(document: Json) -> Json:
    """Return the named schemas of either version."""
    found: Json = document["definitions"] if "swagger" in document else document["components"]["schemas"]
    return found


def resolved(document: Json, schema: Json) -> Json:
    """Return the schema itself, or the named one that it refers to."""
    if "$ref" not in schema:
        return schema
    found: Json = schemas(document)[schema["$ref"].rpartition("/")[2]]
    return found


def references(value: object) -> Iterator[str]:
    """Yield every `$ref` below."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def parts(schema: Json, place: str) -> Iterator[tuple[str, Json]]:
    """Yield a schema and those within it, each with its place; references are not followed."""
    yield place, schema
    for name, each in schema.get("properties", {}).items():
        yield from parts(each, f"{place}.{name}")
    if "items" in schema:
        yield from parts(schema["items"], f"{place}[]")


def keys(value: object) -> Iterator[str]:
    """Yield every key below, but the names of members and of paths."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            if key in ("properties", "paths", "schemas", "definitions", "headers") and isinstance(each, dict):
                for below in each.values():
                    yield from keys(below)
            else:
                yield from keys(each)
    if isinstance(value, list):
        for each in value:
            yield from keys(each)
