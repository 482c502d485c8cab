"""Functions with an eventGridTrigger run for what Event Grid posts to their webhook, an invocation for each event."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from doubles.hosting import Host, Response, event_grid_trigger, running_host, write_function, write_host_json
from doubles.storage_events import as_cloud_event, storage_event

SEEN = """
import json, logging
import azure.functions as func

def main(event: func.EventGridEvent) -> None:
    logging.info("seen %s", json.dumps({
        "id": event.id, "topic": event.topic, "subject": event.subject, "type": event.event_type,
        "time": event.event_time.isoformat(), "data": event.get_json(), "version": event.data_version,
    }))
"""
RAW = "import logging\ndef main(event: str):\n    logging.info('raw %s', event)\n"
PLAIN = "import logging\ndef main(event):\n    logging.info('plain %s', type(event).__name__)\n"
# Every event waits until the other one of its delivery has come.
TOGETHER = """
import threading
both = threading.Barrier(2)

def main(event):
    both.wait(60)
"""
PICKY = """
import logging
def main(event):
    logging.info("trying %s", event.id)
    if event.id == "bad":
        raise RuntimeError("never works")
"""
SLOW = """
import logging, threading
def main(event):
    logging.info("slowly %s", event.id)
    threading.Event().wait(1)
    logging.info("finished %s", event.id)
"""
DICT = "def main(event: dict):\n    pass\n"
FUNCTIONS = {"Seen": SEEN, "Raw": RAW, "Plain": PLAIN, "Together": TOGETHER, "Picky": PICKY, "Broken": DICT}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("app")
    write_host_json(root)
    for name, code in FUNCTIONS.items():
        write_function(root, name, [event_grid_trigger()], code)
    write_function(root, "Off", [event_grid_trigger()], PLAIN, disabled=True)
    return root


@pytest.fixture(scope="module")
def host(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running_host(root, tmp_path_factory.mktemp("state")) as host:
        yield host


def post(
    host: Host, function: str, events: Any, *, kind: str | None = "Notification", method: str = "POST", code: str = ""
) -> Response:
    query = {"functionName": function, **({"code": code} if code else {})}
    headers = {"Content-Type": "application/json", **({"aeg-event-type": kind} if kind else {})}
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    return host.request(method, f"/runtime/webhooks/EventGrid?{urlencode(query)}", body, headers)


def event(identity: str, api: str = "DeleteBlob") -> dict[str, Any]:
    return {**storage_event(api, "2026/día.jpg"), "id": identity}


def test_a_function_gets_the_event_as_the_official_type(host: Host) -> None:
    sent = event("whole")
    assert post(host, "Seen", [sent]).status == 202
    host.wait_for_log('"whole"')
    [line] = [line for line in host.log if "seen " in line and '"whole"' in line]
    seen = json.loads(line.partition("seen ")[2])
    assert seen == {
        "id": "whole",
        "topic": sent["topic"],
        "subject": sent["subject"],
        "type": "Microsoft.Storage.BlobDeleted",
        "time": "2026-04-25T19:13:00.152238+00:00",
        "data": sent["data"],
        "version": "",
    }


def test_an_event_outside_of_an_array_is_one_event(host: Host) -> None:
    assert post(host, "Seen", event("alone")).status == 202
    host.wait_for_log('"alone"')
    assert sum('"alone"' in line for line in host.log) == 1


def test_a_parameter_annotated_str_gets_the_json(host: Host) -> None:
    assert post(host, "Raw", [event("text")]).status == 202
    host.wait_for_log("raw ")
    [line] = [line for line in host.log if "raw " in line]
    assert json.loads(line.partition("raw ")[2]) == event("text")


def test_a_parameter_without_annotation_gets_the_official_type_in_both_schemas(host: Host) -> None:
    assert post(host, "Plain", [event("1")]).status == 202
    host.wait_for_log("plain EventGridEvent")
    assert post(host, "Plain", as_cloud_event(event("2"))).status == 202
    host.wait_for_log("plain CloudEvent")


def test_the_events_of_a_delivery_run_side_by_side(host: Host) -> None:
    assert post(host, "Together", [event("1"), event("2")]).status == 202


def test_one_failure_is_the_answer_for_all_once_all_have_run(host: Host) -> None:
    answer = post(host, "Picky", [event("bad"), event("good")])
    assert (answer.status, answer.text) == (500, "Exception while executing function: Functions.Picky")
    for identity in ("good", "bad"):
        host.wait_for_log(f"trying {identity}")
        assert sum(f"trying {identity}" in line for line in host.log) == 1
    assert post(host, "Picky", [event("good")]).status == 202


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_the_handshake_answers_with_the_code(host: Host, schema: str) -> None:
    data = {"validationCode": "c0de"}
    asked = [{"data": data}] if schema == "EventGridSchema" else {"data": json.dumps(data)}
    answer = post(host, "Seen", asked, kind="SubscriptionValidation")
    assert (answer.status, answer.json()) == (200, {"validationResponse": "c0de"})


def test_the_end_of_a_subscription_is_accepted_and_runs_nothing(host: Host) -> None:
    before = len([line for line in host.log if "plain " in line])
    assert post(host, "Plain", [event("1")], kind="Unsubscribe").status == 202
    assert len([line for line in host.log if "plain " in line]) == before


@pytest.mark.parametrize("name", ["Missing", "Off", "Broken", "seen", ""])
@pytest.mark.parametrize("kind", ["SubscriptionValidation", "Notification", None])
def test_a_function_that_does_not_run_is_not_found(host: Host, name: str, kind: str | None) -> None:
    answer = post(host, name, [{"data": {"validationCode": "c0de"}}], kind=kind)
    assert (answer.status, answer.text) == (404, f"cannot find function: '{name}'")


def test_an_annotation_that_azure_refuses_keeps_a_function_from_running(host: Host) -> None:
    answer = host.request("GET", "/admin/functions/Broken/status")
    assert 'does not match its Python annotation "dict"' in answer.json()["errors"][0]


def test_what_event_grid_does_not_send_is_refused(host: Host) -> None:
    for kind in (None, "Surprise"):
        assert post(host, "Seen", [event("1")], kind=kind).status == 400
    for body in (b"", b"{", b"[]", b"[3]", b'"\\ud800"'):
        assert post(host, "Seen", body).status == 400
        assert post(host, "Seen", body, kind="SubscriptionValidation").status == 400
    # The extension knows no handshake by OPTIONS.
    assert post(host, "Seen", b"", kind=None, method="OPTIONS").status == 400
    assert post(host, "Seen", b"", method="PUT").status == 405
    assert host.request("POST", "/runtime/webhooks/EventGrid/more?functionName=Seen").status == 404


def test_a_body_that_is_too_large_is_not_read(host: Host) -> None:
    headers = {"aeg-event-type": "Notification", "Content-Length": str(104_857_601)}
    assert host.request("POST", "/runtime/webhooks/EventGrid?functionName=Seen", b"", headers).status == 413


def test_the_admin_api_runs_a_function_for_an_event(host: Host) -> None:
    body = json.dumps({"input": json.dumps(event("by hand"))})
    assert host.request("POST", "/admin/functions/picky", body).status == 202
    host.wait_for_log("trying by hand")
    for wrong in ("{", "[]", json.dumps([event("1"), event("2")])):
        assert host.request("POST", "/admin/functions/Picky", json.dumps({"input": wrong})).status == 400


def test_the_list_of_functions_tells_the_address_of_the_webhook(host: Host) -> None:
    host.wait_for_log("  Seen ")
    [line] = [line for line in host.log if line.startswith("  Seen ")]
    assert line.split() == ["Seen", "eventGridTrigger", "/runtime/webhooks/EventGrid?functionName=Seen"]


def test_only_the_extensions_own_key_and_the_master_key_open_the_webhook(root: Path, tmp_path: Path) -> None:
    with running_host(root, tmp_path, "--enable-auth") as host:
        keys = json.loads((tmp_path / "host" / "keys.json").read_text())
        systems = keys["systemKeys"]
        for code in (systems["eventgrid_extension"], keys["master"]):
            assert post(host, "Plain", [event("1")], code=code).status == 202
        for code in ("", "wrong", systems["blobs_extension"], keys["functionKeys"]["default"]):
            assert post(host, "Plain", [event("1")], code=code).status == 401
        # Not even that there is no such function is told without the key.
        assert post(host, "Missing", [event("1")]).status == 401


def test_what_has_begun_is_finished_before_the_host_ends(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write_host_json(root)
    write_function(root, "Slow", [event_grid_trigger()], SLOW)
    with running_host(root, tmp_path / "state") as host, ThreadPoolExecutor() as threads:
        delivery = threads.submit(post, host, "Slow", [event("delivered")])
        host.wait_for_log("slowly delivered")
        host.request("POST", "/admin/functions/Slow", json.dumps({"input": json.dumps(event("by hand"))}))
        host.wait_for_log("slowly by hand")
        assert host.terminate() == 0
        assert delivery.result().status == 202
        host.wait_for_log("finished by hand")


def test_a_host_that_is_killed_accepts_nothing_so_that_the_event_comes_again(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write_host_json(root)
    write_function(root, "Slow", [event_grid_trigger()], SLOW.replace("wait(1)", "wait(600)"))
    with running_host(root, tmp_path / "state") as host, ThreadPoolExecutor() as threads:
        delivery = threads.submit(post, host, "Slow", [event("1")])
        host.wait_for_log("slowly 1")
        host.kill()
        assert isinstance(delivery.exception(), ConnectionError)
