"""A message stays invisible while its function runs, and is deleted, released or moved by what becomes of the run."""

import asyncio
import base64
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from local.host.app.config import QueueConfig
from local.host.app.connections import StringConnection
from local.host.app.loader import LoadedFunction
from local.host.app.metadata import Binding, FunctionMetadata
from local.host.app.signature import Signature
from local.host.errors import InvocationError
from local.host.queues.backoff import Backoff
from local.host.queues.consumer import QueueConsumer
from local.host.queues.names import poison_queue
from local.host.queues.storage import Message
from local.host.queues.trigger import QueueFunction
from local.host.runner import Runner

INVISIBLE_SECONDS = 0.02


def message(dequeue_count: int = 1, text: str = "x") -> Message:
    content = base64.b64encode(text.encode()).decode()
    return Message("id", "receipt 0", content, dequeue_count, None, None, None)


class FakeQueue:
    """A queue that hands out *waiting* once; each `hide` brings a new receipt, unless *broken* says that it fails."""

    def __init__(self, waiting: list[Message], *, broken: int = 0, unreadable: int = 0) -> None:
        self.waiting = waiting
        self.broken = broken
        self.unreadable = unreadable
        self.hidden: list[tuple[str, float]] = []
        self.deleted: list[str] = []
        self.added: list[str] = []
        self.changed = threading.Condition()

    def receive(self, count: int, invisible_seconds: float) -> list[Message] | None:
        if self.unreadable:
            self.unreadable -= 1
            raise OSError(f"no answer\nTried: {self.unreadable}")
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken

    def hide(self, message: Message, seconds: float) -> Message | None:
        if self.broken:
            self.broken -= 1
            raise OSError("no answer")
        with self.changed:
            self.hidden.append((message.receipt, seconds))
            self.changed.notify_all()
            return replace(message, receipt=f"receipt {len(self.hidden)}")

    def delete(self, message: Message) -> None:
        self.deleted.append(message.receipt)

    def put(self, content: str) -> None:
        self.added.append(content)

    def close(self) -> None:
        return

    def wait_for_hidden(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.hidden) >= count, 20)


class FakeRunner:
    """Runs no function: it waits until the queue has been asked to hide the message *renewals* times, or fails."""

    def __init__(self, queue: FakeQueue, renewals: int = 0, *, fails: bool = False) -> None:
        self._queue, self._renewals, self._fails = queue, renewals, fails
        self.runs = 0

    async def run(self, function: LoadedFunction, *_: object) -> Mapping[str, Any]:
        self.runs += 1
        await asyncio.to_thread(self._queue.wait_for_hidden, self._renewals)
        if self._fails:
            raise InvocationError("as asked")
        return {}


def queue_function(queue: str) -> QueueFunction:
    binding = Binding("item", "queueTrigger", "in", None, {"queueName": queue})
    metadata = FunctionMetadata("F", Path(), Path("f.py"), "main", (binding,), disabled=False, config={})
    return QueueFunction(
        LoadedFunction(metadata, print, Signature({}, None, False)), queue, StringConnection("an account")
    )


def consume(queue: FakeQueue, runner: FakeRunner, config: QueueConfig | None = None, name: str = "work") -> FakeQueue:
    """Process what waits in *queue*, until nothing does any more; returns the poison queue."""
    poison = FakeQueue([])
    config = config or QueueConfig(max_polling_interval_seconds=0.1)

    async def main() -> None:
        with ThreadPoolExecutor(4) as threads:
            consumer = QueueConsumer(
                queue_function(name),
                lambda _, opened: queue if opened == name else poison,
                cast(Runner, runner),
                threads,
                config,
                INVISIBLE_SECONDS,
            )
            following = asyncio.create_task(consumer.run())
            while queue.waiting or queue.unreadable:
                await asyncio.sleep(0.001)
            consumer.stop()
            await following
            await consumer.drain()

    asyncio.run(main())
    return poison


def test_message_is_kept_invisible_while_its_function_runs_and_deleted_by_its_last_receipt() -> None:
    queue = FakeQueue([message()])
    consume(queue, FakeRunner(queue, renewals=3))
    assert len(queue.hidden) >= 3
    assert queue.hidden == [(f"receipt {number}", INVISIBLE_SECONDS) for number in range(len(queue.hidden))]
    assert queue.deleted == [f"receipt {len(queue.hidden)}"]


def test_renewal_that_fails_is_tried_again() -> None:
    queue = FakeQueue([message()], broken=2)
    consume(queue, FakeRunner(queue, renewals=1))
    assert queue.hidden[0] == ("receipt 0", INVISIBLE_SECONDS)
    assert queue.deleted == [f"receipt {len(queue.hidden)}"]


def test_queue_that_cannot_be_read_for_a_while_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    queue = FakeQueue([message()], unreadable=3)
    runner = FakeRunner(queue)
    consume(queue, runner)
    assert (runner.runs, queue.deleted) == (1, ["receipt 0"])
    [told] = [line for line in caplog.text.splitlines() if "cannot be read" in line]
    assert told.endswith("cannot be read: no answer Tried: 2")


def test_failed_message_is_seen_again_after_the_visibility_timeout() -> None:
    queue = FakeQueue([message(4)])
    poison = consume(queue, FakeRunner(queue, fails=True), QueueConfig(visibility_timeout_seconds=30))
    assert queue.hidden == [("receipt 0", 30)]
    assert (queue.deleted, poison.added) == ([], [])


def test_message_that_failed_the_last_time_is_moved_to_the_poison_queue() -> None:
    queue = FakeQueue([message(5)])
    poison = consume(queue, FakeRunner(queue, fails=True))
    assert poison.added == [message().content]
    assert queue.deleted == ["receipt 0"]


def test_message_that_was_taken_too_often_is_moved_without_another_run() -> None:
    queue = FakeQueue([message(6)])
    runner = FakeRunner(queue)
    poison = consume(queue, runner)
    assert (runner.runs, poison.added, queue.deleted) == (0, [message().content], ["receipt 0"])


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 9000, "7"])
def test_whatever_a_message_holds_its_function_runs(text: str) -> None:
    queue = FakeQueue([message(text=text)])
    runner = FakeRunner(queue)
    consume(queue, runner)
    assert (runner.runs, queue.deleted) == (1, ["receipt 0"])


@pytest.mark.parametrize(("dequeue_count", "runs", "told"), [(1, 1, 0), (5, 1, 0), (6, 0, 1), (7, 0, 0)])
def test_message_of_a_poison_queue_is_neither_released_nor_lost_and_told_about_once(
    dequeue_count: int, runs: int, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue([message(dequeue_count)])
    runner = FakeRunner(queue, fails=True)
    poison = consume(queue, runner, name="work-poison")
    assert (queue.hidden, queue.deleted, poison.added) == ([], [], [])
    assert (runner.runs, caplog.text.count("does not run for the message id any more")) == (runs, told)


@pytest.mark.parametrize(
    ("queue", "poison"),
    [("work", "work-poison"), ("work-poison", None), ("w" * 56, "w" * 56 + "-poison"), ("w" * 57, None)],
)
def test_poison_queue_is_named_after_its_queue_where_it_can_be(queue: str, poison: str | None) -> None:
    assert poison_queue(queue) == poison


def test_waits_double_from_a_tenth_of_a_second_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(2.0, lambda low, high: (low + high) / 2)
    waits = [backoff.next_seconds() for _ in range(8)]
    assert waits == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 2.0, 2.0])
    backoff.reset()
    assert backoff.next_seconds() == pytest.approx(0.1)


def test_waits_are_random_by_a_fifth() -> None:
    shortest, longest = (Backoff(60.0, choose) for choose in (min, max))
    for backoff in (shortest, longest):
        backoff.next_seconds()
    assert (shortest.next_seconds(), longest.next_seconds()) == pytest.approx((0.18, 0.22))
