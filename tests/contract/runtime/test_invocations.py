"""What functions get and what becomes of what they give: the same in the local host and in Microsoft's runtime."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from doubles.azurite import Azurite, running_azurite
from doubles.hosting import Host, blob_trigger, http_return, http_trigger, running_host, write_function, write_host_json
from doubles.real_runtime import Outcome, Runtime, blob_metadata, running_runtime
from doubles.real_runtime_data import Wire, bytes_value, unpacked
from doubles.real_runtime_sides import (
    Answer,
    Request,
    count_ended,
    http_answer,
    local_answer,
    logged_error,
    post_event,
    raised,
    request_value,
)
from doubles.witness import covered

WITNESS = "azure-functions-runtime-v1 1.2.0"
HTTP = (http_trigger(), http_return())
NAMED = (http_trigger(), {"type": "http", "direction": "out", "name": "res"})
SEES = """
import json
import azure.functions as func

def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    hidden = ("host", "content-type", "content-length", "accept-encoding")
    return func.HttpResponse(json.dumps({
        "method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
        "body": req.get_body().decode("latin-1"), "length": req.headers.get("Content-Length"),
        "headers": {name: value for name, value in sorted(req.headers.items()) if name not in hidden},
        "form": dict(req.form), "files": {name: each.read().decode() for name, each in req.files.items()},
        "context": [context.function_name, context.function_directory, bool(context.invocation_id),
                    context.retry_context.retry_count],
    }), mimetype="application/json")
"""


def answering(expression: str, signature: str = "req: func.HttpRequest") -> str:
    return f"import azure.functions as func\n\n\ndef main({signature}):\n    return {expression}\n"


ASYNCHRONOUS = """
import asyncio
import azure.functions as func

async def main(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0)
    return func.HttpResponse("later")
"""
SETS = "import azure.functions as func\ndef main(req, res: func.Out[func.HttpResponse]):\n    "
ANSWERS: dict[str, tuple[Any, str]] = {
    "Plain": (HTTP, answering("func.HttpResponse('é ☃')")),
    "Bytes": (HTTP, answering("func.HttpResponse(b'\\x00\\xff', mimetype='image/x-odd')")),
    "Created": (HTTP, answering("func.HttpResponse(status_code=201, headers={'X-One': 'a, b', 'Location': '/x'})")),
    "NoContent": (HTTP, answering("func.HttpResponse(status_code=204)")),
    "NotModified": (HTTP, answering("func.HttpResponse(status_code=304, headers={'ETag': '\"1\"'})")),
    "OwnType": (HTTP, answering("func.HttpResponse('x', headers={'content-type': 'text/x; charset=latin-1'})")),
    "Charset": (HTTP, answering("func.HttpResponse('é', charset='latin-1', mimetype='text/html')")),
    "Error": (HTTP, answering("func.HttpResponse('gone', status_code=410)")),
    "Async": (HTTP, ASYNCHRONOUS),
    "Named": (NAMED, SETS + "res.set(func.HttpResponse('named', status_code=202))\n"),
}
FAILURES: dict[str, tuple[Any, str]] = {
    "Raises": (HTTP, answering("{}['missing']")),
    "OwnError": (HTTP, "class OddError(Exception):\n    pass\n\n\ndef main(req):\n    raise OddError('no: 1')\n"),
    "ReturnsNone": (HTTP, answering("None")),
    "ReturnsDict": (HTTP, answering("{'a': 1}")),
    "ReturnsNumber": (HTTP, answering("3")),
    "NotNamed": (NAMED, answering("'x'", "req, res: func.Out[func.HttpResponse]")),
    "SetsNumber": (NAMED, SETS + "res.set(3)\n"),
}
# The worker of 3.11 and 3.12 lacks a space that the newer runtime has, and the local host follows the older.
MISSING_SPACE = ("bindingreturned", "binding returned")
REQUESTS = {
    "plain": Request("Sees", "GET", "/api/sees/a/b", route={"rest": "a/b"}),
    "odd query": Request("Sees", "GET", "/api/sees/x?a=1&b=%C3%A9+%26&a=2&empty=", route={"rest": "x"}),
    "odd path": Request("Sees", "GET", "/api/sees/%C3%A9%20x/y", route={"rest": "é x/y"}),
    "no rest": Request("Sees", "GET", "/api/sees"),
    "headers": Request("Sees", "GET", "/api/sees", headers={"X-Odd": "a, b", "x-low": "1"}),
    "body": Request("Sees", "POST", "/api/sees", bytes(range(256))),
    "form": Request("Sees", "POST", "/api/sees", b"a=1&b=%26", {"Content-Type": "application/x-www-form-urlencoded"}),
    "file": Request(
        "Sees",
        "PUT",
        "/api/sees",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\nhello\r\n--x--\r\n',
        {"Content-Type": "multipart/form-data; boundary=x"},
    ),
    "delete": Request("Sees", "DELETE", "/api/sees/x", route={"rest": "x"}),
}
SEEN = """
import json
import azure.functions as func

def main(blob: func.InputStream, same: bytes, text: str, missing: func.InputStream, seen: func.Out[str],
         copy: func.Out[bytes], unset: func.Out[str]):
    content = blob.read()
    copy.set(content + same)
    seen.set(json.dumps({
        "name": blob.name, "uri": blob.uri, "length": blob.length, "content": content.decode("latin-1"),
        "again": blob.read().decode(), "properties": blob.blob_properties, "metadata": blob.metadata, "text": text,
        "missing": missing is None,
    }))
"""
RAW = "import azure.functions as func\ndef main(blob: bytes, seen: func.Out[str]):\n    seen.set(repr(blob))\n"
BROKEN = "def main(blob):\n    raise OSError(5, 'disk', blob.name)\n"
CONTENTS = {"a.txt": "grüße".encode(), "sub/b c.bin": bytes(range(256)), "empty": b""}


def blob(name: str, direction: str, path: str, **properties: Any) -> dict[str, Any]:
    place = {"path": path, "connection": "ImagesStorage"}
    return {"type": "blob", "name": name, "direction": direction, **place, **properties}


def write_app(root: Path) -> None:
    write_host_json(root, extensions={"blobs": {"poisonBlobThreshold": 1}})
    methods = ["get", "post", "put", "delete"]
    write_function(root, "Sees", (http_trigger(route="sees/{*rest}", methods=methods), http_return()), SEES)
    for name, (bindings, code) in (ANSWERS | FAILURES).items():
        write_function(root, name, bindings, code)
    others = [
        blob("same", "in", "images/{name}", dataType="binary"),
        blob("text", "in", "images/{name}"),
        blob("missing", "in", "images/missing-{name}", dataType="binary"),
        blob("seen", "out", "seen/{name}"),
        blob("copy", "out", "copies/{name}"),
        blob("unset", "out", "copies/unset-{name}"),
    ]
    write_function(root, "Text", HTTP, answering("'[true]'"))
    write_function(root, "Unset", NAMED, SETS + "pass\n")
    write_function(root, "Seen", [blob_trigger(), *others], SEEN)
    write_function(root, "Raw", [blob_trigger(), blob("seen", "out", "raw/{name}")], RAW)
    write_function(root, "Broken", [blob_trigger()], BROKEN)


@dataclass(frozen=True)
class Both:
    """The same app on both sides; the storage is the local host's."""

    host: Host
    runtime: Runtime
    azurite: Azurite
    service: BlobServiceClient

    def invoke(self, request: Request) -> Outcome:
        return self.runtime.invoke(request.function, {"req": request_value(request, self.host.url)})

    def url(self, name: str) -> str:
        return f"{self.azurite.blob_url}/images/{quote(name)}"

    def container(self, name: str) -> ContainerClient:
        return self.service.get_container_client(name)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    root = tmp_path_factory.mktemp("invocations") / "app"
    write_app(root)
    with running_azurite() as azurite:
        environment = {"ImagesStorage": azurite.connection_string, "AzureWebJobsStorage": azurite.connection_string}
        with (
            BlobServiceClient.from_connection_string(azurite.connection_string) as service,
            running_host(root, root.parent / "state", environment=environment) as host,
            running_runtime(root, environment) as runtime,
        ):
            service.create_container("images")
            yield Both(host, runtime, azurite, service)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_function_sees_the_request_that_microsofts_runtime_shows_it(name: str, both: Both) -> None:
    outcome = both.invoke(REQUESTS[name])
    assert outcome.ok, outcome.traceback
    real, local = http_answer(outcome.returned, "GET"), local_answer(both.host, REQUESTS[name])
    assert json.loads(local.body) == json.loads(real.body)
    covered(WITNESS, "requests seen", name)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_function_answers_arrives_as_the_runtime_hands_it_over(name: str, both: Both) -> None:
    request = Request(name, "GET", f"/api/{name}")
    outcome = both.invoke(request)
    assert outcome.ok, outcome.traceback
    given = outcome.outputs["res"] if name == "Named" else outcome.returned
    assert local_answer(both.host, request) == http_answer(given, "GET")
    covered(WITNESS, "answers", name)


@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_in_the_runtime_is_a_500_for_the_same_reason(name: str, both: Both) -> None:
    request = Request(name, "GET", f"/api/{name}")
    outcome = both.invoke(request)
    assert not outcome.ok
    assert local_answer(both.host, request) == Answer(500, {}, b"")
    assert str(logged_error(both.host, name, 1)).replace(*MISSING_SPACE) == raised(outcome)
    covered(WITNESS, "failures", name)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_blob_function_reads_and_writes_what_it_does_in_the_runtime(name: str, both: Both) -> None:
    content = CONTENTS[name]
    outcome = _run_on_both(both, name, content)
    assert outcome.ok, outcome.traceback
    assert set(outcome.outputs) == {"seen", "copy"}
    seen = both.container("seen").download_blob(name).readall()
    assert json.loads(seen) == json.loads(_plain(outcome.outputs["seen"]))
    assert both.container("copies").download_blob(name).readall() == _plain(outcome.outputs["copy"]) == content * 2
    assert not both.container("copies").get_blob_client(f"unset-{name}").exists()
    covered(WITNESS, "blobs", name)


def _run_on_both(both: Both, name: str, content: bytes) -> Outcome:
    """Upload a blob, wait until the local host has run `Seen` on it, and invoke that in the runtime."""
    both.container("images").upload_blob(name, content, metadata={"kind": "odd"})
    before = count_ended(both.host, "Seen")
    post_event(both.host, "Seen", both.url(name))
    assert logged_error(both.host, "Seen", before + 1) is None
    # What the host says of a blob is its own; what the runtime makes of it is compared.
    said = json.loads(both.container("seen").download_blob(name).readall())
    metadata = blob_metadata(f"images/{name}", both.url(name), said["properties"] or {}, {"kind": "odd"})
    inputs = {"blob": bytes_value(content), "same": bytes_value(content), "missing": {"type": None, "value": None}}
    # Azure's host decodes an input without dataType as text, whatever it is.
    text = {"type": "string", "value": content.decode("utf-8", "replace")}
    return both.runtime.invoke("Seen", {**inputs, "text": text}, metadata)


def test_a_raw_blob_comes_without_its_name(both: Both) -> None:
    both.container("images").upload_blob("raw.bin", b"\x00raw")
    post_event(both.host, "Raw", both.url("raw.bin"))
    assert logged_error(both.host, "Raw", 1) is None
    outcome = both.runtime.invoke("Raw", {"blob": bytes_value(b"\x00raw")}, blob_metadata("images/raw.bin", "", {}, {}))
    local = both.container("raw").download_blob("raw.bin").readall()
    assert local.decode() == _plain(outcome.outputs["seen"]) == repr(b"\x00raw")
    covered(WITNESS, "blobs", "raw")


def test_a_blob_function_that_raises_fails_for_the_same_reason(both: Both) -> None:
    both.container("images").upload_blob("broken.bin", b"x")
    post_event(both.host, "Broken", both.url("broken.bin"))
    metadata = blob_metadata("images/broken.bin", both.url("broken.bin"), {}, {})
    outcome = both.runtime.invoke("Broken", {"blob": bytes_value(b"x")}, metadata)
    assert logged_error(both.host, "Broken", 1) == raised(outcome)
    covered(WITNESS, "failures", "blob")


def test_text_instead_of_a_response_is_refused_though_the_runtime_takes_it(both: Both) -> None:
    """Azure's host would parse the text as JSON and print it anew: the local host says so instead."""
    request = Request("Text", "GET", "/api/text")
    outcome = both.invoke(request)
    assert (outcome.ok, outcome.returned) == (True, {"type": "string", "value": "[true]"})
    assert local_answer(both.host, request) == Answer(500, {}, b"")
    both.host.wait_for_log("Text gave an answer that cannot be sent")


def test_an_output_that_is_never_set_is_204(both: Both) -> None:
    request = Request("Unset", "GET", "/api/unset")
    outcome = both.invoke(request)
    assert (outcome.ok, outcome.outputs) == (True, {})
    assert local_answer(both.host, request) == Answer(204, {}, b"")
    covered(WITNESS, "answers", "unset")


def _plain(wire: Wire) -> Any:
    return unpacked(wire, lambda value, _: value)
