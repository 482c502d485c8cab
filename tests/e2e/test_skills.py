"""Skills on the real stack: a batch at the tier's pace, paid once, whoever hangs up and whatever is killed."""

import base64
import hashlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import pytest
from doubles.calls import call
from doubles.documents import text_pdf
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.stack_controls import Held

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
JSON = {"Content-Type": "application/json"}
SIDE_BY_SIDE = 8


def image(seed: int) -> bytes:
    return picture("PNG", 90, 60, colour=(seed % 256, 30, 60))


def batch_of(*images: bytes) -> dict[str, Any]:
    records = [{"image": {"$type": "file", "data": base64.b64encode(each).decode()}} for each in images]
    return {"values": [{"recordId": str(number), "data": data} for number, data in enumerate(records)]}


def with_bad(batch: dict[str, Any], every: int) -> dict[str, Any]:
    """The batch with the image of every so many records cut short."""
    for record in batch["values"][::every]:
        record["data"]["image"]["data"] = record["data"]["image"]["data"][:40]
    return batch


def ask(stack: RunningStack, batch: dict[str, Any], skill: str = "describe") -> list[dict[str, Any]]:
    path = f"/api/skills/{skill}?timeoutSeconds=60"
    answer = call(stack.addresses.port, "POST", path, json.dumps(batch).encode(), JSON)
    assert answer.status == 200, answer.text
    assert str(answer.header("Content-Type")).startswith("application/json")
    found: list[dict[str, Any]] = answer.json()["values"]
    assert [each["recordId"] for each in found] == [each["recordId"] for each in batch["values"]]
    return found


def paid(stack: RunningStack, operation: str, *images: bytes) -> list[int]:
    """How often that was paid for each of the images."""
    bodies = stack.paid_calls().get(operation, [])
    return [bodies.count(hashlib.sha256(each).hexdigest()) for each in images]


def test_a_batch_with_bad_records_is_answered_and_the_same_batch_again_pays_nothing(
    shared_stack: RunningStack,
) -> None:
    """The stack's rate is that of the tier S1: ten calls a second."""
    images = [image(seed) for seed in range(20)]
    batch = with_bad(batch_of(*images), 10)
    found = ask(shared_stack, batch)
    assert [number for number, each in enumerate(found) if each["errors"]] == [0, 10]
    assert all(each["data"]["tags"] for each in found if not each["errors"])
    once = [int(number % 10 > 0) for number in range(20)]
    assert paid(shared_stack, "describe", *images) == once
    assert ask(shared_stack, batch) == found
    assert paid(shared_stack, "describe", *images) == once


def test_a_caller_that_hangs_up_finds_everything_on_its_second_try(shared_stack: RunningStack) -> None:
    images = [image(seed) for seed in range(20, 40)]
    body = json.dumps(batch_of(*images)).encode()
    head = (
        "POST /api/skills/describe?timeoutSeconds=230 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    caller = socket.create_connection(("127.0.0.1", shared_stack.addresses.port))
    with Held(shared_stack, "describe") as held, caller:
        caller.sendall(head.encode() + body)
        held.wait_for_any()
    wait_until(lambda: paid(shared_stack, "describe", *images) == [1] * 20)
    found = ask(shared_stack, batch_of(*images))
    assert all(each["errors"] is None and each["data"]["tags"] for each in found)
    assert paid(shared_stack, "describe", *images) == [1] * 20


def test_documents_are_read_each_once_and_an_uploaded_image_by_its_name_or_its_address(
    shared_stack: RunningStack,
) -> None:
    [state] = shared_stack.wait_for("sign.jpg").values()
    assert state.text.state == "done"
    before = len(shared_stack.paid_calls()["read"])
    address = f"{shared_stack.addresses.blob_url}/images/sign.jpg"
    documents = [text_pdf("First page of a batch"), text_pdf("Second page of a batch")]
    batch = batch_of(*documents, documents[0])
    batch["values"] += [
        {"recordId": "3", "data": {"name": "sign.jpg"}},
        {"recordId": "4", "data": {"url": address, "sasToken": "?sig=not-needed-here"}},
    ]
    found = ask(shared_stack, batch, "read")
    assert [each["errors"] for each in found] == [None] * 5
    texts = [each["data"]["text"] for each in found]
    assert texts[:3] == ["First page of a batch\n", "Second page of a batch\n", "First page of a batch\n"]
    assert "RIVER PARK" in texts[3]
    assert texts[3] == texts[4]
    assert {line["page"] for line in found[0]["data"]["lines"]} == {1}
    assert paid(shared_stack, "read", *documents) == [1, 1]
    assert len(shared_stack.paid_calls()["read"]) == before + 2
    log = (shared_stack.state / "logs" / "host.log").read_text()
    assert "not-needed-here" not in log


@pytest.fixture
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("skills"))
    stack.start("--no-samples")
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def test_a_killed_host_pays_at_most_the_calls_in_flight_again(own_stack: RunningStack) -> None:
    before, new = [image(seed) for seed in range(50, 54)], [image(seed) for seed in range(54, 64)]
    ask(own_stack, batch_of(*before))
    host = own_stack.pids()["host"]

    def lost() -> None:
        with suppress(OSError, HTTPException):
            ask(own_stack, batch_of(*before, *new))

    with Held(own_stack, "describe") as held:
        caller = threading.Thread(target=lost)
        caller.start()
        held.wait_for_any()
        os.kill(host, signal.SIGKILL)
        wait_until(lambda: own_stack.pids().get("host", host) != host)
        caller.join()
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(answered(own_stack, batch_of(*before, *new))) or bool(found))
    assert all(each["errors"] is None for each in found)
    assert paid(own_stack, "describe", *before) == [1] * 4
    counts = paid(own_stack, "describe", *new)
    assert set(counts) <= {1, 2}
    assert counts.count(2) <= SIDE_BY_SIDE


def answered(stack: RunningStack, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer, or nothing while the host is not there again."""
    try:
        return ask(stack, batch)
    except (OSError, HTTPException, AssertionError):
        return []
