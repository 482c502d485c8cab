"""
The rules of those who import the documents, each with its source.

API Management: learn.microsoft.com, "API import restrictions and known issues". Connectors: learn.microsoft.com,
"Create a custom connector with an OpenAPI extension" and "Learn best practices for string fields". A rule that can
break is shown to find a document that breaks it.
"""

import copy
import graphlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doubles.openapi_documents import Described, keys, operations, parts, references, resolved, schemas

from shared.openapi.connector import connector
from shared.openapi.document import document

Json = dict[str, Any]
Faults = Iterator[str]
MEGABYTE = 1024**2
# What others fill: OpenAPI itself, and Azure AI Search, which may send more than is known.
OF_THE_PLATFORM = ("401", "414")
OPEN = ("ContractPart", "SkillRequest", "SkillRecord", "SkillInputs")
TITLE_CASE = re.compile(r"[A-Z0-9][\w-]*( [A-Z0-9][\w-]*)*")


def named_once(found: Json) -> Faults:
    """Resources are named after operations: in small letters, with a hyphen for all else, cut at 76 characters."""
    names = [re.sub(r"[^a-z0-9]+", "-", each.id.lower()) for each in operations(found)]
    yield from (name for name in names if len(name) > 76 or names.count(name) > 1)


def pascal_case(found: Json) -> Faults:
    yield from (each.id for each in operations(found) if not re.fullmatch(r"([A-Z][a-z]+)+", each.id))


def parameters_are_unique(found: Json) -> Faults:
    """In the whole template of the address, which required queries become a part of, and without regard to case."""
    for each in operations(found):
        names = [parameter["name"].lower() for parameter in each.parameters("path", "query")]
        yield from (f"{each.id} {name}" for name in names if names.count(name) > 1)


def paths_have_their_parameters(found: Json) -> Faults:
    for each in operations(found):
        declared = [parameter["name"] for parameter in each.parameters("path")]
        if sorted(declared) != sorted(each.names_in_path()):
            yield f"{each.id} {declared}"


def templates_differ(found: Json) -> Faults:
    """A slash at the end and the names in a path set none apart; required queries do."""
    seen: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for each in operations(found):
        plain = re.sub(r"\{\w+\}", "{}", each.path).rstrip("/")
        required = tuple(sorted(parameter["name"] for parameter in each.parameters("query") if parameter["required"]))
        other = seen.setdefault((each.method, plain, required), each.id)
        if other != each.id:
            yield f"{each.id} is {other}"


def parameters_are_plain(found: Json) -> Faults:
    """`style`, `explode` and `allowReserved` are ignored; forms and cookies are not imported."""
    for each in operations(found):
        for parameter in each.parameters():
            kind = parameter.get("schema", parameter).get("type")
            words = {"style", "explode", "allowReserved", "collectionFormat", "content"} & parameter.keys()
            if words or (parameter["in"] != "body" and kind in ("array", "object", None)):
                yield f"{each.id} {parameter['name']}"
            if parameter["in"] in ("cookie", "formData"):
                yield f"{each.id} {parameter['name']}"


def no_recursion(found: Json) -> Faults:
    below = {name: {each.rpartition("/")[2] for each in references(schema)} for name, schema in schemas(found).items()}
    try:
        graphlib.TopologicalSorter(below).prepare()
    except graphlib.CycleError as error:
        yield str(error)


def references_are_inside(found: Json) -> Faults:
    start = "#/definitions/" if "swagger" in found else "#/components/schemas/"
    for each in references(found):
        if not each.startswith(start) or each.removeprefix(start) not in schemas(found):
            yield each


def schemas_are_used(found: Json) -> Faults:
    used = {each.rpartition("/")[2] for each in references(found)}
    yield from sorted(schemas(found).keys() - used)


def schemas_of(each: Described) -> Iterator[Json]:
    bodies = [parameter["schema"] for parameter in each.parameters("body")]
    answers = list(each.content["responses"].values())
    for holder in (each.content.get("requestBody", {}), *answers):
        bodies += [media["schema"] for media in holder.get("content", {}).values()]
        bodies += [holder["schema"]] if "schema" in holder else []
    yield from bodies


def schemas_are_named_and_flat(found: Json) -> Faults:
    """An inline schema of an operation is not imported; nor need one within another be."""
    for each in operations(found):
        if any("$ref" not in schema and schema["type"] != "string" for schema in schemas_of(each)):
            yield each.id
    for name, schema in schemas(found).items():
        yield from (place for place, part in parts(schema, name) if place != name and part.get("type") == "object")


def schemas_are_closed(found: Json) -> Faults:
    for name, schema in schemas(found).items():
        if schema["type"] == "object" and schema.get("additionalProperties") is not (name in OPEN):
            yield name


def objects_say_so(found: Json) -> Faults:
    """Without `type: object` a flow has no dynamic content."""
    for each in operations(found):
        for schema in schemas_of(each):
            if resolved(found, schema).get("type") not in ("object", "string"):
                yield each.id


def no_body_where_none_is_sent(found: Json) -> Faults:
    for each in operations(found):
        if each.method in ("get", "head", "delete") and ("requestBody" in each.content or each.parameters("body")):
            yield each.id


def no_forms(found: Json) -> Faults:
    for each in operations(found):
        kinds = [*each.content.get("requestBody", {}).get("content", {}), *each.content.get("consumes", [])]
        yield from (kind for kind in kinds if "form" in kind)


def components_are_schemas_and_keys(found: Json) -> Faults:
    """All others are ignored."""
    yield from found["components"].keys() - {"schemas", "securitySchemes"}


def one_secure_server(found: Json) -> Faults:
    if [each["url"].partition("://")[0] for each in found["servers"]] != ["https"]:
        yield str(found["servers"])


def small(most: int) -> Callable[[Json], Faults]:
    def rule(found: Json) -> Faults:
        if len(json.dumps(found, indent=1)) > most:
            yield f"more than {most} bytes"

    return rule


def summaries_are_sentences(found: Json) -> Faults:
    """At most 300 characters; of a connector 80, without a slash, and with a letter or a digit at its end."""
    for each in operations(found):
        summary, description = each.content["summary"], each.content["description"]
        if not re.fullmatch(r"[A-Z][^./]{3,78}[A-Za-z0-9]", summary) or not re.fullmatch(r"[A-Z].+\.", description):
            yield each.id


def no_words_of_other_versions(found: Json) -> Faults:
    """2.0 has neither `nullable` nor a choice of schemas, and importers of 3.0 lose the latter."""
    words = {"oneOf", "anyOf", "allOf", "not", "discriminator", "callbacks", "links"}
    words |= {"nullable", "content", "requestBody", "components", "servers"} if "swagger" in found else set()
    yield from sorted(words & {*keys(found)})


def problems_have_their_type(found: Json) -> Faults:
    for each in operations(found):
        for status, answer in each.content["responses"].items():
            if int(status) < 400 or status in OF_THE_PLATFORM or each.method == "head" or each.id == "GetHealth":
                continue
            if list(answer.get("content", {})) != ["application/problem+json"]:
                yield f"{each.id} {status}"


def statuses_are_listed(found: Json) -> Faults:
    """With `default` no status would be a lie."""
    for each in operations(found):
        yield from (
            f"{each.id} {status}" for status in each.content["responses"] if not re.fullmatch("[2-5]..", status)
        )


def all_is_described(found: Json) -> Faults:
    """Every parameter and every member: a title in title case, and a description of its own or of its schema."""
    titled = "swagger" in found
    for each in operations(found):
        for parameter in each.parameters():
            if not parameter["description"] or (titled and not TITLE_CASE.fullmatch(parameter["x-ms-summary"])):
                yield f"{each.id} {parameter['name']}"
    for name, schema in schemas(found).items():
        for place, part in parts(schema, name):
            own = resolved(found, part)
            if place.endswith("[]"):
                continue
            if not own.get("description") or (titled and not TITLE_CASE.fullmatch(own.get("x-ms-summary", ""))):
                yield place


def what_is_hidden_has_a_default(found: Json) -> Faults:
    for each in operations(found):
        for parameter in each.parameters("path", "query", "header"):
            if parameter["x-ms-visibility"] not in ("important", "advanced", "internal"):
                yield f"{each.id} {parameter['name']}"
            if parameter["x-ms-visibility"] == "internal" and parameter["required"] and "default" not in parameter:
                yield f"{each.id} {parameter['name']}"


def paths_say_how_they_are_encoded(found: Json) -> Faults:
    for each in operations(found):
        for parameter in each.parameters("path"):
            if parameter.get("x-ms-url-encoding") != "single":
                yield f"{each.id} {parameter['name']}"


def the_key_is_in_the_query(found: Json) -> Faults:
    """Flows follow the address of a 202 without headers; no parameter may have the name of the key."""
    for name, key in found["securityDefinitions"].items():
        if (key["type"], key["in"]) != ("apiKey", "query"):
            yield name
        yield from (each.id for each in operations(found) if key["name"] in [p["name"] for p in each.parameters()])


def triggers_are_complete(found: Json) -> Faults:
    """A batch is a list in the body, by which flows split; a hint says how to see it work."""
    for each in operations(found):
        if not each.id.startswith("When"):
            if "x-ms-trigger" in each.content:
                yield each.id
            continue
        body = resolved(found, each.content["responses"]["200"]["schema"])["properties"]
        lists = [name for name, member in body.items() if member.get("type") == "array"]
        ways = {"Location", "Retry-After"}
        if each.content.get("x-ms-trigger") != "batch" or len(lists) != 1 or "x-ms-trigger-hint" not in each.content:
            yield each.id
        if not all(ways <= each.content["responses"][status]["headers"].keys() for status in ("200", "202")):
            yield each.id


def no_status_is_taken_for_a_failure(found: Json) -> Faults:
    """Some actions take 204 and 304 for one; 304 answers a header that the connector does not send."""
    for each in operations(found):
        yield from (f"{each.id} {status}" for status in ("204", "304") if status in each.content["responses"])


def the_connector_has_a_name(found: Json) -> Faults:
    """At most 30 characters, and neither it nor the description has the word API."""
    info = found["info"]
    if len(info["title"]) > 30 or re.search(r"\bAPI\b", f"{info['title']} {info['description']}"):
        yield str(info)


def all_is_ascii(found: Json) -> Faults:
    if not json.dumps(found, ensure_ascii=False).isascii():
        yield "other characters"


BOTH = (
    named_once,
    parameters_are_unique,
    paths_have_their_parameters,
    templates_differ,
    parameters_are_plain,
    no_recursion,
    references_are_inside,
    schemas_are_used,
    schemas_are_named_and_flat,
    schemas_are_closed,
    no_body_where_none_is_sent,
    no_forms,
    summaries_are_sentences,
    no_words_of_other_versions,
    statuses_are_listed,
    all_is_described,
    pascal_case,
)
OF_THE_CONTRACT = (*BOTH, components_are_schemas_and_keys, one_secure_server, problems_have_their_type)
OF_THE_CONNECTOR = (
    *BOTH,
    objects_say_so,
    what_is_hidden_has_a_default,
    paths_say_how_they_are_encoded,
    the_key_is_in_the_query,
    triggers_are_complete,
    all_is_ascii,
    no_status_is_taken_for_a_failure,
    the_connector_has_a_name,
)


@pytest.mark.parametrize("rule", [*OF_THE_CONTRACT, small(4 * MEGABYTE)], ids=lambda rule: rule.__name__)
def test_api_management_can_import_the_contract(rule: Callable[[Json], Faults]) -> None:
    assert list(rule(document())) == []


@pytest.mark.parametrize("rule", [*OF_THE_CONNECTOR, small(MEGABYTE)], ids=lambda rule: rule.__name__)
def test_power_platform_can_import_the_connector(rule: Callable[[Json], Faults]) -> None:
    assert list(rule(connector())) == []


def change(place: str, value: object) -> Callable[[Json], None]:
    """Put a value at a place whose steps are parted by bars."""

    def apply(found: Json) -> None:
        *steps, last = place.split("|")
        for step in steps:
            found = found[int(step) if isinstance(found, list) else step]
        found[int(last) if isinstance(found, list) else last] = value

    return apply


BREAKS: list[tuple[Callable[[Json], Faults], Json, Callable[[Json], None]]] = [
    (named_once, document(), change("paths|/ocr|post|operationId", "gettext")),
    (pascal_case, document(), change("paths|/ocr|post|operationId", "readText")),
    (parameters_are_unique, document(), change("paths|/ocr/{id}|get|parameters|1|name", "ID")),
    (paths_have_their_parameters, document(), change("paths|/ocr/{id}|get|parameters|0|name", "read")),
    (templates_differ, document(), change("paths|/images/|get|parameters|0|required", False)),
    (parameters_are_plain, document(), change("paths|/analyze|post|parameters|0|schema|type", "array")),
    (parameters_are_plain, document(), change("paths|/analyze|post|parameters|0|explode", False)),
    (parameters_are_plain, document(), change("paths|/analyze|post|parameters|0|in", "cookie")),
    (
        no_recursion,
        document(),
        change("components|schemas|ObjectParent2|properties|parent|$ref", "#/components/schemas/ObjectParent1"),
    ),
    (
        references_are_inside,
        document(),
        change("components|schemas|ImageState|properties|text|$ref", "other.json#/TextState"),
    ),
    (schemas_are_used, document(), change("components|schemas|Forgotten", {"type": "object"})),
    (
        schemas_are_named_and_flat,
        document(),
        change("components|schemas|ImageState|properties|text", {"type": "object"}),
    ),
    (
        schemas_are_named_and_flat,
        document(),
        change("paths|/health|get|responses|200|content|application/json|schema", {"type": "object"}),
    ),
    (schemas_are_closed, document(), change("components|schemas|ImageState|additionalProperties", True)),
    (no_body_where_none_is_sent, document(), change("paths|/ocr/{id}|get|requestBody", {})),
    (no_forms, document(), change("paths|/ocr|post|requestBody|content|multipart/form-data", {})),
    (components_are_schemas_and_keys, document(), change("components|parameters", {})),
    (one_secure_server, document(), change("servers|0|url", "http://{host}/api")),
    (summaries_are_sentences, document(), change("paths|/ocr|post|summary", "Reads text.")),
    (no_words_of_other_versions, document(), change("components|schemas|ImageState|oneOf", [])),
    (problems_have_their_type, document(), change("paths|/ocr|post|responses|404|content", {"application/json": {}})),
    (statuses_are_listed, document(), change("paths|/ocr|post|responses|default", {"description": "Any."})),
    (all_is_described, document(), change("components|schemas|ImageState|properties|name|description", "")),
    (objects_say_so, connector(), change("definitions|ImageState|type", None)),
    (no_words_of_other_versions, connector(), change("definitions|ImageState|nullable", True)),
    (all_is_described, connector(), change("definitions|ImageState|properties|name|x-ms-summary", "the name")),
    (what_is_hidden_has_a_default, connector(), change("paths|/ocr/{id}|get|parameters|0|x-ms-visibility", "internal")),
    (paths_say_how_they_are_encoded, connector(), change("paths|/ocr/{id}|get|parameters|0|x-ms-url-encoding", None)),
    (the_key_is_in_the_query, connector(), change("securityDefinitions|functionKeyInQuery|in", "header")),
    (the_key_is_in_the_query, connector(), change("paths|/unfinished|get|parameters|0|name", "code")),
    (triggers_are_complete, connector(), change("paths|/images|get|x-ms-trigger", "single")),
    (triggers_are_complete, connector(), change("paths|/ocr|post|x-ms-trigger", "single")),
    (triggers_are_complete, connector(), change("paths|/images|get|responses|202|headers", {})),
    (no_status_is_taken_for_a_failure, connector(), change("paths|/thumbnail|get|responses|304", {"description": "d"})),
    (the_connector_has_a_name, connector(), change("info|title", "Blobsight API")),
    (all_is_ascii, connector(), change("info|title", "Blobsight\u2122")),
]


@pytest.mark.parametrize(("rule", "found", "breaking"), BREAKS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_document_that_breaks_a_rule_is_found(
    rule: Callable[[Json], Faults], found: Json, breaking: Callable[[Json], None]
) -> None:
    broken = copy.deepcopy(found)
    breaking(broken)
    assert list(rule(broken)) != []


def test_every_rule_is_shown_to_find_something() -> None:
    assert {*OF_THE_CONTRACT, *OF_THE_CONNECTOR} == {rule for rule, _, _ in BREAKS}
