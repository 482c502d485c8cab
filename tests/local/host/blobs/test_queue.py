"""Blob events wait in a file that survives the process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.blobs.queue import BlobMessage, BlobQueue

FUNCTIONS = ("OnUpload",)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[BlobQueue]:
    opened = BlobQueue(tmp_path / "events.sqlite", clock)
    yield opened
    opened.close()


def message(blob: str, function: str = "OnUpload") -> BlobMessage:
    return BlobMessage(function, "images", blob, '"0x1"')


def test_messages_are_taken_in_order_and_once(queue: BlobQueue) -> None:
    queue.put([message("a"), message("b")])
    taken = [queue.take(FUNCTIONS), queue.take(FUNCTIONS)]
    assert [each.message.blob for each in taken if each] == ["a", "b"]
    assert queue.take(FUNCTIONS) is None


def test_only_messages_of_the_functions_asked_for_are_taken(queue: BlobQueue) -> None:
    queue.put([message("a", "Broken"), message("b")])
    taken = queue.take(FUNCTIONS)
    assert taken is not None
    assert taken.message.blob == "b"
    assert queue.take(FUNCTIONS) is None
    assert queue.take(()) is None
    assert queue.seconds_until_next(()) is None
    assert queue.count() == 2


def test_released_message_is_free_at_once_behind_those_that_wait(queue: BlobQueue, clock: Clock) -> None:
    queue.put([message("a"), message("b")])
    first = queue.take(FUNCTIONS)
    assert first is not None
    clock.seconds += 1
    queue.release(first)
    order = [queue.take(FUNCTIONS), queue.take(FUNCTIONS)]
    assert [(each.message.blob, each.dequeue_count) for each in order if each] == [("b", 1), ("a", 2)]


def test_delayed_message_comes_when_its_time_has_come(queue: BlobQueue, clock: Clock) -> None:
    queue.put([message("a")])
    taken = queue.take(FUNCTIONS)
    assert taken is not None
    queue.release(taken, 5)
    assert queue.take(FUNCTIONS) is None
    assert queue.seconds_until_next(FUNCTIONS) == 5
    clock.seconds += 5
    assert queue.take(FUNCTIONS) is not None


def test_deleted_message_is_gone(queue: BlobQueue) -> None:
    queue.put([message("a")])
    taken = queue.take(FUNCTIONS)
    assert taken is not None
    queue.delete(taken)
    assert queue.count() == 0


def test_reopening_frees_taken_messages_and_keeps_their_count(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "other.sqlite"
    for expected_count in (1, 2, 3):
        queue = BlobQueue(path, clock)
        if expected_count == 1:
            queue.put([message("a")])
        taken = queue.take(FUNCTIONS)
        assert taken is not None
        assert taken.dequeue_count == expected_count
        queue.close()


def test_reopening_ends_delays(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "other.sqlite"
    queue = BlobQueue(path, clock)
    queue.put([message("a")])
    taken = queue.take(FUNCTIONS)
    assert taken is not None
    queue.release(taken, 500)
    queue.close()
    again = BlobQueue(path, clock)
    assert again.take(FUNCTIONS) is not None
    again.close()


def test_messages_of_vanished_functions_are_deleted_and_counted(queue: BlobQueue) -> None:
    queue.put([message("a"), message("b", "Old"), message("c", "Old")])
    assert queue.delete_all_except(FUNCTIONS) == {"Old": 2}
    assert queue.count() == 1


def test_message_is_written_as_azure_writes_it() -> None:
    written = message("ü #%2e/x").to_json()
    assert json.loads(written) == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.OnUpload",
        "BlobType": "BlockBlob",
        "ContainerName": "images",
        "BlobName": "ü #%2e/x",
        "ETag": '"0x1"',
    }
    assert BlobMessage.from_json(written) == message("ü #%2e/x")


def test_message_is_written_to_the_letter_as_the_platform_does() -> None:
    """Newtonsoft.Json indents by two, leaves what is not ASCII, and escapes the line breaks of Unicode."""
    text = message("a\u2028\u0085ü.png").to_json()
    assert text == (
        "{\n"
        '  "Type": "BlobTrigger",\n'
        '  "FunctionId": "Host.Functions.OnUpload",\n'
        '  "BlobType": "BlockBlob",\n'
        '  "ContainerName": "images",\n'
        '  "BlobName": "a\\u2028\\u0085ü.png",\n'
        '  "ETag": "\\"0x1\\""\n'
        "}"
    )
    assert BlobMessage.from_json(text) == message("a\u2028\u0085ü.png")
