"""
What holds for any text in any place of any HTTP route; test_texts_from_outside.py has the examples.

The routes are those of the function.json files. Their parameters stand in a table here, which each route's own refusal
of unknown ones is compared with.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import azure.functions as func
import pytest
from doubles.fuzz import fuzzed
from doubles.http_requests import Hub, parsed, problem_of
from doubles.http_routes import IMAGE, ROUTES, Route
from doubles.parts import Parts
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.records import corrections
from shared.records.corrections import Correction

ANALYZE = ["visualFeatures", "details", "language", "descriptionExclude", "model-version"]
THUMBNAIL = ["name", "width", "height", "smartCropping", "mode", "format"]
PARAMETERS: dict[tuple[str, str], list[str]] = {
    ("AnalyzeHttp", "POST"): ANALYZE,
    ("CorrectionsHttp", "DELETE"): ["name"],
    ("CorrectionsHttp", "GET"): ["name"],
    ("CorrectionsHttp", "PUT"): ["name"],
    ("DescribeHttp", "POST"): ["maxCandidates", "language", "descriptionExclude", "model-version"],
    ("DomainsHttp", "GET"): ["language", "model-version"],
    ("DomainsHttp", "POST"): ["language", "model-version"],
    ("HealthHttp", "GET"): [],
    ("ImagesHttp", "GET"): [
        *("name", "limit", "prefix", "continuation", "state", "since", "wait", "explain", "summary"),
    ],
    ("ImagesHttp", "DELETE"): ["name"],
    ("ImagesHttp", "PUT"): ["name"],
    ("OcrHttp", "DELETE"): [],
    ("OperationsHttp", "GET"): [],
    ("OcrHttp", "GET"): ["format"],
    ("OcrHttp", "POST"): ["language", "pages", "readingOrder", "model-version", "format"],
    ("OpenApiHttp", "GET"): [],
    ("SearchHttp", "GET"): ["q", "sort", "limit", "continuation"],
    ("SearchHttp", "POST"): [],
    ("SkillsHttp", "POST"): ["maxCandidates", "language", "descriptionExclude", "model-version", "timeoutSeconds"],
    ("ThumbnailHttp", "GET"): THUMBNAIL,
    ("ThumbnailHttp", "HEAD"): THUMBNAIL,
    ("ThumbnailHttp", "POST"): [each for each in THUMBNAIL if each != "name"],
    ("UnfinishedHttp", "GET"): ["step", "state", "code", "limit", "continuation"],
    ("UnfinishedHttp", "POST"): [],
}
SAID = corrections.document(Correction("A zebra"), {"name": "a.jpg", "etag": "0x1", "bytes": 1}, "2026-01-01T00:00:00Z")
KNOWN = {name for known in PARAMETERS.values() for name in known}
NUMBERS = {"width", "height", "maxCandidates", "limit"}
# What is no text can be no JSON, no address, no base64, or base64 with line breaks of nothing or of no image.
REFUSALS_OF_TEXTS = ("bad_json", "bad_url", "url_not_allowed", "body_not_an_image", "image_missing", "not_an_image")
MEMBERS = ["url", "blob", "name", "code", "all", "step", "continuation", "$content", "values", "caption", "tags"]
# A key and a correlation identifier of any other form are none.
CHECKED_HEADERS = ["Content-Type", "Content-Encoding", "Transfer-Encoding", "If-Match", "If-None-Match", "Prefer"]
HEADERS = [*CHECKED_HEADERS, "X-Correlation-Id", "x-functions-key", "Host", "X-Other"]

PIECES = [
    "a.jpg",
    "2026/",
    "..",
    "\\",
    "%00",
    "://",
    "https://",
    "example.com",
    "[::1",
    ":99999",
    "@",
    "?",
    "#",
    "&",
    "=",
]
PIECES += [
    "1",
    "-",
    ",",
    "9" * 400,
    "\u0663",
    "\uff13",
    "\u00b2",
    "Tags",
    "en",
    "latest",
    "2021-05-01",
    "true",
    " ",
    "\t",
]
PIECES += [
    "\n",
    "\0",
    "\x1b",
    "\x85",
    "\ud83d",
    "\ude00",
    "\uffff",
    "\ufffe",
    "\u202e",
    "\u212a",
    "{",
    "[",
    '"',
    "'",
    "x" * 1025,
]
PIECES += [
    "application/json",
    "text/json",
    "multipart/form-data",
    "gzip",
    "data:image/png;base64,",
    "landmarks",
    "retry",
    "now",
    "2025-12-31T20:00:00+01:00",
    "at-WzEsMiwwLG51bGxd",
]
EVERY = st.characters(exclude_categories=())
CLEAN = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
# Mapped, so that it counts as one where it is one of several.
TEXTS = st.one_of(
    CLEAN,
    CLEAN,
    st.sampled_from(PIECES),
    st.text(EVERY, max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.text(st.characters(categories=["Nd", "No"]), min_size=1, max_size=12),
    st.text(st.characters(categories=["Cs", "Cc", "Cn", "Co", "Cf"]), min_size=1, max_size=3),
    st.builds(lambda text, times: text * times, st.text(EVERY, min_size=1, max_size=3), st.integers(1, 9000)),
).map(str)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS) | TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMED = st.dictionaries(st.sampled_from(MEMBERS) | TEXTS, VALUES, max_size=3) | st.builds(
    lambda name, text: {name: text}, st.sampled_from(MEMBERS), TEXTS
)
BODIES = st.one_of(
    NAMED.map(lambda members: json.dumps(members).encode()),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
    st.builds(lambda start, times: start * times, st.sampled_from([b"[", b'{"url":', b'{"a":[']), st.integers(1, 9000)),
    st.builds(lambda text: b'{"blob": ' + text + b"}", st.sampled_from([b"NaN", b"-Infinity", b"1e999", b"9" * 5000])),
    TEXTS.map(lambda text: text.encode(errors="surrogatepass")),
    st.binary(max_size=60),
    st.builds(
        lambda start, more: start + more,
        st.sampled_from([b"\xff\xd8\xff", b"%PDF-", b"\x1f\x8b", b"--x\r\n"]),
        st.binary(max_size=60),
    ),
)
JSON_TYPES = st.sampled_from([names.JSON, "text/json", "application/problem+json"])
TYPES = st.sampled_from(
    ["", names.BYTES, "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)


class Sent(NamedTuple):
    """The parts of a request that are not those of a good one."""

    query: dict[str, str]
    path: dict[str, str]
    headers: dict[str, str]
    body: bytes | None
    address: str


def address_of(host: str, query: Mapping[str, str]) -> str:
    """The address with the query as it is sent."""
    return f"http://{host}/api?{urlencode({ascii(key): ascii(value) for key, value in query.items()})}"


def listed(route: Route) -> list[str]:
    """The parameters of a route by the table, which another test compares with the routes."""
    return PARAMETERS.get((route.folder, route.method), [])


def sent_to(route: Route) -> st.SearchStrategy[Sent]:
    """Good requests of which some places have any text."""
    known = st.sampled_from([*listed(route), "code", "CODE"])
    query: st.SearchStrategy[dict[str, str]] = st.dictionaries(known | known | TEXTS, TEXTS, max_size=2)
    path = st.fixed_dictionaries({}, optional=dict.fromkeys(route.path_names(), TEXTS))
    headers: st.SearchStrategy[dict[str, str]] = st.dictionaries(st.sampled_from(HEADERS), TEXTS, max_size=1)
    if route.method == "POST":
        typed = st.builds(lambda kind, more: {"Content-Type": kind, **more}, JSON_TYPES | TYPES, headers)
        whats: st.SearchStrategy[tuple[dict[str, str], bytes | None]] = st.tuples(typed, BODIES) | st.tuples(
            headers, st.none()
        )
    else:
        whats = st.tuples(headers, st.none())
    hosts = st.sampled_from(["127.0.0.1", "[::1]:7071"]) | st.just("app.example:443") | TEXTS
    return st.builds(
        lambda query, path, what, host: Sent(query, path, *what, address_of(host, query)), query, path, whats, hosts
    )


SENT = {route: sent_to(route) for route in ROUTES}


def is_no_text(text: str) -> bool:
    """Said here in other words than the app's."""
    kinds = {unicodedata.category(each) for each in text}
    return bool(kinds & {"Cc", "Cs"}) or "\ufffe" in text or "\uffff" in text or len(text) > 8192


def cannot_be_meant(sent: Sent) -> bool:
    """Whether something beside the body has no right value, whatever the rest is."""
    headers = [value.replace("\t", " ") for key, value in sent.headers.items() if key in CHECKED_HEADERS]
    numbers = [value for key, value in sent.query.items() if key in NUMBERS]
    return (
        any(map(is_no_text, [*sent.query, *sent.query.values(), *sent.path.values(), *headers]))
        or any(not (value.isascii() and value.isdigit()) for value in numbers)
        or any(key.lower() != "code" and key not in KNOWN for key in sent.query)
    )


@pytest.fixture
def touched(app: Parts, task_hub: Hub) -> list[str]:
    """What was asked of storage, of Computer Vision and of the task hub by the request under way."""
    app.images.write(names.IMAGES, "a.jpg", IMAGE, content_type=names.JPEG)
    seen: list[str] = []
    app.images.before = app.host.before = lambda operation, container, name: seen.append(f"{operation} {container}")
    app.vision.at_call = lambda question, image: seen.append("vision")
    return seen


def check(route: Route, answer: func.HttpResponse) -> dict[str, Any]:
    """What holds for every answer: it is no mistake of the app, and it can be sent and read."""
    assert answer.status_code < 500, answer.get_body()
    for key, value in answer.headers.items():
        assert f"{key}: {value}".isascii()
        assert f"{key}: {value}".isprintable()
    if answer.status_code < 400:
        return {}
    document = problem_of(answer, answer.status_code, parsed(answer)["code"])
    assert json.loads(answer.get_body().decode("utf-8")) == document
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    assert len(answer.get_body()) < 20_000
    return document


@pytest.mark.parametrize("route", ROUTES, ids=str)
@fuzzed
@given(data=st.data())
def test_any_text_anywhere_is_answered(
    app: Parts, task_hub: Hub, touched: list[str], route: Route, data: st.DataObject
) -> None:
    sent = data.draw(SENT[route])
    touched.clear()
    asked, started = len(app.vision.asked), len(task_hub.started)
    answer = route.answer(sent.body, query=sent.query, path=sent.path, headers=sent.headers, address=sent.address)
    check(route, answer)
    if cannot_be_meant(sent):
        assert answer.status_code in (400, 404)
        assert touched == []
    if answer.status_code >= 400:
        assert not [each for each in touched if each.startswith(("write", "vision"))]
        assert (len(app.vision.asked), len(task_hub.started)) == (asked, started)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.takes_body], ids=str)
@fuzzed
@given(members=NAMED, declared=JSON_TYPES)
def test_json_with_a_text_that_is_none_is_refused_by_name(
    app: Parts, task_hub: Hub, touched: list[str], route: Route, members: dict[str, Any], declared: str
) -> None:
    touched.clear()
    answer = route.answer(json.dumps(members).encode(), headers={"Content-Type": declared})
    document = check(route, answer)
    # A record that cannot be meant has its own error, and the batch is answered.
    judged = {name: each for name, each in members.items() if (route.folder, name) != ("SkillsHttp", "values")}
    # Base64 has line breaks where a program wraps it.
    if route.takes_image and isinstance(judged.get("$content"), str):
        judged["$content"] = "".join(judged["$content"].split())
    if any(map(is_no_text, texts_in(judged))):
        assert (answer.status_code, document["code"] in REFUSALS_OF_TEXTS) == (400, True)
        assert touched == []


def texts_in(value: Any) -> Iterator[str]:
    """Every text, and every member's name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for each in [*value, *value.values()] for text in texts_in(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts_in(each))


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_each_route_knows_the_parameters_of_the_table_and_no_others(app: Parts, task_hub: Hub, route: Route) -> None:
    document = problem_of(route.answer(query={"no-such-parameter": "1"}), 400, "bad_parameter")
    assert document["detail"].endswith(f"known are {', '.join(listed(route)) or 'none'}.")


def test_the_table_has_every_route() -> None:
    routes = {(route.folder, route.method) for route in ROUTES}
    assert not routes - set(PARAMETERS), f"add to PARAMETERS above: {routes - set(PARAMETERS)}"
    assert not set(PARAMETERS) - routes, f"take out of PARAMETERS above: {set(PARAMETERS) - routes}"


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_good_request_passes(app: Parts, task_hub: Hub, route: Route) -> None:
    """Otherwise nothing would be learnt from those that are refused."""
    app.images.write(names.IMAGES, "a.jpg", IMAGE, content_type=names.JPEG)
    app.images.write(names.CORRECTIONS, "a.jpg.json", SAID, content_type=names.JSON)
    task_hub.set(route.path_values.get("id", ""), "Running", name=route.orchestrator)
    assert route.answer().status_code in (200, 202), route.answer().get_body()
