"""Blob functions run for events, with the blob's current content, until they succeed or their event is poison."""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobServiceClient, ContentSettings
from azure.storage.queue import QueueClient
from doubles.azurite import Azurite
from doubles.hosting import Host, blob_trigger, http_return, http_trigger, running_host, write_function, write_host_json
from doubles.storage_events import UPLOADS, storage_event

CONTAINER = "images"
POISON = "webjobs-blobtrigger-poison"
SEEN = """
import json, logging
import azure.functions as func

def main(blob: func.InputStream) -> None:
    content = blob.read()
    logging.info("seen %s", json.dumps({
        "name": blob.name, "uri": blob.uri, "length": blob.length, "content": content.decode("latin-1"),
        "properties": blob.blob_properties, "metadata": blob.metadata,
    }))
"""
FAILS = """
import logging
import azure.functions as func

def main(blob: func.InputStream) -> None:
    logging.info("trying %s", blob.name)
    raise RuntimeError("never works")
"""
RAW = "import logging\ndef main(blob: bytes):\n    logging.info('raw %r', blob)\n"
COPY = """
import azure.functions as func
def main(blob: func.InputStream, same: func.InputStream, text: str, copy: func.Out[bytes], unset: func.Out[str]):
    content = blob.read()
    copy.set(content + b"|" + same.read() + b"|" + text.encode())
"""
BY_HTTP = """
import azure.functions as func
def main(req: func.HttpRequest, given: func.InputStream, made: func.Out[bytes]) -> func.HttpResponse:
    made.set(b"by http")
    return func.HttpResponse("missing" if given is None else given.read())
"""


def binding(name: str, direction: str, path: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "blob",
        "name": name,
        "direction": direction,
        "path": path,
        "connection": "ImagesStorage",
        **properties,
    }


@dataclass(frozen=True)
class Stack:
    host: Host
    service: BlobServiceClient
    azurite: Azurite

    def upload(self, name: str, content: bytes = b"data", **options: Any) -> None:
        self.service.get_blob_client(CONTAINER, name).upload_blob(content, overwrite=True, **options)

    def url(self, name: str) -> str:
        return f"{self.azurite.blob_url}/{CONTAINER}/{quote(name, safe='/')}"

    def post(self, function: str, events: Any, **headers: str) -> int:
        target = f"/runtime/webhooks/blobs?functionName=Host.Functions.{function}"
        sent = {"aeg-event-type": "Notification", "Content-Type": "application/json", **headers}
        return self.host.request("POST", target, json.dumps(events), sent).status

    def seen(self, name: str) -> list[Mapping[str, Any]]:
        texts = [line.partition(" seen ")[2] for line in self.host.log if " seen " in line]
        return [each for each in map(json.loads, texts) if each["name"] == f"{CONTAINER}/{name}"]


def event(url: str) -> dict[str, Any]:
    data = {"api": "PutBlob", "eTag": "0x8D", "blobType": "BlockBlob", "url": url}
    return {"id": str(uuid.uuid4()), "eventType": "Microsoft.Storage.BlobCreated", "subject": "x", "data": data}


@pytest.fixture(scope="module")
def stack(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("blobs")
    write_host_json(root, extensions={"blobs": {"maxDegreeOfParallelism": 4}})
    write_function(root, "Seen", [blob_trigger()], SEEN)
    write_function(root, "OnlyPng", [blob_trigger("images/{name}.png")], SEEN)
    write_function(root, "Fails", [blob_trigger()], FAILS)
    write_function(root, "Raw", [blob_trigger()], RAW)
    copies = [
        binding("same", "in", "images/{name}", dataType="binary"),
        binding("text", "in", "images/{name}"),
        binding("copy", "out", "made-{metadata.kind}/{name}.copy"),
        binding("unset", "out", "made-copies/unset"),
    ]
    write_function(root, "Copy", [blob_trigger(), *copies], COPY)
    by_http = [binding("given", "in", "images/{name}"), binding("made", "out", "images/made-{name}")]
    write_function(root, "ByHttp", [http_trigger(route="by-http/{name}"), http_return(), *by_http], BY_HTTP)
    write_function(root, "Off", [blob_trigger()], SEEN, disabled=True)
    environment = {"ImagesStorage": azurite.connection_string, "AzureWebJobsStorage": "unused"}
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string) as service,
        running_host(root, root / "state", environment=environment) as host,
    ):
        if not service.get_container_client(CONTAINER).exists():
            service.create_container(CONTAINER)
        yield Stack(host, service, azurite)


def test_function_gets_content_and_properties(stack: Stack) -> None:
    settings = ContentSettings(content_type="image/png", cache_control="no-store")
    stack.upload("a.png", b"\x89PNG", content_settings=settings, metadata={"author": "me"})
    assert stack.post("Seen", [event(stack.url("a.png"))]) == 202
    stack.host.wait_for_log('"name": "images/a.png"')
    (seen,) = stack.seen("a.png")
    assert (seen["uri"], seen["length"], seen["content"]) == (stack.url("a.png"), 4, "\x89PNG")
    assert seen["metadata"] == {"author": "me"}
    properties = seen["properties"]
    assert properties["ETag"] == {}
    assert (properties["ContentLength"], properties["ContentType"]) == (4, "image/png")
    assert (properties["CacheControl"], properties["BlobType"]) == ("no-store", 0)
    assert properties["LastModified"].endswith("+00:00")


NAMES = [
    "plain.png",
    "with space.png",
    "ünï/中文.png",
    "hash#and?mark.png",
    "percent%2e100%.png",
    "%2e%2e",
    "sub/dir/deep.png",
    "plus+and&.png",
    "quote'and\"",
    "[brackets]{braces}",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_kinds_arrive(stack: Stack, name: str) -> None:
    stack.upload(name)
    assert stack.post("Seen", [event(stack.url(name))]) == 202
    stack.host.wait_for_log(f'"name": {json.dumps(f"images/{name}")}')
    (seen,) = stack.seen(name)
    assert seen["content"] == "data"


def test_array_of_events_runs_once_each(stack: Stack) -> None:
    names = [f"array-{index}.png" for index in range(6)]
    for name in names:
        stack.upload(name)
    assert stack.post("Seen", [event(stack.url(name)) for name in names]) == 202
    stack.host.wait_for_log('"name": "images/array-', count=6)
    assert all(len(stack.seen(name)) == 1 for name in names)


def test_two_deliveries_both_run(stack: Stack) -> None:
    stack.upload("twice.png")
    delivery = [event(stack.url("twice.png"))]
    assert [stack.post("Seen", delivery), stack.post("Seen", delivery)] == [202, 202]
    stack.host.wait_for_log('"name": "images/twice.png"', count=2)


def test_cloud_event_is_taken_alone_and_in_a_batch(stack: Stack) -> None:
    stack.upload("cloud.png")
    cloud_event = {
        "specversion": "1.0",
        "type": "Microsoft.Storage.BlobCreated",
        "data": {"url": stack.url("cloud.png")},
    }
    headers = {"aeg-event-type": "", "Content-Type": "application/cloudevents+json; charset=utf-8"}
    assert stack.post("Seen", cloud_event, **headers) == 202
    stack.host.wait_for_log('"name": "images/cloud.png"')
    batch = {"aeg-event-type": "", "Content-Type": "application/cloudevents-batch+json"}
    assert stack.post("Seen", [cloud_event, cloud_event], **batch) == 202
    stack.host.wait_for_log('"name": "images/cloud.png"', count=3)


def test_neither_event_type_nor_path_pattern_filters(stack: Stack) -> None:
    stack.upload("not-png.txt")
    deleted = {**event(stack.url("not-png.txt")), "eventType": "Microsoft.Storage.BlobDeleted"}
    assert stack.post("OnlyPng", [deleted]) == 202
    stack.host.wait_for_log('"name": "images/not-png.txt"')


def test_function_gets_what_the_blob_is_now(stack: Stack) -> None:
    stack.upload("changed.png", b"old")
    stack.upload("changed.png", b"new")
    assert stack.post("Seen", [event(stack.url("changed.png"))]) == 202
    stack.host.wait_for_log('"name": "images/changed.png"')
    assert stack.seen("changed.png")[0]["content"] == "new"


def test_event_of_a_vanished_blob_is_dropped(stack: Stack) -> None:
    assert stack.post("Seen", [event(stack.url("vanished.png"))]) == 202
    stack.host.wait_for_log("images/vanished.png is gone")
    assert stack.seen("vanished.png") == []


def test_empty_blob_has_no_length(stack: Stack) -> None:
    stack.upload("empty.png", b"")
    stack.post("Seen", [event(stack.url("empty.png"))])
    stack.host.wait_for_log('"name": "images/empty.png"')
    (seen,) = stack.seen("empty.png")
    assert (seen["content"], seen["length"]) == ("", None)


def test_bytes_annotation_gets_raw_bytes(stack: Stack) -> None:
    stack.upload("raw.png", b"\x00raw")
    stack.post("Raw", [event(stack.url("raw.png"))])
    stack.host.wait_for_log(r"raw b'\x00raw'")


def test_an_upload_is_seen_however_it_came_and_whatever_length_its_event_tells(stack: Stack) -> None:
    """Over REST, from a data lake or over SFTP, whose events tell a length of 0."""
    for api in UPLOADS:
        stack.upload(f"{api}.png", b"12345")
        assert stack.post("Seen", [storage_event(api, f"{api}.png", url=stack.url(f"{api}.png"))]) == 202
    for api in UPLOADS:
        stack.host.wait_for_log(f'"name": "images/{api}.png"')
        (seen,) = stack.seen(f"{api}.png")
        assert (seen["length"], seen["content"]) == (5, "12345")


def test_event_for_an_unknown_function_is_lost_with_a_warning(stack: Stack) -> None:
    assert stack.post("Nobody", [event(stack.url("x"))]) == 202
    stack.host.wait_for_log("functionName=Host.Functions.Nobody is lost")


def test_disabled_function_gets_no_events(stack: Stack) -> None:
    assert stack.post("Off", [event(stack.url("x"))]) == 202
    stack.host.wait_for_log("functionName=Host.Functions.Off is lost")


def test_event_grid_handshake_is_answered(stack: Stack) -> None:
    target = "/runtime/webhooks/blobs?functionName=Host.Functions.Seen"
    validation = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c0de"}}
    headers = {"aeg-event-type": "SubscriptionValidation"}
    answer = stack.host.request("POST", target, json.dumps([validation]), headers)
    assert (answer.status, answer.json()) == (200, {"validationResponse": "c0de"})


def test_cloud_events_handshake_is_answered(stack: Stack) -> None:
    target = "/runtime/webhooks/blobs?functionName=Host.Functions.Seen"
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    answer = stack.host.request("OPTIONS", target, headers=headers)
    assert answer.status == 200
    assert answer.header("WebHook-Allowed-Origin") == "eventgrid.azure.net"
    assert answer.header("WebHook-Allowed-Rate") == "120"
    assert stack.host.request("OPTIONS", target).status == 400


@pytest.mark.parametrize(
    ("query", "headers", "body", "status"),
    [
        ("", {"aeg-event-type": "Notification"}, "[]", 400),
        ("?functionName=Host.Functions.Seen", {}, "[{}]", 400),
        ("?functionName=Host.Functions.Seen", {"aeg-event-type": "Other"}, "[{}]", 400),
        ("?functionName=Host.Functions.Seen", {"aeg-event-type": "Notification"}, "{", 400),
        ("?functionName=Host.Functions.Seen", {"aeg-event-type": "Notification"}, "[{}]", 400),
        ("?functionName=Host.Functions.Seen", {"aeg-event-type": "SubscriptionValidation"}, "[{}]", 400),
        ("?functionName=Host.Functions.Seen", {"aeg-event-type": "Unsubscribe"}, "[]", 202),
    ],
)
def test_unusable_delivery_is_refused(
    stack: Stack, query: str, headers: Mapping[str, str], body: str, status: int
) -> None:
    assert stack.host.request("POST", f"/runtime/webhooks/blobs{query}", body, headers).status == status


def test_delivery_with_one_unusable_event_is_refused_whole(stack: Stack) -> None:
    stack.upload("half.png")
    assert stack.post("Seen", [event(stack.url("half.png")), {"data": {}}]) == 400
    stack.upload("after-half.png")
    stack.post("Seen", [event(stack.url("after-half.png"))])
    stack.host.wait_for_log('"name": "images/after-half.png"')
    assert stack.seen("half.png") == []


def test_failing_function_is_tried_five_times_and_its_event_becomes_poison(stack: Stack) -> None:
    stack.upload("pöison.png")
    stack.post("Fails", [event(stack.url("pöison.png"))])
    stack.host.wait_for_log(f"its event is now in the queue {POISON}")
    assert sum("trying images/pöison.png" in line for line in stack.host.log) == 5
    with QueueClient.from_connection_string(stack.azurite.connection_string, POISON) as queue:
        (message,) = queue.receive_messages(messages_per_page=1)
        queue.delete_message(message)
    # To the letter what Azure writes: its readers may be anything.
    assert base64.b64decode(message.content).decode() == (
        "{\n"
        '  "Type": "BlobTrigger",\n'
        '  "FunctionId": "Host.Functions.Fails",\n'
        '  "BlobType": "BlockBlob",\n'
        '  "ContainerName": "images",\n'
        '  "BlobName": "pöison.png",\n'
        '  "ETag": "\\"0x8D\\""\n'
        "}"
    )


def test_admin_api_runs_a_blob_function(stack: Stack) -> None:
    stack.upload("by hand.png")
    answer = stack.host.request("POST", "/admin/functions/seen", json.dumps({"input": "images/by hand.png"}))
    assert (answer.status, answer.body) == (202, b"")
    stack.host.wait_for_log('"name": "images/by hand.png"')


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("Seen", "", 400),
        ("Seen", "{}", 400),
        ("Seen", '{"input": "images"}', 400),
        ("ByHttp", '{"input": "images/x"}', 400),
        ("Nothing", '{"input": "images/x"}', 404),
    ],
)
def test_admin_api_refuses_what_it_cannot_run(stack: Stack, name: str, body: str, status: int) -> None:
    assert stack.host.request("POST", f"/admin/functions/{name}", body).status == status


def test_admin_api_describes_a_function(stack: Stack) -> None:
    described = stack.host.request("GET", "/admin/functions/byhttp").json()
    assert described["name"] == "ByHttp"
    assert described["invoke_url_template"] == f"{stack.host.url}/api/by-http/{{name}}"
    assert described["config"]["bindings"][0]["type"] == "httpTrigger"
    assert not described["isDisabled"]
    assert stack.host.request("GET", "/admin/functions/nothing").status == 404


def test_blob_inputs_and_outputs_follow_the_triggers_names(stack: Stack) -> None:
    stack.upload("sub/in.bin", b"\xef\xbb\xbf\xff!", metadata={"kind": "copies"})
    stack.post("Copy", [event(stack.url("sub/in.bin"))])
    made = stack.service.get_blob_client("made-copies", "sub/in.bin.copy")
    wait_until_written(stack, "Copy")
    # Without dataType binary a blob goes through text: the mark is gone and what is no UTF-8 is replaced.
    text = "\ufffd!".encode()
    assert made.download_blob().readall() == b"\xef\xbb\xbf\xff!|\xef\xbb\xbf\xff!|" + text
    assert made.get_blob_properties().content_settings.content_type == "application/octet-stream"
    assert not stack.service.get_blob_client("made-copies", "unset").exists()


def wait_until_written(stack: Stack, function: str) -> None:
    with stack.host.logged:
        done = stack.host.logged.wait_for(
            lambda: any(function in line and "Succeeded" in line for line in stack.host.log), 20
        )
    assert done, "".join(stack.host.log)


def test_http_function_reads_and_writes_blobs_named_by_its_route(stack: Stack) -> None:
    stack.upload("of http", b"content")
    assert stack.host.request("GET", "/api/by-http/of%20http").body == b"content"
    assert stack.service.get_blob_client(CONTAINER, "made-of http").download_blob().readall() == b"by http"
    assert stack.host.request("GET", "/api/by-http/absent").text == "missing"


def test_table_at_start_tells_path_and_disabled(stack: Stack) -> None:
    assert any("OnlyPng" in line and "images/{name}.png" in line for line in stack.host.log)
    assert any("Off" in line and "(disabled)" in line for line in stack.host.log)
