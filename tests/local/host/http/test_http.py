"""HTTP functions meet the same surprises as behind Azure's host."""

import http.client
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.hosting import Host, http_return, http_trigger, running_host, write_function, write_host_json

ECHO = """
import json
import azure.functions as func

def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({
        "method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
        "headers": dict(req.headers), "body": req.get_body().decode("latin-1"),
    }), mimetype="application/json")
"""
ANSWERS = """
import azure.functions as func

class Odd(func.HttpResponse):
    pass

def main(req: func.HttpRequest) -> func.HttpResponse:
    kind = req.route_params["kind"]
    if kind == "raise":
        raise ValueError("a secret cause")
    if kind == "none":
        return None
    if kind == "text":
        return '{"body": "x"}'
    if kind == "number":
        return 3
    if kind == "bytes":
        return func.HttpResponse(bytes(range(256)), mimetype="image/jpeg")
    if kind == "teapot":
        return func.HttpResponse("short", status_code=418, headers={"X-One": "1"})
    if kind == "empty":
        return func.HttpResponse(status_code=204)
    if kind == "204-with-body":
        return func.HttpResponse("lost", status_code=204)
    if kind == "304":
        return func.HttpResponse(status_code=304, headers={"ETag": '"x"'})
    if kind == "json-text":
        return func.HttpResponse('{"body": "x"}')
    if kind == "bad-header":
        return func.HttpResponse("x", headers={"X-Bad": "a\\r\\nSet-Cookie: b=c"})
    if kind == "bad-status":
        return func.HttpResponse("x", status_code="many")
    if kind == "wrong-length":
        return func.HttpResponse("four", headers={"Content-Length": "99", "Transfer-Encoding": "chunked"})
    if kind == "head-length":
        return func.HttpResponse(b"", headers={"Content-Length": "1234"}, mimetype="image/jpeg")
    if kind == "override":
        return func.HttpResponse("x", headers={"X-Custom": "own"})
    response = func.HttpResponse("headers")
    response.headers.add("X-Twice", "first")
    response.headers.add("X-Twice", "last")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    return response
"""
NAMED = """
import azure.functions as func
def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    if "set" in req.params:
        res.set(func.HttpResponse("set", status_code=201))
"""
SILENT = "def main(req):\n    return 'text' if 'return' in req.params else None\n"
SLOW = """
import asyncio, threading, time
import azure.functions as func
async def main(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0)
    return func.HttpResponse(threading.current_thread().name)
"""
THREAD = """
import threading
import azure.functions as func
barrier = threading.Barrier(3)
def main(req: func.HttpRequest) -> func.HttpResponse:
    barrier.wait(110)
    return func.HttpResponse(threading.current_thread().name)
"""
ORDER = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse(__name__)\n"


def function(name: str, code: str, *bindings: dict[str, Any]) -> tuple[str, str, tuple[dict[str, Any], ...]]:
    return name, code, bindings


FUNCTIONS = [
    function("Echo", ECHO, http_trigger(route="echo/{*rest}"), http_return()),
    function("Item", ECHO, http_trigger(route="items/{id:int:min(1)}/{part?}", methods=["get"]), http_return()),
    function("Answers", ANSWERS, http_trigger(route="answers/{kind}", methods=["get", "head"]), http_return()),
    function("GetOnly", ECHO, http_trigger(methods=["GET"]), http_return()),
    function("Named", NAMED, http_trigger(), {**http_return(), "name": "res"}),
    function("Silent", SILENT, http_trigger()),
    function("OnLoop", SLOW, http_trigger(), http_return()),
    function("InThread", THREAD, http_trigger(), http_return()),
    function("OrderA", ORDER, http_trigger(route="order/{any}", methods=["get"]), http_return()),
    function("OrderB", ORDER, http_trigger(route="order/exact"), http_return()),
    function("Off", ECHO, http_trigger(), http_return()),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    root = tmp_path_factory.mktemp("http")
    write_host_json(root, extensions={"http": {"customHeaders": {"X-Custom": "always"}}})
    for name, code, bindings in FUNCTIONS:
        write_function(root, name, bindings, code, disabled=name == "Off")
    environment = {"PYTHON_THREADPOOL_THREAD_COUNT": "3"}
    with running_host(root, root / "state", environment=environment) as running:
        yield running


def test_function_sees_the_request(host: Host) -> None:
    answer = host.request("PATCH", "/api/echo/a/b?x=1", b"\x00\xff", {"X-Mixed-Case": "v"})
    seen = answer.json()
    assert seen["method"] == "PATCH"
    assert seen["url"] == f"{host.url}/api/echo/a/b?x=1"
    assert seen["params"] == {"x": "1"}
    assert seen["route"] == {"rest": "a/b"}
    assert seen["headers"]["x-mixed-case"] == "v"
    assert seen["body"] == "\x00\xff"
    assert answer.header("content-type") == "application/json"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("a%20b.png", "a b.png"),
        ("%C3%BC/%E4%B8%AD.png", "ü/中.png"),
        ("a%23b", "a#b"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("100%25", "100%"),
        ("%252e%252e", "%2e%2e"),
        ("a%2Fb", "a%2Fb"),
        ("a%3Fb", "a?b"),
        ("x%2F..%2Fy", "x%2F..%2Fy"),
        ("..%252F", "..%2F"),
        ("a;b=c:d@e", "a;b=c:d@e"),
        ("a%5Cb", "a\\b"),
        ("~user/%7Euser", "~user/~user"),
    ],
)
def test_names_in_a_path_arrive_as_meant(host: Host, raw: str, name: str) -> None:
    assert host.request("GET", f"/api/echo/{raw}").json()["route"] == {"rest": name}


def test_dot_segments_are_removed_after_decoding(host: Host) -> None:
    assert host.request("GET", "/api/echo/x/%2e%2e/y").json()["route"] == {"rest": "y"}
    assert host.request("GET", "/api/echo/../../admin/host/ping").status == 200


def test_empty_query_values_vanish_and_repeated_ones_are_joined(host: Host) -> None:
    assert host.request("GET", "/api/echo?flag=&bare&x=1&x=2&y=a+b").json()["params"] == {"x": "1,2", "y": "a b"}


def test_repeated_headers_are_joined(host: Host) -> None:
    with socket.create_connection(("127.0.0.1", host.port)) as raw:
        raw.sendall(b"GET /api/echo HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nX-Empty:\r\nConnection: close\r\n\r\n")
        content = b"".join(iter(lambda: raw.recv(65536), b""))
    headers = json.loads(content.partition(b"\r\n\r\n")[2])["headers"]
    assert headers["x-a"] == "1,2"
    assert "x-empty" not in headers


def test_chunked_body_arrives_empty(host: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    connection.request("POST", "/api/echo", iter([b"some", b"chunks"]), {"X": "1"}, encode_chunked=True)
    seen = json.loads(connection.getresponse().read())
    # By the header a function can tell it from an empty one.
    assert (seen["body"], seen["headers"]["transfer-encoding"]) == ("", "chunked")
    connection.request("POST", "/api/echo", b"plain")
    assert json.loads(connection.getresponse().read())["body"] == "plain"
    connection.close()


def test_compressed_body_is_the_functions_to_decompress(host: Host) -> None:
    seen = host.request("POST", "/api/echo", b"not really gzip", {"Content-Encoding": "gzip"}).json()
    assert seen["body"] == "not really gzip"


def test_waiting_sender_is_told_to_continue(host: Host) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(b"POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"ok")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_body_over_100_mb_is_refused_before_it_is_read(host: Host) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(b"POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 104857601\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("count", "each", "status"),
    [
        (100, 300, 200),
        (101, 1, 431),
        (199, 1, 431),
        (10, 3254, 200),
        (1, 32_730, 200),
        (1, 32_768, 431),
        (20, 2000, 431),
        # What not even its parser takes.
        (300, 1, 400),
        (1, 70_000, 400),
    ],
)
def test_headers_are_as_many_and_as_long_as_azures_host_takes(host: Host, count: int, each: int, status: int) -> None:
    """With Host they are 100 or 32,768 bytes at most, the ends of the lines included."""
    lines = [b"Host: localhost", *(b"X-%d: " % place + b"v" * each for place in range(count - 1))]
    lines += [b"X-Last: " + b"v" * each] if count == 1 else []
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(b"GET /api/echo HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")
        assert int(raw.recv(1000).split(b" ")[1]) == status


def test_caller_who_leaves_in_the_middle_of_a_body_starts_nothing(host: Host) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(b"POST /api/echo/left HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
    host.wait_for_log("POST /api/echo/left 400 in")


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/echo/x", 404),
        ("POST", "/api/getonly", 404),
        ("HEAD", "/api/getonly", 404),
        ("OPTIONS", "/api/getonly", 404),
        ("GET", "/API/GetOnly/", 200),
        ("GET", "/api/items/5", 200),
        ("GET", "/api/items/0", 404),
        ("GET", "/api/items/x", 404),
        ("GET", "/api/items/5/front", 200),
        ("GET", "/api/items/5/front/more", 404),
        ("DELETE", "/api/echo", 200),
        ("GET", "/api/off", 404),
        ("GET", "/", 200),
        ("POST", "/", 404),
        ("GET", "/runtime/webhooks/other", 404),
        ("GET", "/\u00e9", 400),
    ],
)
def test_status_of_routing(host: Host, method: str, target: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(f"{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(100).split()[1] == str(status).encode()


def test_not_found_has_no_body(host: Host) -> None:
    assert host.request("GET", "/api/nothing").body == b""


def test_optional_route_value_is_absent_if_not_given(host: Host) -> None:
    assert host.request("GET", "/api/items/5").json()["route"] == {"id": "5"}
    assert host.request("GET", "/api/items/5/Front").json()["route"] == {"id": "5", "part": "Front"}


def test_first_folder_wins_over_a_more_specific_route(host: Host) -> None:
    assert host.request("GET", "/api/order/exact").text == "__app__.OrderA"
    assert host.request("POST", "/api/order/exact").text == "__app__.OrderB"


def test_unhandled_exception_is_500_without_a_body_and_logged(host: Host) -> None:
    answer = host.request("GET", "/api/answers/raise")
    assert (answer.status, answer.body) == (500, b"")
    host.wait_for_log("ValueError: a secret cause")
    host.wait_for_log("Traceback")


@pytest.mark.parametrize("kind", ["none", "number", "bad-header", "bad-status"])
def test_unusable_result_is_500(host: Host, kind: str) -> None:
    answer = host.request("GET", f"/api/answers/{kind}")
    assert (answer.status, answer.body) == (500, b"")


def test_plain_text_result_is_refused_with_advice(host: Host) -> None:
    assert host.request("GET", "/api/answers/text").status == 500
    host.wait_for_log("return azure.functions.HttpResponse(text)")


def test_bytes_are_answered_as_they_are(host: Host) -> None:
    answer = host.request("GET", "/api/answers/bytes")
    assert answer.body == bytes(range(256))
    assert answer.header("content-type") == "image/jpeg"


def test_json_text_inside_a_response_is_left_alone(host: Host) -> None:
    answer = host.request("GET", "/api/answers/json-text")
    assert answer.text == '{"body": "x"}'
    assert answer.header("content-type") == "text/plain; charset=utf-8"


def test_status_and_headers_are_the_functions(host: Host) -> None:
    answer = host.request("GET", "/api/answers/teapot")
    assert (answer.status, answer.header("x-one"), answer.text) == (418, "1", "short")


def test_204_has_no_body_but_a_content_type(host: Host) -> None:
    for kind in ("empty", "204-with-body"):
        answer = host.request("GET", f"/api/answers/{kind}")
        assert (answer.status, answer.body) == (204, b"")
        assert answer.header("content-type") == "text/plain; charset=utf-8"


def test_304_keeps_its_headers(host: Host) -> None:
    answer = host.request("GET", "/api/answers/304")
    assert (answer.status, answer.body, answer.header("etag")) == (304, b"", '"x"')


def test_repeated_headers_collapse_to_the_last_except_cookies(host: Host) -> None:
    headers = host.request("GET", "/api/answers/headers").headers
    assert [value for name, value in headers if name.lower() == "x-twice"] == ["last"]
    assert [value for name, value in headers if name.lower() == "set-cookie"] == ["a=1; Path=/", "b=2; HttpOnly"]


def test_length_is_worked_out_whatever_the_function_says(host: Host) -> None:
    answer = host.request("GET", "/api/answers/wrong-length")
    assert (answer.text, answer.header("content-length")) == ("four", "4")


def test_head_has_the_headers_of_get_and_no_body(host: Host) -> None:
    answer = host.request("HEAD", "/api/answers/bytes")
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "256")
    assert answer.header("content-type") == "image/jpeg"


def test_head_may_tell_a_length_without_having_the_body(host: Host) -> None:
    assert host.request("HEAD", "/api/answers/head-length").header("content-length") == "1234"


def test_custom_headers_of_host_json_are_on_every_answer(host: Host) -> None:
    assert host.request("GET", "/api/nothing").header("x-custom") == "always"
    assert host.request("GET", "/api/echo").header("x-custom") == "always"
    assert host.request("GET", "/api/answers/override").header("x-custom") == "own"


def test_named_output_is_the_answer_and_unset_is_204(host: Host) -> None:
    assert host.request("GET", "/api/named").status == 204
    answer = host.request("GET", "/api/named?set=1")
    assert (answer.status, answer.text) == (201, "set")


def test_function_without_http_output_is_204_and_must_return_nothing(host: Host) -> None:
    assert host.request("GET", "/api/silent").status == 204
    assert host.request("GET", "/api/silent?return=1").status == 500
    host.wait_for_log("function 'Silent' without a $return bindingreturned a non-None value")


def test_async_functions_run_on_the_main_thread(host: Host) -> None:
    assert host.request("GET", "/api/onloop").text == "MainThread"


def test_synchronous_functions_run_side_by_side_in_as_many_threads_as_set(host: Host) -> None:
    connections = [http.client.HTTPConnection("127.0.0.1", host.port, timeout=20) for _ in range(3)]
    for connection in connections:
        connection.request("GET", "/api/inthread")
    names = {connection.getresponse().read() for connection in connections}
    for connection in connections:
        connection.close()
    assert len(names) == 3


def end_of_log(host: Host) -> int:
    """How many lines the log has once everything up to now has been logged."""
    marker = f"/nowhere/{uuid.uuid4()}"
    host.request("GET", marker)
    host.wait_for_log(marker)
    return next(number for number, line in enumerate(host.log, 1) if marker in line)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: h\r\nx-functions-key: s3cret\x01\r\n\r\n",
        b"\x16\x03\x01s3cret\r\n\r\n",
        b"GET /api/echo?code=s3cret HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        b"GET /api/echo?code=s3cret" + b"0" * 70000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_one_line_without_its_bytes(host: Host, sent: bytes) -> None:
    before = end_of_log(host)
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as raw:
        raw.sendall(sent)
        assert raw.recv(100).split()[1] == b"400"
    told = host.log[before : end_of_log(host) - 1]
    assert len(told) <= 1
    assert not any("s3cret" in line for line in told)


def test_request_log_has_no_query(host: Host) -> None:
    host.request("GET", "/api/echo/logged?code=hidden")
    host.wait_for_log("GET /api/echo/logged 200 in")
    assert not any("hidden" in line for line in host.log)


@pytest.mark.parametrize(("prefix", "path"), [("", "/plain"), ("v1/x", "/v1/x/plain")])
def test_route_prefix_is_that_of_host_json(tmp_path: Any, prefix: str, path: str) -> None:
    write_host_json(tmp_path, extensions={"http": {"routePrefix": prefix}})
    write_function(tmp_path, "Plain", [http_trigger(), http_return()], ORDER)
    with running_host(tmp_path, tmp_path / "state") as host:
        assert host.request("GET", path).status == 200
        assert host.request("GET", "/api/plain").status == 404
