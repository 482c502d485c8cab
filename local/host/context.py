"""What a function is told about its own invocation, and which invocation a log line belongs to."""

import contextvars
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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


# One for all invocations, as in the worker: a function that starts threads sets its `invocation_id` in them.
thread_storage = threading.local()
_current: contextvars.ContextVar[Invocation | None] = contextvars.ContextVar("invocation", default=None)
_running: dict[str, Invocation] = {}


@contextmanager
def running(invocation: Invocation) -> Iterator[None]:
    """Make *invocation* the current one of this task and of the threads that know its id."""
    token = _current.set(invocation)
    _running[invocation.id] = invocation
    try:
        yield
    finally:
        del _running[invocation.id]
        _current.reset(token)


@contextmanager
def thread_of(invocation: Invocation) -> Iterator[None]:
    """Mark this thread as one of *invocation*."""
    thread_storage.invocation_id = invocation.id
    try:
        yield
    finally:
        thread_storage.invocation_id = None


def current_invocation() -> Invocation | None:
    """Return the invocation that the caller works for; None for the host itself and for unmarked threads."""
    return _current.get() or _running.get(getattr(thread_storage, "invocation_id", None) or "")


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
