"""What a function is told about its own invocation, and which invocation a log line belongs to."""

import contextvars
import threading
import uuid
from collections.abc import Mapping
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


current_invocation: contextvars.ContextVar[Invocation | None] = contextvars.ContextVar("invocation", default=None)


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
        self._thread_local = threading.local()
        self._thread_local.invocation_id = invocation.id

    @property
    def invocation_id(self) -> str:
        """Id of this run."""
        return self._invocation.id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]
        """Holds `invocation_id`."""
        return self._thread_local

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
