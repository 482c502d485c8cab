"""
What the contract says can come, and what exchanges show of it.

A fact is a tuple of words: ("status", operation, status), ("header", operation, status, name), ("no header", ...) where
one may be left out, ("header's value", operation, status, name, value), ("type", operation, status, type),
("parameter", operation, name), ("value", operation, name, value), ("sent type", operation, type), ("no body sent",
operation) where the body may be left out, ("member", schema, name), ("no member", schema, name) where it may be left
out, ("null", schema, name), ("enum", schema, name, value), ("item", schema, name) of a list, and ("code", status,
code). Those of schemas are of the named schemas, and those of codes of all operations together, whichever operation
shows them.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from doubles.conformance import Contract, Json, Operation, fitting, media_type, of_text
from doubles.exchanges import Exchange

Fact = tuple[str, ...]


def documented(contract: Contract) -> set[Fact]:
    """Every fact that the document claims."""
    found: set[Fact] = set()
    schemas: dict[str, Json] = {}
    for operation in contract.operations:
        for status, response in operation.spec["responses"].items():
            found.add(("status", operation.id, status))
            found |= {("code", status, code) for code in response.get("x-codes", [])}
            for name, header in response.get("headers", {}).items():
                found.add(("header", operation.id, status, name))
                words = contract.resolve(header["schema"]).get("enum", [])
                found |= {("header's value", operation.id, status, name, str(word)) for word in words}
                if not header.get("required"):
                    found.add(("no header", operation.id, status, name))
            for kind, media in response.get("content", {}).items():
                found.add(("type", operation.id, status, kind))
                _collect(contract, media.get("schema", {}), schemas)
        found |= _of_parameters(contract, operation) | _of_sent_body(operation)
        for media in operation.spec.get("requestBody", {}).get("content", {}).values():
            _collect(contract, media.get("schema", {}), schemas)
    for name, schema in schemas.items():
        found |= set(_of_schema(contract, name, schema))
    return found


def shown(contract: Contract, exchanges: Iterable[Exchange]) -> set[Fact]:
    """Every fact that the exchanges show."""
    found: set[Fact] = set()
    for exchange in exchanges:
        operation = contract.operation_of(exchange)
        response = operation and operation.response(exchange.status)
        if operation is None or response is None:
            continue
        status = str(exchange.status) if str(exchange.status) in operation.spec["responses"] else "default"
        found.add(("status", operation.id, status))
        for name in response.get("headers", {}):
            there = name.lower() in exchange.headers
            found.add(("header" if there else "no header", operation.id, status, name))
            if there:
                found.add(("header's value", operation.id, status, name, exchange.headers[name.lower()]))
        found |= _shown_by_body(contract, operation, status, response, exchange)
        if exchange.status < 400:
            found |= _shown_by_request(contract, operation, exchange)
    return found


def _collect(contract: Contract, schema: Json, into: dict[str, Json]) -> None:
    """The named schemas that a schema leads to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in into:
            return
        into[name] = contract.resolve(schema)
        schema = into[name]
    for inner in _inner(schema):
        _collect(contract, inner, into)


def _inner(schema: Json) -> Iterator[Json]:
    yield from schema.get("properties", {}).values()
    for key in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(key), dict):
            yield schema[key]
    for key in ("allOf", "oneOf", "anyOf"):
        yield from schema.get(key, [])


def _of_schema(contract: Contract, name: str, schema: Json) -> Iterator[Fact]:
    yield from (("enum", name, "", str(value)) for value in schema.get("enum", []))
    for member, inner in schema.get("properties", {}).items():
        yield ("member", name, member)
        if member not in schema.get("required", []):
            yield ("no member", name, member)
        if inner.get("nullable"):
            yield ("null", name, member)
        if "items" in inner:
            yield ("item", name, member)
        items = inner.get("items", {})
        yield from (("enum", name, member, str(value)) for value in inner.get("enum", []) if value is not None)
        yield from (("enum", name, member, str(value)) for value in items.get("enum", []))


def _of_sent_body(operation: Operation) -> set[Fact]:
    body = operation.spec.get("requestBody")
    if body is None:
        return set()
    found: set[Fact] = {("sent type", operation.id, kind) for kind in body["content"]}
    return found if body.get("required") else {*found, ("no body sent", operation.id)}


def _of_parameters(contract: Contract, operation: Operation) -> set[Fact]:
    found: set[Fact] = set()
    for name, spec in operation.parameters("query").items():
        found.add(("parameter", operation.id, name))
        if not spec.get("required"):
            found.add(("no parameter", operation.id, name))
        for value in contract.resolve(spec["schema"]).get("enum", []):
            found.add(("value", operation.id, name, str(value)))
    found |= {("parameter", operation.id, name) for name in operation.parameters("header")}
    for name, spec in operation.parameters("path").items():
        for value in contract.resolve(spec["schema"]).get("enum", []):
            found.add(("value", operation.id, name, str(value)))
    return found


def _shown_by_body(
    contract: Contract, operation: Operation, status: str, response: Json, exchange: Exchange
) -> set[Fact]:
    kind = media_type(exchange.headers)
    content = response.get("content", {})
    media = fitting(content, kind)
    if media is None:
        return set()
    declared = next(each for each, spec in content.items() if spec is media)
    found: set[Fact] = {("type", operation.id, status, declared)}
    if kind.endswith("json") and exchange.body:
        if "x-codes" in response:
            found.add(("code", status, str(_json(exchange.body)["code"])))
        found |= set(_walk(contract, "", media.get("schema", {}), _json(exchange.body)))
    return found


def _shown_by_request(contract: Contract, operation: Operation, exchange: Exchange) -> set[Fact]:
    found: set[Fact] = set()
    given = dict(exchange.query)
    for name, spec in operation.parameters("query").items():
        found.add(("parameter" if name in given else "no parameter", operation.id, name))
        if name in given:
            value = of_text(contract.resolve(spec["schema"]), given[name])
            found.add(("value", operation.id, name, str(value)))
    matched = operation.pattern.fullmatch(exchange.path.removeprefix(contract.base))
    for name, value in matched.groupdict().items() if matched else ():
        found.add(("value", operation.id, name, value))
    headers = operation.parameters("header")
    found |= {("parameter", operation.id, name) for name in headers if name.lower() in exchange.sent}
    kind = media_type(exchange.sent)
    found.add(("sent type", operation.id, kind) if exchange.sent_body else ("no body sent", operation.id))
    media = operation.spec.get("requestBody", {}).get("content", {}).get(kind)
    if media and kind.endswith("json"):
        found |= set(_walk(contract, "", media.get("schema", {}), _json(exchange.sent_body)))
    return found


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _walk(contract: Contract, owner: str, schema: Json, value: Any) -> Iterator[Fact]:
    """The facts that a value shows; *owner* is the named schema in which *schema* stands."""
    if "$ref" in schema:
        owner = schema["$ref"].rpartition("/")[2]
        schema = contract.resolve(schema)
        if "enum" in schema:
            yield ("enum", owner, "", str(value))
    for key in ("allOf", "oneOf", "anyOf"):
        for each in schema.get(key, []):
            if not contract.problems(each, value):
                yield from _walk(contract, owner, each, value)
    if isinstance(value, list):
        for item in value:
            yield from _walk(contract, owner, schema.get("items", {}), item)
    if not isinstance(value, dict):
        return
    for member, inner in schema.get("properties", {}).items():
        if member not in value:
            yield ("no member", owner, member)
            continue
        yield ("member", owner, member)
        held = value[member]
        if held is None:
            yield ("null", owner, member)
        if isinstance(held, list) and held:
            yield ("item", owner, member)
        for each in held if isinstance(held, list) else [held]:
            if isinstance(each, str | int | bool):
                yield ("enum", owner, member, str(each))
        yield from _walk(contract, owner, inner, held)
    if isinstance(schema.get("additionalProperties"), dict):
        for member in value.keys() - schema.get("properties", {}).keys():
            yield from _walk(contract, owner, schema["additionalProperties"], value[member])
