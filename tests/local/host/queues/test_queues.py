"""Queue functions run for the messages of a real storage queue, until they succeed or the message is poison."""

import base64
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from doubles.azurite import ACCOUNT, Azurite
from doubles.hosting import Host, queue_trigger, running_host, write_function, write_host_json
from doubles.patience import PATIENCE_SECONDS, wait_until
from doubles.ports import five_free_ports

SEEN = """
import json, logging
import azure.functions as func

def main(item: func.QueueMessage) -> None:
    logging.info("seen %s", json.dumps({
        "id": item.id, "body": item.get_body().decode(), "count": item.dequeue_count, "receipt": item.pop_receipt,
        "inserted": item.insertion_time.isoformat(), "expires": item.expiration_time.isoformat(),
        "visible": item.time_next_visible.isoformat(),
    }))
"""
TEXT = "import logging\ndef main(item: str) -> None:\n    logging.info('text %r', item)\n"
RAW = "import logging\ndef main(item: bytes) -> None:\n    logging.info('raw %r', item)\n"
FAILS = """
import logging
import azure.functions as func

def main(item: func.QueueMessage) -> None:
    logging.info("trying %s for the %d. time", item.get_body().decode(), item.dequeue_count)
    raise RuntimeError("never works")
"""
COPY = """
import azure.functions as func
def main(item: func.QueueMessage, source: func.InputStream, copy: func.Out[bytes]) -> None:
    copy.set(source.read() + b" by " + item.get_body())
"""
FAST = {"maxPollingInterval": "00:00:00.2"}


def blob(name: str, direction: str, path: str) -> dict[str, Any]:
    return {"type": "blob", "name": name, "direction": direction, "path": path, "connection": "ImagesStorage"}


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Queues:
    """The queues of one account, made when they are first used."""

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self._service = QueueServiceClient.from_connection_string(azurite.connection_string)

    def make(self, name: str) -> None:
        with contextlib.suppress(ResourceExistsError):
            self._service.create_queue(name)

    def put(self, name: str, content: str, **options: Any) -> Any:
        self.make(name)
        with self._service.get_queue_client(name) as queue:
            return queue.send_message(content, **options)

    def take(self, name: str) -> list[str]:
        """Every message that can be seen now, removed."""
        with self._service.get_queue_client(name) as queue:
            found = list(queue.receive_messages(messages_per_page=32))
            for message in found:
                queue.delete_message(message)
            return [message.content for message in found]

    def count(self, name: str) -> int:
        """How many messages there are, the invisible ones included."""
        with self._service.get_queue_client(name) as queue:
            return int(queue.get_queue_properties().approximate_message_count or 0)

    def close(self) -> None:
        self._service.close()


@pytest.fixture(scope="module")
def queues(azurite: Azurite) -> Iterator[Queues]:
    queues = Queues(azurite)
    yield queues
    queues.close()


def environment(azurite: Azurite) -> dict[str, str]:
    return {"AzureWebJobsImagesStorage": azurite.connection_string, "AzureWebJobsStorage": "unused", "PART": "of-text"}


@dataclass(frozen=True)
class Stack:
    host: Host
    queues: Queues

    def lines(self, text: str) -> Sequence[str]:
        return [line for line in self.host.log if text in line]

    def seen(self) -> list[dict[str, Any]]:
        return [json.loads(line.partition(" seen ")[2]) for line in self.lines(' seen {"id"')]


@pytest.fixture(scope="module")
def stack(queues: Queues, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("queues")
    write_host_json(root, extensions={"queues": {**FAST, "maxDequeueCount": 3}})
    write_function(root, "Seen", [queue_trigger("seen")], SEEN)
    write_function(root, "Text", [queue_trigger("Queue-%PART%")], TEXT)
    write_function(root, "Raw", [queue_trigger("raw", dataType="binary")], RAW)
    write_function(root, "Fails", [queue_trigger("fails")], FAILS)
    write_function(root, "FailsInPoison", [queue_trigger("other-poison")], FAILS)
    copies = [blob("source", "in", "queued/{from.name}"), blob("copy", "out", "queued/{id}-{to}")]
    write_function(root, "Copy", [queue_trigger("copy"), *copies], COPY)
    write_function(root, "Off", [queue_trigger("off")], SEEN, disabled=True)
    with running_host(root, root / "state", environment=environment(queues.azurite)) as host:
        yield Stack(host, queues)


def test_function_gets_the_message_and_all_that_is_known_of_it(stack: Stack) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    sent = stack.queues.put("seen", encoded("größe"), time_to_live=3600)
    stack.host.wait_for_log(sent.id)
    (seen,) = [each for each in stack.seen() if each["id"] == sent.id]
    assert (seen["body"], seen["count"]) == ("größe", 1)
    assert seen["receipt"]
    inserted, expires, visible = (datetime.fromisoformat(seen[name]) for name in ("inserted", "expires", "visible"))
    assert before <= inserted <= datetime.now(UTC)
    assert expires - inserted == timedelta(hours=1)
    assert inserted < visible < inserted + timedelta(minutes=2)


def test_message_of_a_function_that_succeeded_is_gone(stack: Stack) -> None:
    sent = stack.queues.put("seen", encoded("once"))
    stack.host.wait_for_log(sent.id)
    wait_until(lambda: stack.queues.count("seen") == 0)
    assert len([each for each in stack.seen() if each["id"] == sent.id]) == 1


def test_queue_named_by_a_setting_in_upper_case_that_is_made_later_is_followed(stack: Stack) -> None:
    stack.host.wait_for_log("Text: the queue queue-of-text does not exist yet: it is waited for")
    stack.queues.put("queue-of-text", encoded("late"))
    stack.host.wait_for_log("text 'late'")
    assert len(stack.lines("queue-of-text does not exist")) == 1


def test_bytes_arrive_as_they_were_sent(stack: Stack) -> None:
    stack.queues.put("raw", encoded(b"\x00\xff"))
    stack.host.wait_for_log(r"raw b'\x00\xff'")


def test_failing_message_is_tried_as_often_as_host_json_says_and_becomes_poison(stack: Stack) -> None:
    stack.queues.put("fails", encoded("doomed"))
    stack.host.wait_for_log("it is now in the queue fails-poison")
    assert [line.partition("trying ")[2].strip() for line in stack.lines("trying doomed")] == [
        f"doomed for the {count}. time" for count in (1, 2, 3)
    ]
    assert stack.queues.take("fails-poison") == [encoded("doomed")]
    assert stack.queues.count("fails") == 0


def test_message_that_fails_in_a_poison_queue_stays_there_unseen(stack: Stack) -> None:
    stack.queues.put("other-poison", encoded("stays"))
    stack.host.wait_for_log("trying stays")
    stack.host.wait_for_log("FailsInPoison")
    wait_until(lambda: any("FailsInPoison" in line for line in stack.lines("Failed in")))
    # Two more looks at the queue, each of which would have taken it.
    for text in ("first", "second"):
        sent = stack.queues.put("seen", encoded(text))
        stack.host.wait_for_log(sent.id)
    assert len(stack.lines("trying stays")) == 1
    assert (stack.queues.count("other-poison"), stack.queues.take("other-poison")) == (1, [])


def test_message_that_is_no_base64_becomes_poison_as_it_is(stack: Stack) -> None:
    stack.queues.put("seen", "{no base64}")
    stack.host.wait_for_log("is no base64")
    wait_until(lambda: stack.queues.count("seen") == 0)
    assert stack.queues.take("seen-poison") == ["{no base64}"]


def test_members_of_a_json_message_name_blobs_of_other_bindings(stack: Stack) -> None:
    with BlobServiceClient.from_connection_string(stack.queues.azurite.connection_string) as blobs:
        blobs.create_container("queued").upload_blob("in.txt", b"content")
        message = json.dumps({"id": "own", "from": {"name": "in.txt"}, "to": "out.txt"})
        stack.queues.put("copy", encoded(message))
        wait_until(lambda: any("Copy" in line for line in stack.lines("Succeeded in")))
        made = blobs.get_blob_client("queued", "own-out.txt").download_blob().readall()
        assert made == f"content by {message}".encode()


def test_disabled_function_takes_no_message(stack: Stack) -> None:
    stack.queues.put("off", encoded("kept"))
    sent = stack.queues.put("seen", encoded("after it"))
    stack.host.wait_for_log(sent.id)
    assert stack.queues.take("off") == [encoded("kept")]


def test_admin_api_runs_a_queue_function_once_for_a_text(stack: Stack) -> None:
    answer = stack.host.request("POST", "/admin/functions/text", json.dumps({"input": "by hand"}))
    assert (answer.status, answer.body) == (202, b"")
    stack.host.wait_for_log("text 'by hand'")
    stack.host.request("POST", "/admin/functions/fails", json.dumps({"input": "by hand"}))
    stack.host.wait_for_log("trying by hand for the 0. time")
    assert stack.host.request("POST", "/admin/functions/text", "{}").status == 400


def test_table_at_start_tells_the_queue(stack: Stack) -> None:
    assert any("Seen" in line and "queueTrigger  seen" in line for line in stack.host.log)


# What stops, restarts and limits: an app of one function that waits for a file to appear.
WAITING = """
import logging, pathlib, time
GATE = pathlib.Path(__file__).parent.parent / "gate"

def main(item: str) -> None:
    logging.info("begun %s", item)
    while not GATE.exists():
        time.sleep(0.02)
"""


class App:
    """An app whose function waits for the gate."""

    def __init__(self, root: Path, queues: Queues, queue: str, code: str = WAITING, **options: Any) -> None:
        self.root, self.state, self.queues, self.queue = root, root / "state", queues, queue
        write_host_json(root, extensions={"queues": {**FAST, **options}})
        write_function(root, "Wait", [queue_trigger(queue)], code)

    def running(self) -> contextlib.AbstractContextManager[Host]:
        return running_host(self.root, self.state, environment=environment(self.queues.azurite))

    def open_gate(self) -> None:
        (self.root / "gate").touch()


def test_no_more_run_at_once_than_a_batch_and_the_threshold(queues: Queues, tmp_path: Path) -> None:
    app = App(tmp_path, queues, "batches", batchSize=2, newBatchThreshold=1)
    for number in range(5):
        queues.put(app.queue, encoded(f"number {number}"))
    with app.running() as host:
        host.wait_for_log("begun", count=2)
        # It asks for no more: those two are above the threshold of one.
        assert len(queues.take(app.queue)) == 3
        assert sum("begun" in line for line in host.log) == 2
        app.open_gate()
        host.wait_for_log("Succeeded", count=2)


def test_stop_lets_what_runs_finish_and_takes_nothing_new(queues: Queues, tmp_path: Path) -> None:
    app = App(tmp_path, queues, "stopping", batchSize=1, newBatchThreshold=0)
    queues.put(app.queue, encoded("running"))
    with app.running() as host:
        host.wait_for_log("begun running")
        queues.put(app.queue, encoded("left"))
        host.process.terminate()
        host.wait_for_log("finishing what has begun")
        app.open_gate()
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 0, "".join(host.log)
        assert sum(" begun " in line for line in host.log) == 1
    assert queues.count(app.queue) == 1
    assert queues.take(app.queue) == [encoded("left")]


def test_message_is_plain_text_where_host_json_says_so(queues: Queues, tmp_path: Path) -> None:
    app = App(tmp_path, queues, "plain", messageEncoding="none")
    app.open_gate()
    queues.put(app.queue, "{no base64}")
    with app.running() as host:
        host.wait_for_log("begun {no base64}")


def test_failed_message_is_seen_again_after_the_visibility_timeout(queues: Queues, tmp_path: Path) -> None:
    code = "import logging\ndef main(item):\n    raise RuntimeError('not yet')\n"
    app = App(tmp_path, queues, "later", code, visibilityTimeout="01:00:00")
    queues.put(app.queue, encoded("x"))
    with app.running() as host:
        host.wait_for_log("RuntimeError: not yet")
        assert host.terminate() == 0
        assert sum("Failed in" in line for line in host.log) == 1
    assert (queues.count(app.queue), queues.take(app.queue)) == (1, [])


def test_account_that_does_not_answer_is_told_about_once_and_holds_up_neither_the_app_nor_its_stop(
    queues: Queues, tmp_path: Path
) -> None:
    app = App(tmp_path, queues, "nowhere")
    port = five_free_ports()
    away = queues.azurite.connection_string.replace(queues.azurite.queue_url, f"http://127.0.0.1:{port}/{ACCOUNT}")
    with running_host(app.root, app.state, environment={"ImagesStorage": away}) as host:
        host.wait_for_log("the queue nowhere cannot be read")
        assert host.request("GET", "/admin/host/ping").status == 200
        assert host.terminate() == 0
        assert sum("cannot be read" in line for line in host.log) == 1
