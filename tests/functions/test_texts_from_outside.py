"""Texts, numbers and JSON that cannot be meant: each is a 400 that names them, and nothing is asked of anybody."""

import asyncio
import json
from typing import Any

import azure.functions as func
import pytest
from doubles.http_requests import Hub, answered, invocation, parsed, problem_of, request
from doubles.http_routes import IMAGE, RETRY, ROUTES, TAKERS, Route
from doubles.parts import Parts

import AnalyzeHttp
import DescribeHttp
import DomainsHttp
import HealthHttp
import ImagesHttp
import ThumbnailHttp
from shared import __version__

IMPOSSIBLE = ["\ud83d.jpg", "a\udc00", "a\x00b", "\x01", "a\x0bb", "\x1b[31m", "\x7f", "a\x85", "\ufffe", "a\uffffb"]
TOO_LONG = "x" * 9000
EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=str)
LISTS = [route for route in ROUTES if route.method == "GET" and route.folder in ("ImagesHttp", "UnfinishedHttp")]


@pytest.fixture(autouse=True)
def _nothing_is_asked(app: Parts, task_hub: Hub) -> Any:
    """Of a text that is refused nobody hears: not storage, not Computer Vision, not the task hub."""
    touched: list[str] = []
    app.images.before = app.host.before = lambda operation, container, name: touched.append(f"{operation} {container}")
    yield
    assert touched == []
    assert app.vision.asked == []
    assert task_hub.started == []


def refused(response: func.HttpResponse, code: str, *told: str) -> dict[str, Any]:
    document = problem_of(response, 400, code)
    response.get_body().decode("ascii")
    assert len(document["detail"]) < 700
    for each in told:
        assert each in document["detail"], document["detail"]
    return document


@EVERY_ROUTE
@pytest.mark.parametrize("text", [*IMPOSSIBLE, TOO_LONG], ids=ascii)
def test_a_value_in_the_query_is_refused_by_its_name(route: Route, text: str) -> None:
    for name in ("prefix", "code", "no-such-parameter"):
        refused(route.answer(query={name: text}), "bad_parameter", "query parameter", name)


@EVERY_ROUTE
@pytest.mark.parametrize("text", [*IMPOSSIBLE, TOO_LONG], ids=ascii)
def test_a_name_in_the_query_is_refused(route: Route, text: str) -> None:
    refused(route.answer(query={text: "1"}), "bad_parameter", "query parameter")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.path_names()], ids=str)
@pytest.mark.parametrize("text", [*IMPOSSIBLE, TOO_LONG], ids=ascii)
def test_a_value_in_the_path_is_refused_by_its_name(route: Route, text: str) -> None:
    for name in route.path_names():
        refused(route.answer(path={name: text}), "bad_parameter", f"{name} in the path")


@EVERY_ROUTE
@pytest.mark.parametrize("header", ["Content-Type", "Content-Encoding", "Transfer-Encoding", "If-None-Match"])
@pytest.mark.parametrize("text", ["application/json\udcff", "a\x00", "\x1b", "x" * 9000], ids=ascii)
def test_a_header_that_is_read_is_refused_by_its_name(route: Route, header: str, text: str) -> None:
    refused(route.answer(headers={header: text}), "bad_header", header)


@pytest.mark.parametrize("route", [*TAKERS, RETRY], ids=str)
@pytest.mark.parametrize("text", [*IMPOSSIBLE, TOO_LONG], ids=ascii)
def test_a_text_and_a_name_in_json_are_refused_by_their_member(route: Route, text: str) -> None:
    for body, told in [
        ({"name": text}, "name"),
        ({"blob": text}, "blob"),
        ({"url": f"https://example.com/{text}"}, "url"),
        ({text: "x"}, "member"),
        ({"deep": [{"deeper": [text]}]}, "'deep'"),
        ({"deep": [{text: 1}]}, "member"),
        ({"all": True, "continuation": text}, "continuation"),
    ]:
        refused(route.answer(body), "bad_json", told)


@pytest.mark.parametrize("route", LISTS, ids=str)
@pytest.mark.parametrize("text", IMPOSSIBLE, ids=ascii)
def test_what_storage_would_be_asked_for_is_looked_at_before(route: Route, text: str) -> None:
    """Azurite answers 500 to these, and each waited for its four attempts, beside which others waited too."""
    refused(route.answer(query={"continuation": text}), "bad_parameter", "continuation")
    refused(RETRY.answer({"all": True, "continuation": text}), "bad_json", "continuation")


def test_a_prefix_is_no_longer_than_a_name() -> None:
    refused(
        ImagesHttp.main(request("GET", params={"prefix": "x" * 1025}), invocation()),
        "bad_parameter",
        "prefix",
        "1025",
        "1024",
    )


UNREADABLE = {
    "nothing": b"",
    "cut": b'{"name": "a.jpg"',
    "trailing": b'{"name": "a.jpg"} {}',
    "deep list": b"[" * 60_000,
    "deep object": b'{"name":' * 8000,
    "not UTF-8": b'{"name": "\xff.jpg"}',
    "an encoded half": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "a.jpg"}'.encode("utf-16-le"),
    "twice": b'{"name": "a.jpg", "name": "b.jpg"}',
    "twice inside": b'{"name": {"a": 1, "a": 2}}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": [-Infinity]}',
    "a number too large": b'{"name": 1e999}',
    "a number too long": b'{"name": ' + b"9" * 5000 + b"}",
    "null": b"null",
    "a list": b'["a.jpg"]',
    "a number": b"7",
    "no member": b"{}",
    "null inside": b'{"name": null}',
    "true inside": b'{"name": true}',
    "an object inside": b'{"name": {"blob": "a.jpg"}}',
    "nested but readable": b'{"name": ' + b"[" * 300 + b"]" * 300 + b"}",
    "large": b'{"name": "' + b"a" * 70_000 + b'"}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("route", TAKERS, ids=str)
def test_json_that_cannot_be_meant_is_refused(route: Route, body: bytes) -> None:
    answer = route.answer(body or b" ", headers={"Content-Type": "application/json"})
    document = refused(answer, "bad_json", '{"name": "an image')
    if b"null}" in body or b"NaN" in body or b"9" in body:
        assert "'name'" in document["detail"]


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_it_is_so_for_what_is_to_be_tried_again(body: bytes) -> None:
    answer = RETRY.answer(body, headers={"Content-Type": "application/json"})
    refused(answer, "bad_json", '{"all": true}')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"code": None}, "'code' is null"),
        ({"code": ""}, "'code' is empty"),
        ({"code": "Not A Code"}, "'code' is 'Not A Code'"),
        ({"code": 7}, "'code' is a number"),
        ({"code": ["vision_refused"]}, "'code' is a list"),
        ({"name": None}, "'name' is null"),
        ({"name": {}}, "'name' is an object"),
        ({"all": None}, "'all' is null"),
        ({"all": 1}, "'all' is a number"),
        ({"all": "true"}, "'all' is a text"),
        ({"all": True, "step": None}, "'step' is null"),
        ({"all": True, "step": ""}, "'step' is empty"),
        ({"all": True, "continuation": None}, "'continuation' is null"),
        ({"all": True, "continuation": ""}, "'continuation' is empty"),
        ({"code": "vision_refused", "continuation": ""}, "'continuation' is empty"),
    ],
    ids=json.dumps,
)
def test_a_member_that_is_named_is_what_it_says(body: dict[str, Any], told: str) -> None:
    """`{"code": null}` meant everything, and was paid for."""
    refused(RETRY.answer(body), "bad_json", told)


def test_a_name_that_is_empty_is_no_name() -> None:
    refused(RETRY.answer({"name": ""}), "bad_blob_name")


DIGITS = [
    "\u0663\u0662\u0660",
    "\U0001d7db\U0001d7da",
    "\u0969",
    "\uff13\uff12\uff10",
    "\u00b2",
    "\u2460",
    "1_0",
    "+1",
    " 1",
    "1.0",
    "0x1",
    "9" * 10,
    "9" * 5000,
    "-1",
]


@pytest.mark.parametrize("number", DIGITS, ids=ascii)
def test_a_number_has_the_digits_0_to_9(number: str) -> None:
    for main, name, more in [
        (ThumbnailHttp.main, "width", {"height": "50"}),
        (ThumbnailHttp.main, "height", {"width": "50"}),
        (DescribeHttp.main, "maxCandidates", {}),
    ]:
        refused(answered(main, request(body=IMAGE, params={**more, name: number})), "bad_parameter", name)
    for route in LISTS:
        refused(route.answer(query={"limit": number}), "bad_parameter", "limit")


VERSIONS = [
    "\u0662\u0660\u0662\u0661-\u0660\u0665-\u0660\u0661",
    "2021-05-0\uff11",
    "9999-99-99",
    "2021-02-29",
    "0000-01-01",
    "2021-13-01",
    "2021-05-01\u00a0",
    "Latest",
]


@pytest.mark.parametrize("route", [route for route in TAKERS if route.folder != "ThumbnailHttp"], ids=str)
@pytest.mark.parametrize("version", VERSIONS, ids=ascii)
def test_a_model_version_is_a_date_of_the_calendar(route: Route, version: str) -> None:
    refused(route.answer(query={"model-version": version}), "bad_parameter", "model-version", "2021-05-01")


PAGES = [
    "\u0663",
    "1-\uff13",
    "0",
    "00",
    "0-5",
    "-0",
    "5-1",
    "99999999999999999999",
    "100000",
    "1,0",
    "2-1-3",
    "-",
    ",",
    "1,",
    "a",
]


@pytest.mark.parametrize("pages", PAGES, ids=ascii)
def test_pages_can_be(pages: str) -> None:
    route = next(each for each in TAKERS if each.folder == "OcrHttp")
    refused(route.answer(query={"pages": pages}), "bad_parameter", "pages", "1,3-5,8-,-2")


@pytest.mark.parametrize(
    "model", ["x", "brands", "Categories", "landmar\u212as", "l\u0430ndmarks", "landmarks/", "a" * 41]
)
def test_a_model_is_one_of_those_there_are(model: str) -> None:
    answer = answered(DomainsHttp.main, request(body=IMAGE, route={"model": model}))
    refused(answer, "bad_parameter", "celebrities and landmarks")


@EVERY_ROUTE
def test_a_parameter_that_is_empty_is_refused_though_the_platform_leaves_it_out(route: Route) -> None:
    # An empty box asks the search for all images.
    known = [name for name in known_to(route) if name != "q"]
    for name in known:
        address = f"http://127.0.0.1/api?{name}=&no-matter=1"
        document = refused(route.answer(address=address), "bad_parameter", f"{name} is empty")
        assert "leave it out" in document["action"]
        refused(route.answer(query={name: ""}), "bad_parameter", f"{name} is empty")


@pytest.mark.parametrize("name", ["width", "height", "smartCropping", "name"])
def test_a_parameter_that_is_there_twice_is_refused_though_the_platform_joins_them(name: str) -> None:
    query = {"width": "100", "height": "50", name: "100,100"}
    address = f"http://127.0.0.1/api?{name}=100&{name.upper()}=100"
    refused(answered(ThumbnailHttp.main, request("GET", params=query, address=address)), "bad_parameter", name)


def test_a_list_has_a_word_between_its_commas() -> None:
    refused(
        answered(AnalyzeHttp.main, request(body=IMAGE, params={"visualFeatures": ", ,"})),
        "bad_parameter",
        "visualFeatures",
    )


def known_to(route: Route) -> list[str]:
    """The parameters that the route itself says it knows."""
    document = problem_of(route.answer(query={"no-such-parameter": "1"}), 400, "bad_parameter")
    known = document["detail"].partition("known are ")[2].rstrip(".").split(", ")
    return [] if known == ["none"] else known


UNFETCHABLE = {
    "https://example.com/a b.jpg": "percent-encode",
    "https://exa\u00a0mple.com/": "percent-encode",
    "https://example.com/\u202ea.jpg": "percent-encode",
    "https://example.com:99999/": "65535",
    "https://example.com:abc/": "65535",
    "https://example.com:\u0663/": "65535",
    "https://example.com:-1/": "65535",
    "https://example.com:0/": "port 0",
    "https://[::1/": "none",
    "https://[::g]/": "none",
    "https://[fe80::1%25eth0]/": "IPv6",
    "https://a..b/": "none",
    "https://.example.com/": "none",
    "https://\uff11\uff12\uff17.0.0.1/": "none",
    "https://\u0661\u0662\u0667.0.0.1/": "none",
    "https://\uff45xample.com/": "none",
    "https://exam%70le.com/": "none",
    "https://a_b!.com/": "none",
    "https://999.0.0.1/": "IPv4",
    "https://1.2.3.4.5/": "IPv4",
    f"https://{'a' * 64}.com/": "63",
    f"https://{'a.' * 130}com/": "none",
    "https://a@b@example.com/": "%40",
    "https://:80/": "no host",
    "https:///a.jpg": "no host",
    "example.com/a.jpg": "http(s)",
    "//example.com/a.jpg": "http(s)",
    "ftp://example.com/a.jpg": "http(s)",
    "blob:https://example.com/1": "http(s)",
}


@pytest.mark.parametrize("url", UNFETCHABLE, ids=ascii)
@pytest.mark.parametrize("route", TAKERS, ids=str)
def test_an_address_that_can_never_be_fetched_is_refused_with_its_reason(route: Route, url: str) -> None:
    document = problem_of(route.answer({"url": url}), 400, "bad_url")
    assert UNFETCHABLE[url] in document["detail"]


KEYS = [
    "\udcff\udcfe",
    "open-sesame\udc80",
    "\ud83d\ude00",
    "\u00ff\u00fe",
    "\ud800",
    "\u65e5\u672c",
    "\x00",
    "x" * 100_000,
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ascii(key[:20]))
def test_a_key_that_is_no_text_is_a_wrong_key(app: Parts, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HEALTH_KEY", "open-sesame")
    app.images.before = app.host.before = None
    answer = asyncio.run(HealthHttp.main(request("GET", headers={"x-functions-key": key}), invocation()))
    assert (answer.status_code, parsed(answer)) == (200, {"status": "up", "version": __version__})


@EVERY_ROUTE
def test_a_host_that_is_none_is_refused(route: Route) -> None:
    for host in ("[::1", "\ud800", "[", "a b", "user@example.com", "x" * 5000, "\x00", "ex\xe4mple.com", "a:b", "a\\b"):
        refused(route.answer(address=f"http://{host}/api?x=1"), "bad_header", "Host")


def test_a_correlation_identifier_of_any_form_leaves_the_answer_readable() -> None:
    for odd in ("\ud800", "\udcff", "a\x00", "\u00e9" * 200):
        headers = {"X-Correlation-Id": odd}
        document = problem_of(RETRY.answer({"\ud800": 1}, headers=headers), 400, "bad_json")
        assert document["correlationId"].isascii()
