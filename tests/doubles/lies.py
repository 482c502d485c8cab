"""
Lies that can be put into a contract: of each kind one at every place that has room for it.

Each leaves out what is there, adds what is not, or turns it into something else. `spread` takes some of each kind, far
apart from each other.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]
# A type that is another one, whatever it is.
_OTHER = {"string": "integer", "integer": "string", "number": "string", "boolean": "string", "array": "object"}
_METHODS = ("get", "head", "post", "put", "delete")


class Lie(NamedTuple):
    """
    One lie.

    Attributes:
        kind: what it does, such as `status left out`.
        place: where.
        tell: puts it into a document that may be changed.
    """

    kind: str
    place: str
    tell: Callable[[Json], object]

    def told(self, document: Json) -> Json:
        """A copy of the document with it."""
        copied = copy.deepcopy(document)
        self.tell(copied)
        return copied

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}"


def lies(document: Json) -> Iterator[Lie]:
    """Every one that the document has room for."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield from _of_operation(methods[method], path, method)
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema:
            yield from _of_schema(name, schema)


def spread(found: Iterable[Lie], of_each: int) -> list[Lie]:
    """At most so many of each kind, from the first to the last."""
    kinds: dict[str, list[Lie]] = {}
    for lie in found:
        kinds.setdefault(lie.kind, []).append(lie)
    return [each for of_kind in kinds.values() for each in of_kind[:: max(1, -(-len(of_kind) // of_each))]]


def _of_operation(operation: Json, path: str, method: str) -> Iterator[Lie]:
    def at(document: Json) -> Json:
        found: Json = document["paths"][path][method]
        return found

    name = operation["operationId"]
    yield Lie("operation left out", name, lambda document: document["paths"][path].pop(method))
    yield Lie("status added", name, lambda document: at(document)["responses"].update({"418": {"description": "d"}}))
    yield Lie("parameter added", name, lambda document: at(document)["parameters"].append(_parameter("lie")))
    for index, parameter in enumerate(operation.get("parameters", [])):
        if parameter["in"] == "path":
            continue
        if parameter["in"] == "query":
            yield from _of_parameter(at, index, parameter, f"{name} {parameter['name']}")
        else:
            yield Lie(
                "parameter left out",
                f"{name} {parameter['name']}",
                lambda document, index=index: at(document)["parameters"].pop(index),
            )
    yield Lie(
        "sent header added",
        name,
        lambda document: at(document)["parameters"].append({**_parameter("X-Lie"), "in": "header"}),
    )
    yield from _of_sent_body(at, operation, name)
    for status, response in operation["responses"].items():
        yield from _of_response(at, status, response, f"{name} {status}")


def _of_sent_body(at: Callable[[Json], Json], operation: Json, name: str) -> Iterator[Lie]:
    body = operation.get("requestBody")
    if body is None:
        added: Json = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        yield Lie("sent body added", name, lambda document: at(document).update(requestBody=added))
        return
    yield Lie("sent body left out", name, lambda document: at(document).pop("requestBody"))
    yield Lie("sent body's required left out", name, lambda document: at(document)["requestBody"].pop("required"))
    yield Lie(
        "sent type added",
        name,
        lambda document: at(document)["requestBody"]["content"].update({"x/lie": {"schema": {"type": "string"}}}),
    )
    for kind in body["content"]:
        yield Lie(
            "sent type left out",
            f"{name} {kind}",
            lambda document, kind=kind: at(document)["requestBody"]["content"].pop(kind),
        )


def _parameter(name: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}


def _of_parameter(at: Callable[[Json], Json], index: int, parameter: Json, place: str) -> Iterator[Lie]:
    def here(document: Json) -> Json:
        found: Json = at(document)["parameters"][index]
        return found

    required = bool(parameter.get("required"))
    yield Lie("parameter left out", place, lambda document: at(document)["parameters"].pop(index))
    yield Lie(
        f"parameter's required {'left out' if required else 'added'}",
        place,
        lambda document: here(document).update(required=not required),
    )
    words = parameter["schema"].get("enum", [])
    if words:
        yield Lie("parameter's value added", place, lambda document: here(document)["schema"]["enum"].append("lie"))
    if len(words) > 1:
        yield Lie("parameter's value left out", place, lambda document: here(document)["schema"]["enum"].pop())


def _of_response(at: Callable[[Json], Json], status: str, response: Json, place: str) -> Iterator[Lie]:
    def here(document: Json) -> Json:
        found: Json = at(document)["responses"][status]
        return found

    if "x-codes" in response:
        yield Lie("code added", place, lambda document: here(document)["x-codes"].append("lie"))
    yield Lie("status left out", place, lambda document: at(document)["responses"].pop(status))
    for required in (True, False):
        yield Lie(
            f"{'required ' if required else ''}header added",
            place,
            lambda document, required=required: (
                here(document)
                .setdefault("headers", {})
                .update({"X-Lie": {"required": required, "schema": {"type": "string"}}})
            ),
        )
    for header, spec in response.get("headers", {}).items():
        yield Lie(
            "header left out",
            f"{place} {header}",
            lambda document, header=header: here(document)["headers"].pop(header),
        )
        if "enum" in spec["schema"]:
            yield Lie(
                "header's value added",
                f"{place} {header}",
                lambda document, header=header: here(document)["headers"][header]["schema"]["enum"].append("lie"),
            )
        required = bool(spec.get("required"))
        yield Lie(
            f"header's required {'left out' if required else 'added'}",
            f"{place} {header}",
            lambda document, header=header, required=required: here(document)["headers"][header].update(
                required=not required
            ),
        )
    for kind in response.get("content", {}):
        yield Lie(
            "content type turned",
            f"{place} {kind}",
            lambda document, kind=kind: here(document)["content"].update(
                {"x/lie": here(document)["content"].pop(kind)}
            ),
        )
    if "content" in response:
        yield Lie("content left out", place, lambda document: here(document).pop("content"))
        yield Lie(
            "content type added", place, lambda document: here(document)["content"].update({"x/lie": {"schema": {}}})
        )


def _of_schema(name: str, schema: Json) -> Iterator[Lie]:
    def here(document: Json) -> Json:
        found: Json = document["components"]["schemas"][name]
        return found

    def add(document: Json, *, required: bool) -> None:
        here(document)["properties"]["lie"] = {"type": "string"}
        if required:
            here(document).setdefault("required", []).append("lie")

    yield Lie("member added", name, lambda document: add(document, required=False))
    yield Lie("required member added", name, lambda document: add(document, required=True))
    for member, inner in schema["properties"].items():
        yield from _of_member(here, member, inner, f"{name}.{member}", required=member in schema.get("required", []))


def _of_member(here: Callable[[Json], Json], member: str, inner: Json, place: str, *, required: bool) -> Iterator[Lie]:
    def at(document: Json) -> Json:
        found: Json = here(document)["properties"][member]
        return found

    def leave_out(document: Json) -> None:
        del here(document)["properties"][member]
        if required:
            here(document)["required"].remove(member)

    yield Lie("member left out", place, leave_out)
    if required:
        yield Lie("required left out", place, lambda document: here(document)["required"].remove(member))
    else:
        yield Lie("required added", place, lambda document: here(document).setdefault("required", []).append(member))
    if "$ref" in inner:
        return
    yield Lie("type turned", place, lambda document: _turn(at(document)))
    if inner.get("nullable"):
        yield Lie("null left out", place, lambda document: at(document).pop("nullable"))
    else:
        yield Lie("null added", place, lambda document: at(document).update(nullable=True))
    if "items" in inner:
        yield Lie("items turned", place, lambda document: at(document).update(items={"type": "boolean"}))
    words = [word for word in inner.get("enum", []) if word is not None]
    if words:
        yield Lie("value added", place, lambda document: at(document)["enum"].append("lie"))
    if len(words) > 1:
        for word in words:
            yield Lie(
                "value left out", f"{place}={word}", lambda document, word=word: at(document)["enum"].remove(word)
            )


def _turn(schema: Json) -> None:
    """Give it another type, without the rules of its own."""
    kept = {key: schema[key] for key in ("description", "nullable") if key in schema}
    turned = {**kept, "type": _OTHER.get(schema["type"], "string")}
    schema.clear()
    schema.update(turned)
