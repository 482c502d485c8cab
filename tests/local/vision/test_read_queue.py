"""The queue of Read: what happens between accepting a document and its end, with a reader that tests steer."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.patience import wait_until

from local.vision.faults import ReadFate
from local.vision.reading.read_queue import MAX_ATTEMPTS, WORKERS, ReadQueue, StoppedError
from local.vision.reading.store import LIFE_SECONDS, OperationStore, Task

TASK = Task("image", (1,), "en", "natural", "2022-04-30")
NOW = ReadFate()
WAIT_SECONDS = 110.0


class Reader:
    """Reads a document by waiting for its turn; `begun` tells what came in, `gates` let each go on."""

    def __init__(self) -> None:
        self.begun: queue.SimpleQueue[tuple[Task, bytes]] = queue.SimpleQueue()
        self.gate = threading.Semaphore(0)
        self.fails = False

    def __call__(self, task: Task, document: bytes, go_on: Callable[[], None]) -> dict[str, Any]:
        self.begun.put((task, document))
        while not self.gate.acquire(timeout=0.01):
            go_on()
        if self.fails:
            raise ZeroDivisionError("the reason")
        return {"read": document.decode()}


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000)


@pytest.fixture
def reads(reader: Reader, clock: FakeClock) -> Iterator[ReadQueue]:
    reads = ReadQueue(OperationStore(None), reader, wall_clock=clock.now)
    yield reads
    reads.close()


def status(reads: ReadQueue, name: str) -> str:
    report = reads.report(name)
    assert report is not None
    return str(report.body["status"])


def test_two_are_read_at_once_and_the_third_has_not_started(reads: ReadQueue, reader: Reader) -> None:
    for name in ("a", "b", "c"):
        reads.accept(name, TASK, name.encode(), NOW, None)
    begun = [reader.begun.get(timeout=WAIT_SECONDS) for _ in range(WORKERS)]

    assert begun == [(TASK, b"a"), (TASK, b"b")]
    assert [status(reads, name) for name in "abc"] == ["running", "running", "notStarted"]
    reader.gate.release(3)
    wait_until(lambda: [status(reads, name) for name in "abc"] == ["succeeded"] * 3)
    report = reads.report("c")
    assert report
    assert report.body["analyzeResult"] == {"read": "c"}


def test_the_end_is_told_when_both_the_reading_and_the_duration_are_over(
    reads: ReadQueue, reader: Reader, clock: FakeClock
) -> None:
    reads.accept("slow", TASK, b"x", ReadFate(seconds=5), None)
    reader.gate.release()
    wait_until(lambda: status(reads, "slow") == "running")
    clock.advance(5)
    wait_until(lambda: status(reads, "slow") == "succeeded")

    reads.accept("late", TASK, b"x", ReadFate(seconds=5), None)
    clock.advance(60)
    reader.begun.get(timeout=WAIT_SECONDS)
    reader.begun.get(timeout=WAIT_SECONDS)
    assert status(reads, "late") == "running"
    reader.gate.release()
    wait_until(lambda: status(reads, "late") == "succeeded")
    late = reads.report("late")
    assert late
    assert (late.body["createdDateTime"], late.body["lastUpdatedDateTime"]) == (
        "1970-01-12T13:46:45Z",
        "1970-01-12T13:47:45Z",
    )


def test_a_document_that_cannot_be_read_fails_and_the_reason_is_on_stderr(
    reads: ReadQueue, reader: Reader, capfd: pytest.CaptureFixture[str]
) -> None:
    reader.fails = True
    reads.accept("bad", TASK, b"x", NOW, None)
    reader.gate.release()
    wait_until(lambda: status(reads, "bad") == "failed")

    assert "the reason" in capfd.readouterr().err
    reader.fails = False
    reads.accept("good", TASK, b"x", NOW, None)
    reader.gate.release()
    wait_until(lambda: status(reads, "good") == "succeeded")


def test_what_a_fault_or_a_script_decides_is_never_read(reads: ReadQueue, reader: Reader) -> None:
    reads.accept("failing", TASK, b"x", ReadFate(fails=True), None)
    reads.accept("scripted", TASK, b"x", NOW, {"said": "so"})

    assert [status(reads, name) for name in ("failing", "scripted")] == ["failed", "succeeded"]
    assert reader.begun.empty()


def test_what_was_left_in_good_order_is_read_again_however_often(tmp_path: Path, clock: FakeClock) -> None:
    name = "op"
    for attempt in range(MAX_ATTEMPTS + 2):
        reader = Reader()
        reads = ReadQueue(OperationStore(tmp_path), reader, wall_clock=clock.now)
        if attempt == 0:
            reads.accept(name, TASK, b"kept", NOW, None)
        assert reader.begun.get(timeout=WAIT_SECONDS) == (TASK, b"kept")
        if attempt == MAX_ATTEMPTS + 1:
            reader.gate.release()
            wait_until(lambda reads=reads: status(reads, name) == "succeeded")  # type: ignore[misc]
        reads.close()


def test_a_document_that_ends_the_process_each_time_is_given_up(
    tmp_path: Path, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    store = OperationStore(tmp_path)
    reads = ReadQueue(store, stopped_at_once, wall_clock=clock.now)
    reads.stop()
    reads.accept("fatal", TASK, b"x", NOW, None)
    for _ in range(MAX_ATTEMPTS):
        assert store.work("fatal") is not None  # begun, and never put back: the process was gone
    reads.close()
    reads = ReadQueue(OperationStore(tmp_path), Reader(), wall_clock=clock.now)
    wait_until(lambda: status(reads, "fatal") == "failed")
    reads.close()

    assert f"ended the service {MAX_ATTEMPTS} times" in capfd.readouterr().err


def stopped_at_once(task: Task, document: bytes, go_on: Callable[[], None]) -> dict[str, Any]:
    """Read nothing."""
    raise StoppedError


def test_the_document_is_let_go_when_it_has_been_read_and_all_is_forgotten_in_the_end(
    tmp_path: Path, clock: FakeClock
) -> None:
    reader = Reader()
    store = OperationStore(tmp_path)
    reads = ReadQueue(store, reader, wall_clock=clock.now)
    reader.gate.release(2)
    reads.accept("first", TASK, b"x", NOW, None)
    wait_until(lambda: status(reads, "first") == "succeeded")
    assert store.work("first") is None
    clock.advance(LIFE_SECONDS + 1)
    assert reads.report("first") is None
    reads.accept("second", TASK, b"x", NOW, None)
    assert store.find("first") is None
    reads.close()
