"""
One operation of the contract, and what all operations have: headers, the answer without a key, problems.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from shared import names
from shared.json_types import Json
from shared.openapi import problems
from shared.openapi.members import named
from shared.openapi.problems import Codes

BINARY: Json = {"type": "string", "format": "binary"}
CORRELATION: Json = {
    "description": "The caller's own identifier, or that of the invocation; every line of the log has it.",
    "required": True,
    "schema": {"type": "string"},
}
_UNAUTHORIZED = "The platform was sent no valid key. The answer has no content."
_TOO_LONG = "The platform was sent an address of more than 8,192 bytes. The answer has no content."


class Body(NamedTuple):
    """What a request brings: a schema, or a name of one, by content type."""

    description: str
    content: Mapping[str, Json]
    required: bool = True


class Operation(NamedTuple):
    """
    One operation.

    Attributes:
        id: never changed: importers name what they make after it.
        folder: the function that answers.
        method: in small letters.
        path: below `/api`.
        summary: what makers of flows read, a sentence without a full stop.
        description: what it does.
        tag: the group.
        parameters: of the query, the path and the headers.
        responses: by status, but for problems.
        codes: the problems.
        body: what the request brings.
        anonymous: whether it needs no key.
        connector: what the connector's document says of it besides, which parameters it goes `without`, and which have
            a `fixed` value; None where the connector has it not.
        contract: whether the contract has it.
        kept: the problems with which something has ended before; they come without a time.
    """

    id: str
    folder: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    responses: Mapping[int, Json]
    codes: tuple[Codes, ...] = ()
    parameters: tuple[Json, ...] = ()
    body: Body | None = None
    anonymous: bool = False
    connector: Mapping[str, Any] | None = MappingProxyType({})
    contract: bool = True
    kept: tuple[Codes, ...] = ()


def header(description: str, *, required: bool = True, **rules: object) -> Json:
    """A header of an answer."""
    return {"description": description, "required": required, "schema": {"type": "string", **rules}}


def retry_after(*, required: bool = True) -> Json:
    """Retry-After, in whole seconds."""
    return {
        "description": "Seconds after which to ask again.",
        "required": required,
        "schema": {"type": "integer", "minimum": 1},
    }


def asked_again(address: str = "The address to ask next.", *, required: bool = True) -> dict[str, Json]:
    """Location, absolute where the app knows its address, and Retry-After."""
    return {
        "Location": header(f"{address} A key of the query stands in it.", required=required),
        "Retry-After": retry_after(required=required),
    }


def answer(
    description: str, content: Mapping[str, Json] | None = None, headers: Mapping[str, Json] | None = None
) -> Json:
    """An answer of the app, with its correlation identifier."""
    found: Json = {"description": description, "headers": {"X-Correlation-Id": CORRELATION, **(headers or {})}}
    if content:
        found["content"] = {kind: {"schema": schema} for kind, schema in content.items()}
    return found


def json_answer(description: str, schema: str, headers: Mapping[str, Json] | None = None) -> Json:
    """An answer in JSON, of that schema."""
    return answer(description, {names.JSON: named(schema)}, headers)


def document_of(operation: Operation, security: Iterable[Json]) -> Json:
    """The operation in OpenAPI 3.0.3."""
    found: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [*operation.parameters, *_OF_ALL],
        "responses": {str(status): each for status, each in sorted(responses_of(operation).items())},
        "security": [] if operation.anonymous else list(security),
    }
    if operation.body:
        found["requestBody"] = {
            "description": operation.body.description,
            "required": operation.body.required,
            "content": {kind: {"schema": schema} for kind, schema in operation.body.content.items()},
        }
    return found


def responses_of(operation: Operation) -> dict[int, Json]:
    """Every answer by status: its own, 401 without a key, and the problems."""
    found = dict(operation.responses)
    if not operation.anonymous:
        found[401] = {"description": _UNAUTHORIZED}
    if any(_is_free_text(each) for each in operation.parameters):
        found[414] = {"description": _TOO_LONG}
    # The two that everyone may ask tell of wrong settings, or have none.
    own = (problems.EVERY, *(() if operation.anonymous else (problems.DEPLOYED,)), *operation.codes)
    timed = problems.by_status(own)
    for status, codes in problems.by_status((*own, *operation.kept)).items():
        if status in found:  # health says itself that the app is down
            continue
        has_time = bool(problems.TIMED & {*timed.get(status, ())})
        found[status] = _problem(status, codes, has_time=has_time, has_body=operation.method != "head")
    return found


def _is_free_text(parameter: Json) -> bool:
    schema = parameter["schema"]
    return parameter["in"] in ("path", "query") and schema["type"] == "string" and "enum" not in schema


def _problem(status: int, codes: list[str], *, has_time: bool, has_body: bool) -> Json:
    listed = ", ".join(f"`{code}`" for code in codes)
    headers = {"Retry-After": retry_after(required=False)} if has_time else None
    content = {names.PROBLEM: named("Problem")} if has_body else None
    return {**answer(f"{problems.PHRASES[status]}: {listed}.", content, headers), "x-codes": codes}


_OF_ALL = (
    {
        "name": "X-Correlation-Id",
        "in": "header",
        "description": "An identifier for the log, of 1 to 128 printable ASCII characters without spaces.",
        "required": False,
        "schema": {"type": "string"},
    },
)
