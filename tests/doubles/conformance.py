"""
Whether an exchange keeps to the contract: every breach of `docs/openapi.json` in one request and its answer.

    Contract(document).breaches(exchange) -> [] or sentences

An answer has to have a status, headers, a content type and a body that the operation documents. A request that was
served has to be one that the document allows; one that it does not know has to be refused.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from doubles.exchanges import Exchange
from jsonschema.protocols import Validator
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

Json = dict[str, Any]

# Headers that no answer has to document, and why.
UNDOCUMENTED_HEADERS = {
    "date": "the server's",
    "server": "the server's",
    "connection": "of the connection",
    "keep-alive": "of the connection",
    "transfer-encoding": "of the connection",
    "content-length": "the server's, for every answer",
    "content-type": "stands under `content`",
    "x-content-type-options": "the host's, for every answer",
    "request-context": "of Application Insights in Azure",
}
# Addresses that are served although the document leaves them out, the address whose operation answers, and why.
BESIDE = (
    ("GET", r"(?s:/domains/.+)", "/domains", "the route's value is not looked at; another method has it"),
    (
        "POST",
        r"(?s:/thumbnail/.+)",
        "/thumbnail",
        "the route's value is not looked at; other methods have it",
    ),
)
# Refusals of the platform, which have no content in Azure; the local host says in plain text what was wrong.
REFUSED_BY_HOST = (413, 414, 431)
PROBLEM = "application/problem+json"
# Its routes serve the page alone and change with it: what documented ones answer, they hand on.
PAGE = re.compile(r"/api/gallery(/.*)?", re.DOTALL)
_HERE = "urn:contract"


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    pattern: re.Pattern[str]
    spec: Json

    @property
    def id(self) -> str:
        """Its operationId."""
        return str(self.spec["operationId"])

    def parameters(self, where: str) -> dict[str, Json]:
        """The parameters in the query, the path or the headers."""
        return {each["name"]: each for each in self.spec.get("parameters", []) if each["in"] == where}

    def fit(self, given: set[str]) -> tuple[int, int, int]:
        """How well it fits a request with these parameters in its query, to be compared."""
        required = {name for name, spec in self.parameters("query").items() if spec.get("required")}
        unknown = len(given - self.parameters("query").keys())
        return (-self.path.count("{"), len(required & given) if required <= given else -1, -unknown)

    def response(self, status: int) -> Json | None:
        """What it documents of a status."""
        responses: dict[str, Json] = self.spec["responses"]
        return responses.get(str(status), responses.get("default"))


class Contract:
    """A document of OpenAPI 3.0 that exchanges are compared with."""

    def __init__(self, document: Json) -> None:
        # With references that mean the same wherever a schema is looked at alone.
        self.document = json.loads(json.dumps(document).replace('"$ref": "#', f'"$ref": "{_HERE}#'))
        self._validators: dict[int, Validator] = {}
        # Compared by identity: they live as long as the document.
        self._kept: list[Json] = []
        self._registry: Registry[Any] = Registry().with_resource(_HERE, Resource(self.document, DRAFT4))

    @cached_property
    def base(self) -> str:
        """What stands before every path."""
        servers = self.document.get("servers") or [{"url": ""}]
        return urlsplit(re.sub(r"\{\w+\}", "x", servers[0]["url"])).path.rstrip("/")

    @cached_property
    def operations(self) -> list[Operation]:
        """Every one, those with fewer values in their path first."""
        found = [
            Operation(method.upper(), path, _pattern(path), spec)
            for path, methods in self.document["paths"].items()
            for method, spec in methods.items()
            if method in ("get", "head", "post", "put", "delete", "patch", "options")
        ]
        return sorted(found, key=lambda each: each.path.count("{"))

    def operation_of(self, exchange: Exchange) -> Operation | None:
        """The operation that an exchange belongs to; of two with one address the one whose query was sent."""
        path = self.path_of(exchange)
        # One slash at the end is the same route for the host; two are a segment of their own.
        bare = path.removesuffix("/") or "/"
        given = {name for name, _ in exchange.query}
        candidates = [
            each
            for each in self.operations
            if each.method == exchange.method and (each.pattern.fullmatch(path) or each.path in (bare, f"{bare}/"))
        ]
        return max(candidates, key=lambda each: each.fit(given), default=None)

    def path_of(self, exchange: Exchange) -> str:
        """The path as the document has it."""
        path = exchange.path.removeprefix(self.base) or "/"
        served = (to for method, form, to, _ in BESIDE if method == exchange.method and re.fullmatch(form, path))
        return next(served, path)

    def resolve(self, schema: Json) -> Json:
        """The schema that a reference names, or the schema itself."""
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].partition("#/")[2].split("/"):
                found = found[part]
            schema = found
        return schema

    def breaches(self, exchange: Exchange) -> list[str]:
        """What the document does not allow; empty where all is well."""
        operation = self.operation_of(exchange)
        if operation is None and PAGE.fullmatch(exchange.path):
            return []
        if operation is None:
            return [f"{exchange}: {each}" for each in self._of_unknown(exchange)]
        found = [*self._of_answer(operation, exchange)]
        if exchange.status < 400:
            found += self._of_request(operation, exchange)
        return [f"{operation.id}: {exchange}: {each}" for each in found]

    def problems(self, schema: Json, value: Any) -> list[str]:
        """How a value breaks a schema."""
        key = id(schema)
        if key not in self._validators:
            self._kept.append(schema)
            self._validators[key] = OAS30Validator(schema, registry=self._registry, format_checker=oas30_format_checker)
        # JSON pointers, so that a breach names its member.
        return [
            f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in self._validators[key].iter_errors(value)
        ]

    def _of_unknown(self, exchange: Exchange) -> Iterator[str]:
        """What the contract does not have is refused by the app's problem or by the platform without a body."""
        if not 400 <= exchange.status < 500:
            yield "the document has no such operation, and it is served"
        elif exchange.body and media_type(exchange.headers) != PROBLEM:
            yield f"the document has no such operation, and the answer is {media_type(exchange.headers)}"

    def _of_answer(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        response = operation.response(exchange.status)
        if response is None:
            yield f"status {exchange.status} is not documented: {exchange.body[:300]!r}"
            return
        yield from self._of_headers(response, exchange)
        if exchange.method != "HEAD":
            yield from self._of_content(response, exchange)

    def _of_headers(self, response: Json, exchange: Exchange) -> Iterator[str]:
        documented = {name.lower(): spec for name, spec in response.get("headers", {}).items()}
        for name, spec in documented.items():
            if name in exchange.headers:
                value = of_text(self.resolve(spec["schema"]), exchange.headers[name])
                yield from (f"header {name} {each}" for each in self.problems(spec["schema"], value))
            elif spec.get("required"):
                yield f"header {name} is missing"
        for name in exchange.headers.keys() - documented.keys() - UNDOCUMENTED_HEADERS.keys():
            yield f"header {name} is not documented"

    def _of_content(self, response: Json, exchange: Exchange) -> Iterator[str]:
        content = response.get("content", {})
        if not exchange.body:
            # A text that was read can be empty.
            if content and media_type(exchange.headers) not in content:
                yield "the body is missing"
            return
        kind = media_type(exchange.headers)
        if kind == "text/plain" and exchange.status in REFUSED_BY_HOST and not content:
            return
        documented = fitting(content, kind)
        if documented is None:
            yield f"content type {kind} is not documented: {exchange.body[:300]!r}"
        elif kind.endswith("json"):
            yield from self._of_json(documented, exchange.body, "body")
        if kind == PROBLEM and "x-codes" in response:
            code = json.loads(exchange.body).get("code")
            if code not in response["x-codes"]:
                yield f"code {code} is not documented of status {exchange.status}"

    def _of_json(self, media: Json, body: bytes, what: str) -> Iterator[str]:
        try:
            value = json.loads(body)
        except ValueError as error:
            yield f"{what} is no JSON: {error}"
            return
        yield from (f"{what} {each}" for each in self.problems(media.get("schema", {}), value))

    def _of_request(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        """Breaches of a request that was served."""
        documented = operation.parameters("query")
        for name, value in exchange.query:
            # The platform's key, which stands under `security`.
            if name.lower() == "code" and name not in documented:
                continue
            if name not in documented:
                yield f"parameter {name} is not documented, and is served"
                continue
            yield from (f"parameter {name} {each}, and is served" for each in self._of_value(documented[name], value))
        given = {name for name, _ in exchange.query}
        yield from (
            f"parameter {name} is required, and the request is served without it"
            for name, spec in documented.items()
            if spec.get("required") and name not in given
        )
        yield from self._of_path(operation, exchange)
        yield from self._of_heeded_headers(operation, exchange)
        yield from self._of_sent_body(operation, exchange)

    def _of_heeded_headers(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        """Headers of the request that the answer shows to be heeded."""
        documented = {name.lower() for name in operation.parameters("header")}
        correlation = exchange.sent.get("x-correlation-id")
        heeded = {
            "x-correlation-id": correlation is not None and exchange.headers.get("x-correlation-id") == correlation,
            "prefer": "preference-applied" in exchange.headers,
            "if-none-match": exchange.status == 304,
        }
        yield from (
            f"header {name} of the request is not documented, and is heeded"
            for name, is_heeded in heeded.items()
            if is_heeded and name not in documented
        )

    def _of_path(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        found = operation.pattern.fullmatch(self.path_of(exchange))
        for name, value in found.groupdict().items() if found else ():
            spec = next(each for each in operation.parameters("path").values() if group(each["name"]) == name)
            yield from (f"path value {spec['name']} {each}, and is served" for each in self._of_value(spec, value))

    def _of_value(self, parameter: Json, text: str) -> list[str]:
        """How a text breaks the schema of a parameter; the app takes words in any case, and lists with spaces."""
        schema = self.resolve(parameter["schema"])
        problems = self.problems(parameter["schema"], of_text(schema, text))
        plain = ",".join(part.strip() for part in text.split(",") if part.strip())
        words = [str(word).lower() for word in schema.get("enum", [])]
        is_word = plain.lower() in words or (
            "|" in schema.get("pattern", "")
            and text.isascii()
            and bool(re.search(schema["pattern"], plain, re.IGNORECASE))
        )
        return [] if is_word else problems

    def _of_sent_body(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        body = operation.spec.get("requestBody")
        if body is None:
            if exchange.sent_body and exchange.method in ("POST", "PUT"):
                yield "a request body is not documented, and is served"
            return
        if not exchange.sent_body:
            if body.get("required"):
                yield "a request body is required, and the request is served without it"
            return
        kind = media_type(exchange.sent)
        # The app reads JSON under any type that says so, that of a problem too.
        documented = fitting(body["content"], "application/json" if is_json(kind) else kind)
        is_bytes = kind == "application/octet-stream" and not is_text(exchange.sent_body)
        if documented is None and (is_bytes or (is_json(kind) and not is_beside(exchange.sent_body))):
            yield f"request of the type {kind} is not documented, and is served"
        # The app judges bytes by what they are, whatever type is declared.
        if documented is not None and is_json(kind) and not is_beside(exchange.sent_body):
            problems = self._of_json(documented, exchange.sent_body, "request")
            own = "request /values/" if has_refused_records(exchange.body) else None
            yield from (f"{each}, and is served" for each in problems if not own or not each.startswith(own))


def is_beside(body: bytes) -> bool:
    """
    Whether a JSON body is one of the forms that stand in http-api.md only, because importers take none of them.

    They are an image of which the declared type is wrong, a text, an object with `$content`, a `data:` address, and
    `blob` for `name`.
    """
    try:
        value = json.loads(body)
    except ValueError:
        return True
    if not isinstance(value, dict) or {"$content", "blob"} & value.keys():
        return True
    return str(value.get("url", "")).lstrip()[:5].lower() == "data:"


def is_text(body: bytes) -> bool:
    """Whether bytes are text, as JSON and base64 are."""
    return body.isascii() and not any(byte < 9 for byte in body)


def has_refused_records(body: bytes) -> bool:
    """Whether it answers a batch of a skill with an error of one record: a wrong record fails alone."""
    try:
        value = json.loads(body)
    except ValueError:
        return False
    values = value.get("values") if isinstance(value, dict) else None
    return isinstance(values, list) and any(each.get("errors") for each in values)


def is_json(kind: str) -> bool:
    """Whether the app reads a body of this type as JSON."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def media_type(headers: Mapping[str, str]) -> str:
    """The type in Content-Type, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def fitting(content: Mapping[str, Json], kind: str) -> Json | None:
    """What is documented of a media type, of its range or of all."""
    for each in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if each in content:
            return content[each]
    return content.get("application/json") if is_json(kind) and kind != PROBLEM else None


def of_text(schema: Json, text: str) -> Any:
    """The value that a text in a header, a query or a path has by its schema; the text where it has none."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return float(text)
    # As the app reads it: in any case of letters.
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def group(name: str) -> str:
    """A name for a group of a pattern."""
    return re.sub(r"\W", "_", name)


def _pattern(path: str) -> re.Pattern[str]:
    """What addresses a path takes; its last value takes slashes too, as the app's own routes do."""
    parts: Sequence[str] = re.split(r"(\{[^}]+\})", path)
    last = max((index for index, part in enumerate(parts) if part.startswith("{")), default=-1)
    return re.compile(
        "".join(
            f"(?P<{group(part.strip('{}'))}>{'.+' if index == last else '[^/]+'})"
            if part.startswith("{")
            else re.escape(part)
            for index, part in enumerate(parts)
        ),
        re.DOTALL,
    )
