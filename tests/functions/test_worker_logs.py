"""The double of the worker's log rules, on functions that are small enough to see what becomes of their lines."""

import ast
import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.functions as func
import pytest
from doubles.handovers import threads_of_their_own
from doubles.worker_logs import CONTEXT, THREAD, Function, Worker, check

logger = logging.getLogger("shared.somewhere")
WORK = {"work": "activityTrigger"}


def loaded(call: Callable[..., Any]) -> dict[str, Function]:
    return {"F": check("F", "activityTrigger", call, WORK)}


def ways_of(call: Callable[..., Any]) -> dict[str, bool]:
    """Run a function that logs one line; whether each way to find an invocation has found it."""
    with Worker(loaded(call)).running() as worker:
        outcome = worker.invoke("F", {"work": None})
        assert outcome.error is None
    (line,) = worker.lines
    found = {way: identifier == "F-1" for way, identifier in line.invocations.items()}
    assert bool(worker.lost) == (not all(found.values()))
    return found


POOLS = """\
pool = ThreadPoolExecutor(1)
self._executor = futures.ThreadPoolExecutor()
class Parts:
    threads: Executor
"""
BOTH, NEITHER = {THREAD: True, CONTEXT: True}, {THREAD: False, CONTEXT: False}


def in_a_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_what_a_function_logs_itself_is_kept() -> None:
    def main(work: None) -> None:
        logger.info("a")

    async def coroutine(work: None) -> None:
        await asyncio.sleep(0)
        logger.info("a")

    assert (ways_of(main), ways_of(coroutine)) == (BOTH, BOTH)


def test_a_task_that_a_function_makes_inherits_its_invocation() -> None:
    async def line() -> None:
        logger.info("a")

    async def main(work: None) -> None:
        await asyncio.create_task(line())

    assert ways_of(main) == BOTH


def test_what_a_callback_of_the_loop_logs_is_lost_by_thread() -> None:
    async def main(work: None) -> None:
        asyncio.get_running_loop().call_soon(logger.info, "a")
        await asyncio.sleep(0)

    assert ways_of(main) == {THREAD: False, CONTEXT: True}


def test_what_a_new_thread_logs_is_lost() -> None:
    def main(work: None) -> None:
        in_a_thread(lambda: logger.info("a"))

    assert ways_of(main) == NEITHER


def test_a_copied_context_is_enough_for_the_later_worker_only() -> None:
    async def main(work: None) -> None:
        with ThreadPoolExecutor(1) as pool:
            run = contextvars.copy_context().run
            await asyncio.get_running_loop().run_in_executor(pool, run, logger.info, "a")

    assert ways_of(main) == {THREAD: False, CONTEXT: True}


def test_a_marked_thread_is_enough_for_the_earlier_worker_only() -> None:
    def main(work: None, context: func.Context) -> None:
        def line() -> None:
            marks: Any = context.thread_local_storage
            marks.invocation_id = context.invocation_id
            logger.info("a")

        in_a_thread(line)

    assert ways_of(main) == {THREAD: True, CONTEXT: False}


def test_a_line_after_the_end_is_lost_whatever_it_carries() -> None:
    begun: list[threading.Thread] = []
    ended = threading.Event()

    def main(work: None, context: func.Context) -> None:
        def late() -> None:
            marks: Any = context.thread_local_storage
            marks.invocation_id = context.invocation_id
            assert ended.wait(30)
            logger.info("a")

        begun.append(threading.Thread(target=contextvars.copy_context().run, args=[late]))
        begun[0].start()

    with Worker(loaded(main)).running() as worker:
        worker.invoke("F", {"work": None})
        ended.set()
        begun[0].join()
    assert [set(line.invocations.values()) for line in worker.lost] == [{"F-1"}]


def test_a_thread_of_the_worker_forgets_its_invocation() -> None:
    seen: list[str | None] = []

    def main(work: None, context: func.Context) -> None:
        marks: Any = context.thread_local_storage
        seen.append(marks.invocation_id)

    with Worker(loaded(main)).running() as worker:
        worker.invoke("F", {"work": None})
        assert worker._threads.submit(worker.invocations).result() == {THREAD: None, CONTEXT: None}
    assert seen == ["F-1"]


def test_a_context_is_handed_in_only_where_no_binding_has_its_name() -> None:
    def plain(work: None) -> None: ...

    def told(work: None, context: func.Context) -> None: ...

    def orchestrator(context: func.OrchestrationContext) -> None: ...

    trigger = "orchestrationTrigger"
    assert [loaded(call)["F"].wants_context for call in (plain, told)] == [False, True]
    assert not check("F", trigger, orchestrator, {"context": trigger}).wants_context


def test_what_the_worker_would_not_load_is_refused() -> None:
    def no_binding(work: None, more: str) -> None: ...

    def other_context(work: None, context: str) -> None: ...

    for call in (no_binding, other_context):
        with pytest.raises(TypeError):
            loaded(call)


@pytest.mark.parametrize(
    "line",
    [
        "threading.Thread(target=f)",
        "Timer(1, f)",
        "asyncio.to_thread(f)",
        "loop.run_in_executor(None, f)",
        "pool.submit(f)",
        "self._executor.map(f, [])",
        "parts.threads.submit(f)",
    ],
)
def test_a_thread_that_is_begun_without_the_module_is_found(line: str) -> None:
    found = threads_of_their_own({"x.py": ast.parse(f"{POOLS}{line}")})
    assert len(found) == 1
    assert found[0].startswith("x.py:5 ")


def test_what_only_sounds_like_a_pool_is_not_found() -> None:
    assert threads_of_their_own({"x.py": ast.parse("desk.submit(f)\nmap(f, [])\nthreads.begin('x', f)")}) == []
