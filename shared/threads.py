"""
Handing work to a thread, and the invocation along with it. Nothing else in `shared` begins a thread or fills a pool.

Azure's worker finds the invocation of a log line by the asyncio task. Else it looks at an attribute of the thread
(Python 3.11 and 3.12) or at a context variable (3.13). The host drops a line without an invocation, or whose invocation
has ended. The worker marks its own threads only; "Log from created threads" says how to mark others, in
https://learn.microsoft.com/azure/azure-functions/functions-reference-python.
"""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import azure.functions as func

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Invocation:
    """One run of a function, as the worker knows it."""

    def __init__(self, context: "func.Context") -> None:
        self.id: str = context.invocation_id
        self.lock = threading.Lock()
        self.over = False
        # The library declares the class where there is an instance.
        self._marks: Any = context.thread_local_storage

    @contextmanager
    def in_this_thread(self) -> Iterator[None]:
        """Inside, the worker takes the thread's log lines for this invocation's."""
        before = getattr(self._marks, "invocation_id", None)
        self._marks.invocation_id = self.id
        try:
            yield
        finally:
            self._marks.invocation_id = before


_current: contextvars.ContextVar[_Invocation | None] = contextvars.ContextVar("invocation", default=None)
# Lines of threads whose invocation was over; the oldest are dropped where no invocation comes to write them.
_late: deque[Callable[[], None]] = deque(maxlen=1000)


def _unchanged(error: Exception) -> Exception:
    return error


_leaving: Callable[[Exception], Exception] = _unchanged


@contextmanager
def invocation(context: "func.Context") -> Iterator[None]:
    """
    Inside, everything is a part of this invocation; lines that ended ones have left are written first.

    An error leaves it as `leave_with` was told.
    """
    current = _Invocation(context)
    token = _current.set(current)
    try:
        with suppress(IndexError):
            while True:
                _late.popleft()()
        yield
    except Exception as error:
        if (left := _leaving(error)) is error:
            raise
        raise left from left.__cause__
    finally:
        with current.lock:
            current.over = True
        _current.reset(token)


def leave_with(change: Callable[[Exception], Exception]) -> None:
    """From now on, errors leave invocations so changed, because the platform logs their texts."""
    global _leaving
    _leaving = change


def invocation_id() -> str | None:
    """The id of the invocation under way."""
    current = _current.get()
    return current.id if current else None


def tell(line: Callable[[], None]) -> None:
    """Write a line of the log: now, or by the next invocation if this one is over."""
    current = _current.get()
    if current is None:
        line()
        return
    with current.lock:
        if not current.over:
            line()
            return
    _late.append(line)


def carried(action: Callable[..., _R]) -> Callable[..., _R]:
    """The action for other threads, which then do a part of this invocation, with all of its context."""
    context, current = contextvars.copy_context(), _current.get()
    if current is None:
        # A context can be entered once at a time.
        return lambda *given: context.copy().run(action, *given)

    def run(*given: object) -> _R:
        with current.in_this_thread():
            return context.copy().run(action, *given)

    return run


def begin(name: str, action: Callable[[], object]) -> threading.Thread:
    """Do it in a thread of its own, which keeps no process from ending."""
    thread = threading.Thread(target=carried(action), name=name, daemon=True)
    thread.start()
    return thread


def side_by_side(pool: Executor, action: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """The pool's `map`."""
    return pool.map(carried(action), items)


async def in_pool(pool: Executor, action: Callable[[], _R]) -> _R:
    """Do it in a thread of the pool while the event loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(pool, carried(action))
