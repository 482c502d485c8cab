"""Threads that do a part of an invocation are marked as the worker marks its own; late lines wait for the next one."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles.http_requests import invocation

from shared import log, threads

LOGGER = logging.getLogger("test.threads")
MARKS = invocation().thread_local_storage


def mark(_: object = None) -> str | None:
    """What the worker would take a line of this thread for."""
    found: str | None = getattr(MARKS, "invocation_id", None)
    return found


def _of_begin(pool: ThreadPoolExecutor) -> list[str | None]:
    found: list[str | None] = []
    threads.begin("part", lambda: found.append(mark())).join()
    return found


WAYS: dict[str, Callable[[ThreadPoolExecutor], list[str | None]]] = {
    "begin": _of_begin,
    "side_by_side": lambda pool: list(threads.side_by_side(pool, mark, [1])),
    "in_pool": lambda pool: [asyncio.run(threads.in_pool(pool, mark))],
    "nested": lambda pool: list(threads.side_by_side(pool, lambda _: _of_begin(pool)[0], [1])),
}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.mark.parametrize("way", WAYS)
def test_a_thread_has_the_mark_of_the_invocation_that_it_works_for(way: str, pool: ThreadPoolExecutor) -> None:
    for identifier in ("one", "two"):
        with threads.invocation(invocation(identifier)):
            assert WAYS[way](pool) == [identifier]
    assert pool.submit(mark).result() is None
    assert WAYS[way](pool) == [None]


def test_a_thread_of_the_worker_keeps_its_own_mark(pool: ThreadPoolExecutor) -> None:
    def work() -> str | None:
        MARKS.invocation_id = "mine"
        with threads.invocation(invocation("other")):
            threads.carried(mark)()
        return mark()

    assert pool.submit(work).result() == "mine"


def test_an_error_leaves_no_mark(pool: ThreadPoolExecutor) -> None:
    with threads.invocation(invocation("one")), pytest.raises(ZeroDivisionError):
        list(threads.side_by_side(pool, lambda zero: 1 / zero, [0]))
    assert pool.submit(mark).result() is None


def test_what_is_logged_after_the_invocation_is_written_by_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    over = threading.Event()

    def late() -> None:
        over.wait()
        log.event(LOGGER, "answer.not_stored")

    with threads.invocation(invocation("one")):
        log.event(LOGGER, "answer.given")
        thread = threads.begin("late", late)
    over.set()
    thread.join()
    assert caplog.messages == ["answer.given correlation=one"]
    with threads.invocation(invocation("two")):
        log.event(LOGGER, "answer.given")
    assert caplog.messages[1:] == ["answer.not_stored correlation=one", "answer.given correlation=two"]


def test_a_line_is_written_once_however_many_invocations_begin(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with threads.invocation(invocation("one")):
        tell = threads.carried(lambda: log.event(LOGGER, "answer.not_stored"))
    tell()
    assert caplog.messages == []
    for identifier in ("two", "three"):
        with threads.invocation(invocation(identifier)):
            pass
    assert caplog.messages == ["answer.not_stored correlation=one"]


def test_the_storage_sdk_does_not_log_its_requests() -> None:
    assert not logging.getLogger("azure.core.pipeline.policies.http_logging_policy").isEnabledFor(logging.INFO)
