"""The checker of exchanges, on a small document: each breach is found, and what is right has none."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from doubles.conformance import Contract
from doubles.contract_coverage import documented, shown
from doubles.exchanges import Exchange, of_wire

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
CORRELATION = {"X-Correlation-Id": {"required": True, "schema": {"type": "string", "minLength": 1}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "https://{host}/api", "variables": {"host": {"default": "h.example"}}}],
    "paths": {
        "/things": {
            "get": {
                "operationId": "ListThings",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 9}},
                    {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
                    {"name": "kind", "in": "query", "required": True, "schema": {"$ref": "#/components/schemas/Kind"}},
                ],
                "responses": {
                    "200": {
                        "description": "d",
                        "headers": {**CORRELATION, "Retry-After": {"schema": {"type": "integer"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Things"}}},
                    },
                    "304": {"description": "d", "headers": CORRELATION},
                    "400": {"description": "d", "headers": CORRELATION, "content": PROBLEM},
                },
            },
        },
        "/things/{name}": {
            "post": {
                "operationId": "MakeThing",
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                    },
                },
                "responses": {"200": {"description": "d", "content": {"image/*": {"schema": {"type": "string"}}}}},
            },
        },
    },
    "components": {
        "schemas": {
            "Kind": {"type": "string", "enum": ["big", "small"]},
            "Thing": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "size"],
                "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer", "nullable": True},
                    "kind": {"type": "string", "enum": ["big", "small"]},
                },
            },
            "Things": {
                "type": "object",
                "additionalProperties": False,
                "required": ["things"],
                "properties": {"things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
            },
            "Problem": {
                "type": "object",
                "additionalProperties": False,
                "required": ["code"],
                "properties": {"code": {"type": "string", "enum": ["bad"]}},
            },
        }
    },
}
CONTRACT = Contract(DOCUMENT)
TOLD = {"X-Correlation-Id": "1", "Content-Type": "application/json; charset=utf-8", "Date": "today"}
TOLD_AS_JSON = {"content-type": "application/json"}
THING = {"name": "a", "size": 1, "kind": "big"}


def listed(body: Any, *, query: str = "kind=big", status: int = 200, headers: dict[str, str] | None = None) -> Exchange:
    return of_wire(
        "GET",
        f"/api/things?{query}",
        status,
        sent={},
        sent_body=b"",
        headers=TOLD if headers is None else headers,
        body=json.dumps(body).encode(),
    )


def made(sent: bytes, kind: str = "application/json", **changes: Any) -> Exchange:
    headers = {"Content-Type": "image/jpeg"}
    answer = of_wire(
        "POST", "/api/things/a%2Fb", 200, sent={"Content-Type": kind}, sent_body=sent, headers=headers, body=b"\xff\xd8"
    )
    return replace(answer, **changes)


RIGHT = {
    "a list": listed({"things": [THING]}),
    "null where it may be": listed({"things": [{"name": "a", "size": None}]}),
    "a parameter": listed({"things": []}, query="kind=small&limit=9"),
    "the key of the platform": listed({"things": []}, query="kind=small&CODE=k"),
    "a header that may come": listed({"things": []}, headers={**TOLD, "Retry-After": "5"}),
    "no body where none is due": replace(
        listed(None, status=304, headers={"x-correlation-id": "1"}), body=b"", sent={"if-none-match": "*"}
    ),
    "a refusal of what is wrong": listed(
        {"code": "bad"},
        query="other=1",
        status=400,
        headers={"X-Correlation-Id": "1", "content-type": "application/problem+json"},
    ),
    "a picture for JSON": made(b'{"name": "a", "size": 1}'),
    "a picture for bytes": made(b"\xff\xd8", "image/jpeg"),
    "bytes of no declared type": made(b"\xff\xd8", "application/octet-stream"),
    "bytes that are declared as JSON": made(b"\xff\xd8"),
    "the object of Logic Apps": made(b'{"$content": "/9j/", "$content-type": "image/jpeg"}'),
    "a refused method": of_wire("PUT", "/api/things", 404, sent={}, sent_body=b"", headers={}, body=b""),
}
WRONG = {
    "status 500 is not documented": listed({}, status=500),
    "header x-correlation-id is missing": listed({"things": []}, headers={"content-type": "application/json"}),
    "header x-lie is not documented": listed({"things": []}, headers={**TOLD, "X-Lie": "1"}),
    "header retry-after /: 'soon' is not": listed({"things": []}, headers={**TOLD, "Retry-After": "soon"}),
    "content type text/html is not": listed({"things": []}, headers={**TOLD, "Content-Type": "text/html"}),
    "the body is missing": replace(listed(None, headers={"X-Correlation-Id": "1"}), body=b""),
    "content type application/json is not": replace(listed({"code": "bad"}, status=304), sent={"if-none-match": "*"}),
    "body is no JSON": replace(listed(None), body=b"{"),
    "'things' is a required property": listed({}),
    "('more' was unexpected)": listed({"things": [], "more": 1}),
    "/things/0/size: '1' is not of type": listed({"things": [{"name": "a", "size": "1"}]}),
    "/things/0/kind: 'odd' is not one of": listed({"things": [{**THING, "kind": "odd"}]}),
    "/things/0/name: None": listed({"things": [{**THING, "name": None}]}),
    "parameter more is not documented": listed({"things": []}, query="kind=big&more=1"),
    "parameter kind /: 'odd' is not one of": listed({"things": []}, query="kind=odd"),
    "parameter limit /: 10 is greater": listed({"things": []}, query="kind=big&limit=10"),
    "parameter limit /: 'ten' is not": listed({"things": []}, query="kind=big&limit=ten"),
    "parameter kind is required": listed({"things": []}, query=""),
    "request /: 'size' is a required": made(b'{"name": "a"}'),
    "a request body is required": made(b""),
    "no such operation, and it is served": of_wire(
        "PUT", "/api/things", 200, sent={}, sent_body=b"", headers={}, body=b""
    ),
    "no such operation, and the answer is text/html": of_wire(
        "GET", "/api/nothing", 404, sent={}, sent_body=b"", headers={"Content-Type": "text/html"}, body=b"x"
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_has_no_breach(what: str) -> None:
    assert CONTRACT.breaches(RIGHT[what]) == []


@pytest.mark.parametrize("what", WRONG)
def test_a_breach_is_found_and_named(what: str) -> None:
    breaches = CONTRACT.breaches(WRONG[what])
    # Of null both the type and `nullable` say something.
    assert len(breaches) == (2 if what.endswith("None") else 1)
    assert all(what in breach for breach in breaches)


def test_an_address_with_fewer_values_wins_and_the_last_value_takes_slashes() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/things/{name}"]["get"] = {"operationId": "GetThing", "responses": {}}
    contract = Contract(document)
    found = [contract.operation_of(Exchange("GET", path, 200)) for path in ("/api/things", "/api/things/a/b")]
    assert [each and each.id for each in found] == ["ListThings", "GetThing"]


def test_coverage_names_what_no_exchange_shows() -> None:
    assert documented(CONTRACT) - shown(CONTRACT, RIGHT.values()) == {("enum", "Thing", "kind", "small")}


def test_coverage_sees_every_kind_of_fact() -> None:
    left_out = shown(CONTRACT, [RIGHT["a list"]])
    missing = documented(CONTRACT) - left_out
    assert ("status", "ListThings", "304") in missing
    assert ("header", "ListThings", "200", "Retry-After") in missing
    assert ("no header", "ListThings", "200", "Retry-After") not in missing
    assert ("type", "MakeThing", "200", "image/*") in missing
    assert ("parameter", "ListThings", "limit") in missing
    assert ("value", "ListThings", "kind", "small") in missing
    assert ("no member", "Thing", "kind") in missing
    assert ("null", "Thing", "size") in missing
    assert ("enum", "Thing", "kind", "small") in missing
    assert ("member", "Problem", "code") in missing
    assert ("member", "Thing", "kind") not in missing


def test_a_wrong_record_of_a_batch_fails_alone() -> None:
    """It is served, as its own error says; one that is answered with data has to be right."""
    document = copy.deepcopy(DOCUMENT)
    post = document["paths"]["/things/{name}"]["post"]
    post["requestBody"]["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}}
    post["responses"]["200"]["content"] = {"application/json": {"schema": {"type": "object"}}}
    record = {"type": "object", "required": ["recordId"]}
    batch = {"type": "object", "required": ["values"], "properties": {"values": {"type": "array", "items": record}}}
    document["components"]["schemas"]["Batch"] = batch

    def breaches(errors: Any) -> list[str]:
        body = json.dumps({"values": [{"errors": errors}]}).encode()
        return Contract(document).breaches(made(b'{"values": [{}]}', body=body, headers=TOLD_AS_JSON))

    assert breaches([{"message": "no id"}]) == []
    (breach,) = breaches(None)
    assert "'recordId' is a required property, and is served" in breach


def without(*steps: Any) -> Contract:
    """The contract without what lies at the end of these steps below its paths."""
    document = copy.deepcopy(DOCUMENT)
    place: Any = document["paths"]
    for step in steps[:-1]:
        place = place[step]
    del place[steps[-1]]
    return Contract(document)


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_a_type_that_was_sent_and_served_has_to_be_documented(kind: str) -> None:
    contract = without("/things/{name}", "post", "requestBody", "content", kind)
    sent = made(b'{"name": "a", "size": 1}' if kind.endswith("json") else b"\xff\xd8\x00", kind)
    [breach] = contract.breaches(sent)
    assert f"request of the type {kind} is not documented" in breach
    # These stand in http-api.md only.
    assert contract.breaches(made(b'{"$content": "/9j/"}', kind)) == []


def test_a_header_that_was_sent_and_heeded_has_to_be_documented() -> None:
    contract = without("/things", "get", "parameters", 1)
    [breach] = contract.breaches(RIGHT["no body where none is due"])
    assert "header if-none-match of the request is not documented" in breach
    [breach] = contract.breaches(replace(RIGHT["a list"], sent={"x-correlation-id": "1"}))
    assert "header x-correlation-id of the request is not documented" in breach
