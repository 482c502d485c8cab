"""Lines on their way into the host account: none is lost, and those of invocations that end together go together."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.lost_answers import lose_answers
from doubles.memory import MOST_BLOCKS, MemoryBlobs

from shared import names
from shared.errors import StorageError
from shared.index import backlog, base, fold, places, reader
from shared.index.entry import Line
from shared.index.tail import TAIL_SECONDS, Tail
from shared.index.writer import IndexWriter, Noted, noting
from shared.transport import time_budget

NOW = FakeClock().utc().timestamp()


def line(number: int) -> Line:
    return {"stem": f"{number}.jpg", "at": NOW + number, "parts": {"text": {"e": "abcde"}}}


def stored(host: MemoryBlobs) -> list[str]:
    """The stems of all lines, in the order of the tails and their blocks."""
    blobs = host.contents(names.INDEX).values()
    return [json.loads(each)["stem"] for blob in blobs for each in blob.split(b"\n") if each]


def stored_lines(host: MemoryBlobs) -> list[str]:
    """The same of the tails alone."""
    blobs = host.contents(names.INDEX).items()
    tails = [blob for name, blob in blobs if name.startswith(places.TAILS)]
    return [json.loads(each)["stem"] for blob in tails for each in blob.split(b"\n") if each]


class Failing:
    """Storage that takes nothing of the index while it is told to."""

    def __init__(self, host: MemoryBlobs) -> None:
        self.is_out = True
        self.asked = 0
        host.before = self

    def __call__(self, operation: str, container: str, name: str) -> None:
        self.asked += 1
        if self.is_out:
            raise StorageError("out")


@pytest.fixture
def host(clock: FakeClock) -> MemoryBlobs:
    return MemoryBlobs(clock)


@pytest.fixture
def writer(host: MemoryBlobs, clock: FakeClock) -> IndexWriter:
    return IndexWriter(host, clock)


def test_all_lines_that_were_noted_are_stored_with_one_request(writer: IndexWriter, host: MemoryBlobs) -> None:
    for number in range(3):
        writer.note(line(number))
    writer.flush()
    assert stored(host) == ["0.jpg", "1.jpg", "2.jpg"]
    # One makes the blob, one adds to it.
    assert writer.operations == 2
    writer.note(line(3))
    writer.flush()
    writer.flush()
    assert (stored(host)[-1], writer.operations) == ("3.jpg", 3)


def test_a_line_is_what_it_was_whatever_its_texts_are(writer: IndexWriter, host: MemoryBlobs) -> None:
    content: dict[str, Any] = {"plain": {"words": "a\u0085b\r"}, "text": None}
    given: Line = {"stem": "ü\u2028\n日本.jpg", "at": NOW + 1.5, "parts": content}
    writer.note(given)
    writer.flush()
    (blob,) = host.contents(names.INDEX).values()
    first, rest = blob.split(b"\n")
    assert (json.loads(first), rest) == (given, b"")


def test_lines_that_storage_does_not_take_stay_for_the_next_call(writer: IndexWriter, host: MemoryBlobs) -> None:
    failing = Failing(host)
    writer.note(line(0))
    with pytest.raises(StorageError):
        writer.flush()
    writer.note(line(1))
    with pytest.raises(StorageError):
        writer.flush()
    failing.is_out = False
    writer.flush()
    assert stored(host) == ["0.jpg", "1.jpg"]


def test_a_tail_is_followed_by_another_after_five_minutes_when_it_is_full_and_when_it_is_gone(
    host: MemoryBlobs, clock: FakeClock
) -> None:
    tail = Tail(host, clock)

    def add() -> int:
        tail.add([line(0)])
        return len(host.contents(names.INDEX))

    assert [add(), add()] == [1, 1]
    clock.advance(TAIL_SECONDS)
    assert add() == 2
    newest = tail._name
    while host.append(names.INDEX, newest, b""):
        if host._containers[names.INDEX][newest].blocks == 2:
            host._containers[names.INDEX][newest].blocks = MOST_BLOCKS
    assert add() == 3
    host.delete(names.INDEX, tail._name)
    assert add() == 3
    assert len(stored(host)) == 4


def test_a_block_whose_answer_was_lost_comes_once(host: MemoryBlobs, clock: FakeClock) -> None:
    """The storage client repeats it by itself, and the repetition finds another length."""
    tail = Tail(host, clock)
    tail.add([line(0)])
    lose_answers(host, names.INDEX, StorageError("lost"), operation="append")
    with pytest.raises(StorageError):
        tail.add([line(1)])
    tail.add([line(1)])
    tail.add([line(2)])
    assert stored(host) == ["0.jpg", "1.jpg", "2.jpg"]


def test_many_lines_go_in_blocks_that_one_request_takes(host: MemoryBlobs, clock: FakeClock) -> None:
    tail = Tail(host, clock)
    many: list[Line] = [{"stem": f"{number}{'x' * 1000}", "at": NOW, "gone": True} for number in range(5000)]
    tail.add(many)
    assert stored(host) == [each["stem"] for each in many]
    assert tail.operations == 1 + 3


def test_a_tail_is_no_larger_than_a_reader_can_hold(host: MemoryBlobs, clock: FakeClock) -> None:
    """A run over all records leaves a hundred megabytes within minutes."""
    tail = Tail(host, clock)
    for begin in range(0, 30_000, 1000):
        tail.add({"stem": f"{number}{'x' * 1000}", "at": NOW, "gone": True} for number in range(begin, begin + 1000))
    sizes = [len(blob) for blob in host.contents(names.INDEX).values()]
    assert len(sizes) == 4
    assert max(sizes) < 10 * 1024 * 1024
    assert len(stored(host)) == 30_000


def test_while_one_writes_the_lines_of_others_wait_and_go_together(writer: IndexWriter, host: MemoryBlobs) -> None:
    appending, go_on = threading.Event(), threading.Event()

    def before(operation: str, container: str, name: str) -> None:
        if operation == "append" and not appending.is_set():
            appending.set()
            assert go_on.wait(30)

    host.before = before
    with ThreadPoolExecutor(9) as pool:

        def work(number: int) -> None:
            with noting() as noted:
                writer.note(line(number))
                ready.wait(30)
                noted.flush()

        ready = threading.Barrier(1)
        first = pool.submit(work, 0)
        assert appending.wait(30)
        ready = threading.Barrier(9)
        others = [pool.submit(work, number) for number in range(1, 9)]
        ready.wait(30)  # all of them have noted theirs
        go_on.set()
        for each in (first, *others):
            each.result(30)
    assert sorted(stored(host)) == sorted(f"{number}.jpg" for number in range(9))
    # The blob, the first block, and one for all others, of which some may have come late.
    assert writer.operations <= 4


def test_where_one_writes_for_all_and_cannot_all_are_told(writer: IndexWriter, host: MemoryBlobs) -> None:
    failing = Failing(host)
    started = threading.Barrier(4)

    def work(number: int) -> str:
        writer.note(line(number))
        started.wait(30)
        try:
            writer.flush()
        except StorageError as error:
            return error.message
        return "stored"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == ["out"] * 4
    failing.is_out = False
    writer.flush()
    assert sorted(stored(host)) == [f"{number}.jpg" for number in range(4)]


def test_one_whose_time_is_over_does_not_speak_for_others_that_have_more(
    writer: IndexWriter, host: MemoryBlobs
) -> None:
    """An HTTP request waits two seconds for storage; an upload is not to fail with it."""
    appending, go_on = threading.Event(), threading.Event()
    caller = FakeClock()

    def before(operation: str, container: str, name: str) -> None:
        if operation == "append" and not appending.is_set():
            appending.set()
            assert go_on.wait(30)
            caller.advance(3)
            raise StorageError("There was no time left.")

    def request() -> None:
        with time_budget.request(2, caller):
            writer.note(line(0))
            writer.flush()

    def upload() -> None:
        writer.note(line(1))
        noted.set()
        writer.flush()

    host.before, noted = before, threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(request)
        assert appending.wait(30)
        second = pool.submit(upload)
        assert noted.wait(30)
        go_on.set()
        second.result(30)
        with pytest.raises(StorageError):
            first.result(30)
    assert sorted(stored(host)) == ["0.jpg", "1.jpg"]


def built(host: MemoryBlobs) -> bool:
    return places.BUILT in host.contents(names.INDEX)


def test_while_storage_takes_nothing_lines_have_a_bound_and_what_is_given_up_is_made_up_for(
    writer: IndexWriter, host: MemoryBlobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backlog, "MOST_LINES", 40)
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    failing = Failing(host)
    # Thirty images that change again and again are thirty lines.
    for number in range(300):
        writer.note({**line(number), "stem": f"{number % 30}.jpg"})
    with pytest.raises(StorageError):
        writer.flush()
    assert len(writer._backlog._lines) <= 40
    failing.is_out = False
    writer.flush()
    assert {f"{number}.jpg" for number in range(30)} <= set(stored_lines(host))
    assert built(host)
    assert "index.lines_lost" not in caplog.text
    failing.is_out = True
    for number in range(1000):
        writer.note(line(number))
        if number % 7 == 0:
            with pytest.raises(StorageError):
                writer.flush()
        assert len(writer._backlog._lines) <= 40
    failing.is_out = False
    assert "index.lines_lost" in caplog.text
    assert built(host)
    writer.flush()
    # The newest are stored, and all records are compared once more.
    assert "999.jpg" in stored_lines(host)
    assert not built(host)
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    writer.note(line(0))
    writer.flush()
    assert built(host)


def test_a_line_that_was_held_up_for_long_brings_nothing_back(
    writer: IndexWriter, host: MemoryBlobs, clock: FakeClock
) -> None:
    """The image was deleted since, by another process, and the base has forgotten it."""
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    failing = Failing(host)
    writer.note(line(0))
    with pytest.raises(StorageError):
        writer.flush()
    failing.is_out = False
    clock.advance(600)
    other = IndexWriter(host, clock)
    other.note({"stem": "0.jpg", "at": clock.utc().timestamp(), "gone": True})
    other.flush()
    for _ in range(3):
        clock.advance(2 * base.LATE_SECONDS)
        fold.fold(host, clock)
    writer.note({**line(1), "at": clock.utc().timestamp()})
    writer.flush()
    assert [entry.stem for entry in reader.snapshot(host).values() if entry.is_there] == ["1.jpg"]
    assert not built(host)


def test_nothing_is_asked_where_an_invocation_has_no_lines_left(writer: IndexWriter, host: MemoryBlobs) -> None:
    with noting() as noted:
        noted.flush()
        assert writer.operations == 0
        writer.note(line(0))
    writer.note(line(1))  # of another one
    noted.flush()
    assert writer.operations == 2
    noted.flush()
    assert writer.operations == 2


def test_lines_of_threads_that_an_invocation_has_begun_are_its_own(writer: IndexWriter, host: MemoryBlobs) -> None:
    from shared import threads

    with noting() as noted, ThreadPoolExecutor(2) as pool:
        list(threads.side_by_side(pool, lambda number: writer.note(line(number)), range(3)))
    noted.flush()
    assert sorted(stored(host)) == ["0.jpg", "1.jpg", "2.jpg"]


LONG = 60.0


async def upload(writer: IndexWriter, number: int, pool: ThreadPoolExecutor, until: Callable[[], object]) -> None:
    with writer.working() as noted:
        writer.note(line(number))
        await asyncio.to_thread(until)
        await writer.store(noted, pool, LONG, images=1)


def test_uploads_that_are_at_work_together_cost_no_more_than_one_request_each(
    writer: IndexWriter, host: MemoryBlobs
) -> None:
    """Each waits for the others only while more was spent than came, and never once all are done."""

    async def burst() -> None:
        with ThreadPoolExecutor(8) as pool:
            for first in range(0, 80, 4):
                gate = threading.Barrier(4)
                await asyncio.gather(*(upload(writer, number, pool, gate.wait) for number in range(first, first + 4)))

    asyncio.run(asyncio.wait_for(burst(), LONG / 2))
    assert sorted(stored(host)) == sorted(f"{number}.jpg" for number in range(80))
    assert writer.operations <= 80


def test_texts_that_are_read_beside_uploads_cost_no_request_more_than_images_came(
    writer: IndexWriter, host: MemoryBlobs
) -> None:
    """Each image has two invocations with lines: its upload, and what stores its text."""

    async def text(number: int, pool: ThreadPoolExecutor, until: Callable[[], object]) -> None:
        with writer.working() as noted:
            writer.note(line(1000 + number))
            await asyncio.to_thread(until)
            await writer.store(noted, pool, LONG)

    async def burst() -> None:
        with ThreadPoolExecutor(8) as pool:
            for first in range(0, 82, 2):
                # The texts of the two before, beside these uploads.
                gate = threading.Barrier(4 if 0 < first < 80 else 2)
                uploads = [upload(writer, number, pool, gate.wait) for number in range(first, min(first + 2, 80))]
                texts = [text(number, pool, gate.wait) for number in range(first - 2, first) if number >= 0]
                await asyncio.gather(*uploads, *texts)

    asyncio.run(asyncio.wait_for(burst(), LONG / 2))
    numbers = [*range(80), *range(1000, 1080)]
    assert sorted(stored(host)) == sorted(f"{number}.jpg" for number in numbers)
    assert writer.operations <= 80


def test_an_upload_that_is_alone_waits_for_none(writer: IndexWriter, host: MemoryBlobs) -> None:
    async def alone() -> None:
        with ThreadPoolExecutor(1) as pool:
            for number in range(3):
                await upload(writer, number, pool, lambda: None)

    asyncio.run(asyncio.wait_for(alone(), LONG / 2))
    assert len(stored(host)) == 3


def test_an_upload_waits_for_one_that_is_at_work_and_goes_with_its_lines(
    writer: IndexWriter, host: MemoryBlobs
) -> None:
    async def two() -> list[str]:
        order: list[str] = []
        done = threading.Event()
        with ThreadPoolExecutor(2) as pool:

            async def first() -> None:
                await upload(writer, 1, pool, lambda: None)
                order.append("first")

            async def second() -> None:
                with writer.working() as noted:
                    writer.note(line(2))
                    await asyncio.to_thread(done.wait, 30)
                    order.append("second is done")
                    await writer.store(noted, pool, LONG, images=1)

            tasks = [asyncio.create_task(each()) for each in (second, first)]
            while not writer._company._waiters:
                await asyncio.sleep(0)
            done.set()
            await asyncio.gather(*tasks)
        return order

    assert asyncio.run(asyncio.wait_for(two(), LONG / 2)) == ["second is done", "first"]
    assert sorted(stored(host)) == ["1.jpg", "2.jpg"]
    assert writer.operations == 2


def test_a_wait_ends_with_its_time_whatever_others_do(writer: IndexWriter, host: MemoryBlobs) -> None:
    async def one() -> None:
        with ThreadPoolExecutor(1) as pool, writer.working(), writer.working() as noted:
            writer.note(line(0))
            await writer.store(noted, pool, 0.01, images=1)

    asyncio.run(asyncio.wait_for(one(), LONG))
    assert stored(host) == ["0.jpg"]


def test_an_invocation_without_lines_stores_nothing(writer: IndexWriter) -> None:
    asyncio.run(writer.store(Noted(), ThreadPoolExecutor(1), LONG))
    assert writer.operations == 0
