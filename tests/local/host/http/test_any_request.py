"""Whatever bytes a caller sends, the host runs the function or says what is wrong: it never fails itself."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, urlsplit

import pytest
from doubles.fuzz import fuzzed
from doubles.host_in_process import PROJECT_ROOT, InProcessHost, host_in_process
from hypothesis import given
from hypothesis import strategies as st

BLOBS = "/runtime/webhooks/blobs"
DURABLE = "/runtime/webhooks/durabletask"
TRIGGERS = [
    binding
    for path in sorted(PROJECT_ROOT.glob("*/function.json"))
    for binding in json.loads(path.read_text())["bindings"]
    if binding["type"] == "httpTrigger"
]
FUNCTION_ROUTES = [
    (method.upper(), "/api/" + re.sub(r"\{[^}]*\}", "{}", binding["route"]))
    for binding in TRIGGERS
    for method in binding["methods"]
]
NAME_ROUTES = ["/api/" + binding["route"].partition("/{")[0] for binding in TRIGGERS if "{*name}" in binding["route"]]
OWN_ROUTES = [
    ("GET", "/{}"),
    *(("GET", f"/admin/{rest}") for rest in ("{}", "host/status", "functions", "functions/{}", "functions/{}/status")),
    *(("POST", f"/admin/functions/{name}") for name in ("AnalyzeOnUpload", "RescueUpload", "PurgeHistory", "{}")),
    ("POST", "/runtime/webhooks/{}"),
    *((method, f"{BLOBS}?functionName=Host.Functions.AnalyzeOnUpload") for method in ("POST", "OPTIONS")),
    ("POST", f"{BLOBS}?functionName={{}}"),
    *(("POST", f"{DURABLE}/orchestrators/{rest}") for rest in ("OcrOrchestrator", "OcrOrchestrator/{}", "{}")),
    ("POST", f"{DURABLE}/orchestrators/OcrOrchestrator?version={{}}&pollingInterval={{}}"),
    *(("GET", f"{DURABLE}/instances?{name}={{}}") for name in ("top", "createdTimeFrom", "runtimeStatus", "{}")),
    *((method, f"{DURABLE}/instances/{{}}") for method in ("GET", "DELETE")),
    ("POST", f"{DURABLE}/instances/{{}}/terminate?reason={{}}"),
    ("DELETE", f"{DURABLE}/instances?createdTimeFrom={{}}"),
]

# The page judges by itself who may see its data.
OPEN = re.compile(r"/api/(health|openapi\.json|gallery(/.*)?)(\?.*)?", re.IGNORECASE | re.DOTALL)
# Deeper than any Python reads: 3.13 takes several times what 3.11 does.
DEEP_ARRAYS = b"[" * 50_000
DEEP_OBJECTS = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
ODD = [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\x00", b"%", b"//", b"..", b"[::1", b"9" * 5000, b"\xd9\xa3", b"0"]
ANY_BYTES = st.binary(max_size=30) | st.text(max_size=20).map(str.encode) | st.sampled_from(ODD)
ANY_BYTES |= st.sampled_from([b"0001-01-01T00:00:00+14:00", DEEP_ARRAYS[:1500]])
# No proxy hands on what ends a header.
HEADER_VALUES = ANY_BYTES.map(lambda value: bytes(byte for byte in value if byte >= 32 and byte != 127))
HEADER_NAMES = [b"x-functions-key", b"Host", b"Content-Type", b"X-Any", b"Cookie", b"If-None-Match"]
HEADER_NAMES += [b"WebHook-Request-Origin", b"WebHook-Request-Rate", b"x-ms-continuation-token"]
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=4).map(lambda each: list(each.items()))
EVENT_KINDS = st.sampled_from([b"Notification", b"SubscriptionValidation"]) | HEADER_VALUES

TEXTS = st.text(st.characters(), max_size=20)
URLS = (
    st.sampled_from(["http://[::1", "//[", "http://a.b/c/\ud800", "http://\ud800/c/d", "http://a.b/c/%00%FF"]) | TEXTS
)
EVENTS = st.builds(lambda url, tag: {"data": {"url": url, "validationCode": tag, "eTag": tag}}, URLS, TEXTS)
JSON = st.recursive(
    st.none() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.builds(lambda text: {"input": text}, TEXTS | URLS | TEXTS.map("images/{}".format))
ODD_JSON = [
    DEEP_ARRAYS,
    DEEP_OBJECTS,
    b'{"input": "\\udc00"}',
    b'"\xed\xa0\x80"',
    b"9" * 5000,
    b"\xff\xfe[\x00",
    b"1e999",
]
BODIES = st.none() | ANY_BYTES | st.sampled_from(ODD_JSON)
BODIES |= (JSON | EVENTS | st.lists(EVENTS, max_size=3) | INPUTS).map(lambda content: json.dumps(content).encode())


def running(state: Path, *, enable_auth: bool) -> Iterator[InProcessHost]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ImagesStorage", "AzureWebJobsStorage"):
            patch.setenv(name, "UseDevelopmentStorage=true")
        with host_in_process(state, enable_auth=enable_auth) as host:
            yield host


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessHost]:
    yield from running(tmp_path_factory.mktemp("open"), enable_auth=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessHost]:
    yield from running(tmp_path_factory.mktemp("guarded"), enable_auth=True)


def filled(template: str, values: list[bytes]) -> bytes:
    """Put *values* in the places of a template, percent-encoded."""
    return template.format(*(quote_from_bytes(value, safe=b"/") for value in values)).encode()


@fuzzed
@given(st.sampled_from(FUNCTION_ROUTES), st.lists(ANY_BYTES, min_size=4, max_size=4), HEADERS, BODIES)
def test_any_request_to_a_function_is_run_or_refused_with_a_reason(
    host: InProcessHost, route: tuple[str, str], values: list[bytes], headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    method, template = route
    target = filled(template + "?{}={}&name={}", [*values[: template.count("{}")], *values[1:]])

    status, answer = host.send(method, target, headers, body)

    assert status in (200, 400, 404, 414), answer
    assert status in (200, 404) or method == "HEAD" or answer.partition(b"\r\n\r\n")[2], "refused without a reason"


@fuzzed
@given(st.sampled_from(OWN_ROUTES), st.lists(ANY_BYTES, min_size=2, max_size=2), EVENT_KINDS, HEADERS, BODIES)
def test_any_request_to_the_host_itself_is_answered_or_refused(
    host: InProcessHost,
    route: tuple[str, str],
    values: list[bytes],
    kind: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    method, template = route

    status, answer = host.send(method, filled(template, values), [*headers, (b"aeg-event-type", kind)], body)

    # Of an id that is taken Azure's own extension says 500, with these words.
    assert status in (200, 202, 400, 404, 410, 414, 501) or b"already exists." in answer, answer


@fuzzed
@given(st.sampled_from(FUNCTION_ROUTES + OWN_ROUTES), st.lists(ANY_BYTES, min_size=3, max_size=3), HEADERS)
def test_no_bytes_are_a_key(
    guarded: InProcessHost, route: tuple[str, str], values: list[bytes], headers: list[tuple[bytes, bytes]]
) -> None:
    method, template = route
    target = filled(template, values) + (b"&" if "?" in template else b"?") + filled("CODE={}", values[2:])
    guarded.requests.clear()

    status, answer = guarded.send(method, target, headers, b"")

    # The home page is open, and so are the health check, the contract and the page; dots in a path may lead to each.
    is_open = b"This is a local" in answer or (bool(guarded.requests) and status == 200)
    assert status in (400, 401, 404, 414) or is_open, answer
    assert all(OPEN.fullmatch(urlsplit(request.url).path) for request in guarded.requests)


@pytest.mark.parametrize("body", [DEEP_ARRAYS, DEEP_OBJECTS, b"[" * 65 + b"]" * 65, b'{"a": "\\ud800"}', b"{", b"\xff"])
@pytest.mark.parametrize(("method", "template"), FUNCTION_ROUTES)
def test_a_body_that_gives_no_binding_data_reaches_its_function(
    host: InProcessHost, method: str, template: str, body: bytes
) -> None:
    assert host.send(method, filled(template, [b"x"]), [], body)[0] == 200
    assert host.requests[-1].get_body() == body


@pytest.mark.parametrize(
    "target",
    [
        f"{BLOBS}?functionName=Host.Functions.AnalyzeOnUpload",
        "/admin/functions/AnalyzeOnUpload",
        "/admin/functions/RescueUpload",
        f"{DURABLE}/orchestrators/OcrOrchestrator",
    ],
)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (DEEP_ARRAYS, b"more than 64 deep"),
        (DEEP_OBJECTS, b"more than 64 deep"),
        (b'{"input": %s}' % (b"[" * 64 + b"]" * 64), b"more than 64 deep"),
        (b'{"input": "images/\\ud800.jpg", "data": {}}', b"\\ud800 without its other half"),
        (b'{"\\uDFFF": 1}', b"\\udfff without its other half"),
        (b'"\xed\xa0\x80"', b"utf-8"),
        (b"{", b"line 1 column 2"),
        (b"9" * 5000, b"4300 digits"),
    ],
)
def test_a_body_that_the_host_itself_cannot_use_is_refused_with_the_reason(
    host: InProcessHost, target: str, body: bytes, reason: bytes
) -> None:
    status, answer = host.send("POST", target.encode(), [(b"aeg-event-type", b"Notification")], body)

    assert status == 400
    assert reason in answer.replace(b"\\\\", b"\\")


@pytest.mark.parametrize(
    "url", ["http://[::1", "//[x", "http://\ud800/c/b", "https://a.b/c/\ud800.png", "http://a\u2100/c/d"]
)
def test_an_event_of_an_address_that_is_none_is_refused_with_the_reason(host: InProcessHost, url: str) -> None:
    body = json.dumps([{"data": {"url": url}}]).encode()
    target = f"{BLOBS}?functionName=Host.Functions.AnalyzeOnUpload"

    status, answer = host.send("POST", target.encode(), [(b"aeg-event-type", b"Notification")], body)

    assert status == 400
    assert b"data.url" in answer or b"other half" in answer


@pytest.mark.parametrize("key", [b"\xff\xfe", b"\xed\xa0\x80", "ключ".encode(), b"\xc3", b"", b"a, b"])
@pytest.mark.parametrize("place", ["x-functions-key", "code", "CODE"])
def test_an_odd_key_is_a_wrong_key(guarded: InProcessHost, key: bytes, place: str) -> None:
    for method, template in [*FUNCTION_ROUTES, ("GET", "/admin/functions"), ("POST", BLOBS), ("GET", f"{DURABLE}/x")]:
        if place == "x-functions-key":
            status, _ = guarded.send(method, filled(template, [b"x"]), [(place.encode(), key)])
        else:
            status, _ = guarded.send(method, filled(template, [b"x"]) + b"?" + filled(place + "={}", [key]), [])
        assert status == (200 if OPEN.fullmatch(template) else 401), template


def test_the_name_of_the_query_that_holds_a_key_may_be_in_any_case(guarded: InProcessHost) -> None:
    key = guarded.plan.keys.functions["default"]
    for name in ("code", "CODE", "Code"):
        assert guarded.send("GET", f"/api/images?{name}={key}".encode(), [])[0] == 200


def test_of_two_keys_in_headers_the_first_counts_and_of_two_in_the_query_none(guarded: InProcessHost) -> None:
    key = guarded.plan.keys.functions["default"].encode()
    for headers, expected in (([key, b"\xff"], 200), ([b"\xff", key], 401)):
        assert guarded.send("GET", b"/api/images", [(b"x-functions-key", each) for each in headers])[0] == expected
    assert guarded.send("GET", b"/api/images?code=%s&code=%s" % (key, key), [])[0] == 401


@pytest.mark.parametrize(
    "value",
    [
        b"[::1",
        b"[]",
        b"\xff\xfe",
        b"a b",
        b"a/b",
        b"a@b",
        b"h:",
        b"h:x",
        b":80",
        b"",
        "ä".encode(),
        b"h:999999",
        b"[::1]x",
    ],
)
def test_a_host_that_is_none_is_refused_by_name_on_every_route(host: InProcessHost, value: bytes) -> None:
    for method, template in [*FUNCTION_ROUTES, *OWN_ROUTES]:
        status, answer = host.send(method, filled(template, [b"x", b"x"]), [(b"Host", value)])
        assert (status, method == "HEAD" or b"Host" in answer) == (400, True), template


@pytest.mark.parametrize("value", [b"localhost:7071", b"[::1]:7071", b"[::1]", b"app.azurewebsites.net", b"127.0.0.1"])
def test_a_proper_host_is_in_the_address_that_a_function_sees(host: InProcessHost, value: bytes) -> None:
    assert host.send("GET", b"/api/health", [(b"Host", value)])[0] == 200
    assert host.requests[-1].url == f"http://{value.decode()}/api/health"


@pytest.mark.parametrize(
    ("value", "seen"), [(b"a\xffb", "a\ufffdb"), (b"\xed\xa0\x80", "\ufffd" * 3), ("ü€😀".encode(), "ü€😀")]
)
def test_a_function_gets_whole_characters_in_headers(host: InProcessHost, value: bytes, seen: str) -> None:
    assert host.send("GET", b"/api/health", [(b"X-Any", value)])[0] == 200
    assert host.requests[-1].headers["x-any"] == seen


@pytest.mark.parametrize("origin", [b"\xff\xfe", b"a\xed\xb0\x80b", "ü".encode()])
def test_an_origin_of_any_bytes_is_allowed_to_send(host: InProcessHost, origin: bytes) -> None:
    status, answer = host.send("OPTIONS", BLOBS.encode(), [(b"WebHook-Request-Origin", origin)])
    assert (status, b"WebHook-Allowed-Origin" in answer) == (200, True)


@pytest.mark.parametrize(
    ("target", "status", "seen"),
    [
        (b"/api/images/%FF.png", 200, "%FF.png"),
        (b"/api/images/%ED%A0%80.png", 200, "%ED%A0%80.png"),
        (b"/api/images/%C3%BC%C0%AF", 200, "ü%C0%AF"),
        (b"/api/images/a%00b", 400, None),
        (b"/api/images/\xc3\xbc", 400, None),
        (b"/api/images/" + b"%E4%B8%AD" * 1000, 414, None),
        (b"/api/images?name=" + b"n" * 9000, 414, None),
        (b"/api/images/" + b"n" * 70000, 400, None),
        (b"/admin/functions/" + b"%41" * 3000, 414, None),
        (b"/api/images/" + b"n" * 8150, 200, "n" * 8150),
    ],
)
def test_a_target_is_decoded_as_far_as_it_can_be_or_refused(
    host: InProcessHost, target: bytes, status: int, seen: str | None
) -> None:
    found, answer = host.send("GET", target, [])

    assert found == status
    if seen is None:
        assert answer.partition(b"\r\n\r\n")[2]
    else:
        assert host.requests[-1].route_params == {"name": seen}


@pytest.mark.parametrize(("query", "seen"), [(b"%FF", "\ufffd"), (b"%ED%A0%80", "\ufffd" * 3), (b"a%00b", "a\0b")])
def test_a_query_that_is_no_utf_8_is_replaced_where_it_is_none(host: InProcessHost, query: bytes, seen: str) -> None:
    assert host.send("GET", b"/api/images?prefix=" + query, [])[0] == 200
    assert host.requests[-1].params == {"prefix": seen}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (b"top=" + b"9" * 5000, b"top"),
        (b"top=9999999999999999999", b"top"),
        (b"top=%D9%A3", b"top"),
        (b"top=0", b"top"),
        (b"createdTimeTo=9999-99-99", b"createdTimeTo"),
        (b"runtimeStatus=%FF", b"runtimeStatus"),
    ],
)
def test_a_parameter_of_the_management_api_that_cannot_be_is_refused_by_name(
    host: InProcessHost, query: bytes, named: bytes
) -> None:
    status, answer = host.send("GET", f"{DURABLE}/instances?".encode() + query, [])
    assert (status, named in answer) == (400, True)


@pytest.mark.parametrize("route", NAME_ROUTES)
def test_a_name_that_begins_with_a_slash_is_found_by_what_the_refusal_says(host: InProcessHost, route: str) -> None:
    status, answer = host.send("GET", f"{route}//case%20%C3%BC.png".encode(), [])
    address = answer.split()[-1]

    assert (status, address) == (404, f"{route}?name=%2Fcase%20%C3%BC.png".encode())
    assert host.send("GET", address, [])[0] == 200
    assert host.requests[-1].params == {"name": "/case ü.png"}
