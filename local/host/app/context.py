"""What a function is told about its own invocation, and which invocation a log line belongs to."""

import asyncio
import contextvars
import sys
import threading
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from azure import functions


@dataclass(frozen=True)
class Invocation:
    """One run of one function."""

    function: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def short_id(self) -> str:
        """Enough of the id to tell concurrent invocations apart in a log."""
        return self.id[:8]


# Which mark the worker looks for where there is no task: up to Python 3.12 that of the thread, from 3.13 on that of the
# context, which a thread has only if it was started with a copy of its starter's.
Attribution = Literal["thread", "context"]
WORKERS_ATTRIBUTION: Attribution = "context" if sys.version_info >= (3, 13) else "thread"
Result = TypeVar("Result")

# One for all invocations, as in the worker: a function that starts threads sets its `invocation_id` in them.
thread_storage = threading.local()
_context_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("invocation_id", default=None)
_running: dict[str, Invocation] = {}
_host = threading.local()


class InvocationTask(asyncio.Task[Any]):
    """A task of the invocation whose task has made it, as every task in the worker is."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], **options: Any) -> None:
        super().__init__(coroutine, **options)
        self.invocation_id: str | None = getattr(asyncio.current_task(self.get_loop()), "invocation_id", None)


def mark_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have the tasks that a function makes on *loop* belong to its invocation."""
    loop.set_task_factory(lambda loop, coroutine, **options: InvocationTask(coroutine, loop=loop, **options))


def task_of(invocation: Invocation, coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Start *coroutine* in a task of *invocation*."""
    context = contextvars.copy_context()
    context.run(_context_id.set, invocation.id)
    task = InvocationTask(coroutine, loop=asyncio.get_running_loop(), context=context)
    task.invocation_id = invocation.id
    return task


@contextmanager
def running(invocation: Invocation) -> Iterator[None]:
    """Count *invocation* among those that run: what is logged for it afterwards is lost."""
    _running[invocation.id] = invocation
    try:
        yield
    finally:
        del _running[invocation.id]


@contextmanager
def thread_of(invocation: Invocation) -> Iterator[None]:
    """Mark this thread as one of *invocation*."""
    thread_storage.invocation_id = invocation.id
    token = _context_id.set(invocation.id)
    try:
        yield
    finally:
        _context_id.reset(token)
        thread_storage.invocation_id = None


def current_invocation(attribution: Attribution) -> Invocation | None:
    """Return the running invocation that the worker takes the caller's log lines for; None if it takes none."""
    return _running.get(_task_id() or _id_without_task(attribution) or "")


def host_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Return a pool for what the host does itself: what libraries log there is no function's."""
    return ThreadPoolExecutor(count, thread_name_prefix=name, initializer=lambda: setattr(_host, "is_here", True))


def is_host_thread() -> bool:
    """Whether the caller's thread is one of the host's own; that of the event loop is."""
    return getattr(_host, "is_here", False) or threading.current_thread() is threading.main_thread()


def _task_id() -> str | None:
    try:
        return getattr(asyncio.current_task(), "invocation_id", None)
    except RuntimeError:
        return None  # no event loop runs in this thread


def _id_without_task(attribution: Attribution) -> str | None:
    return _context_id.get() if attribution == "context" else getattr(thread_storage, "invocation_id", None)


class TraceContext(functions._abc.TraceContext):
    """W3C trace context: each invocation starts a trace of its own."""

    def __init__(self) -> None:
        self._trace_parent = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-00"

    @property
    def trace_state(self) -> str:
        """No vendor data."""
        return ""

    @property
    def trace_parent(self) -> str:
        """The `traceparent` header value."""
        return self._trace_parent

    @property
    def attributes(self) -> dict[str, str]:
        """No attributes."""
        return {}


class RetryContext(functions._abc.RetryContext):
    """Retry policies of function.json are not for HTTP and blob functions, so this never counts."""

    @property
    def retry_count(self) -> int:
        """How often this invocation was retried by a policy."""
        return 0

    @property
    def max_retry_count(self) -> int:
        """How often a policy would retry."""
        return 0

    @property
    def exception(self) -> functions._abc.RpcException:
        """No retry, so nothing that caused it; None, as in the worker."""
        return None  # type: ignore[return-value]


class FunctionContext(functions.Context):
    """The `context` parameter of a function."""

    def __init__(self, invocation: Invocation, directory: Path) -> None:
        self._invocation = invocation
        self._directory = directory
        self._trace_context = TraceContext()

    @property
    def invocation_id(self) -> str:
        """Id of this run."""
        return self._invocation.id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]
        """Its `invocation_id` says which invocation the log lines of a thread belong to."""
        return thread_storage

    @property
    def function_name(self) -> str:
        """Name of the function's folder."""
        return self._invocation.function

    @property
    def function_directory(self) -> str:
        """Absolute path of the function's folder."""
        return str(self._directory)

    @property
    def trace_context(self) -> TraceContext:
        """Trace of this run."""
        return self._trace_context

    @property
    def retry_context(self) -> RetryContext:
        """Retries of this run."""
        return RetryContext()


class Output(functions.Out[object]):
    """An output parameter; what stays None is not written."""

    def __init__(self) -> None:
        self._value: object = None

    def set(self, val: object) -> None:
        """Set the value to write."""
        self._value = val

    def get(self) -> object:
        """Return the value set so far."""
        return self._value


Outputs = Mapping[str, Output]
