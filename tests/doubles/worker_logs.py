"""
Azure's Python worker as far as it decides which invocation a line of the log belongs to, and the host that drops lines.

    with Worker().running() as worker:
        worker.invoke("AnalyzeHttp", {"req": request("POST", IMAGE)})
    assert not worker.lost

The rules are the worker's own, not the app's:
    it loads every folder with a function.json, and hands a function `context` if it has a parameter of that name that
    is no binding's;
    a function that is no coroutine runs in a thread of a pool, whose `thread_local_storage.invocation_id` is set around
    the call;
    a coroutine runs in a task of the event loop with the id as an attribute, which tasks made inside inherit;
    a handler of the root logger looks the id up while the line is logged: in the task that runs in this thread, else in
    the thread's storage (Python 3.11 and 3.12), or in a context variable (3.13).
Both ways to look it up are gone at once, and a line is lost if either has lost it.
The host drops a line without an id, and one whose invocation is not under way.
"""

import asyncio
import contextvars
import importlib
import inspect
import json
import logging
import threading
import typing
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
# The two ways in which workers find the invocation of a line.
THREAD, CONTEXT = "by thread, Python 3.11 and 3.12", "by context, Python 3.13"
_MARK = "_invocation_id"
_CURRENT: contextvars.ContextVar[str | None] = contextvars.ContextVar("worker's invocation", default=None)


@dataclass(frozen=True)
class Function:
    """A function as the worker has loaded it: *bindings* has their types by name, *trigger* the trigger's."""

    name: str
    trigger: str
    call: Callable[..., Any]
    wants_context: bool
    bindings: Mapping[str, str]

    @property
    def is_orchestrator(self) -> bool:
        """Whether its `context` is its trigger, so that it cannot be told its invocation."""
        return self.trigger == "orchestrationTrigger"


class Line(NamedTuple):
    """A line that was logged, and the id of the invocation that was found for it, by each way."""

    logger: str
    text: str
    invocations: Mapping[str, str | None]


class Outcome(NamedTuple):
    """What a function returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


@cache
def functions() -> dict[str, Function]:
    """Every function of the app, from the function.json files on disk."""
    return {path.parent.name: load(path) for path in sorted(PROJECT.glob("*/function.json"))}


def load(path: Path) -> Function:
    """
    Load one function folder.

    Raises:
        TypeError: the worker would not load it.
    """
    content = json.loads(path.read_text())
    assert content.get("scriptFile", "__init__.py") == "__init__.py"
    call = getattr(importlib.import_module(path.parent.name), content.get("entryPoint", "main"))
    bindings = {each["name"]: each["type"] for each in content["bindings"] if each["name"] != "$return"}
    (trigger,) = [kind for kind in bindings.values() if kind.endswith("Trigger")]
    return check(path.parent.name, trigger, call, bindings)


def check(name: str, trigger: str, call: Callable[..., Any], bindings: Mapping[str, str]) -> Function:
    """Compare a function's parameters with its bindings; raises TypeError as `load`."""
    parameters, hints = set(inspect.signature(call).parameters), typing.get_type_hints(call)
    wants_context = "context" in parameters and "context" not in bindings
    if wants_context:
        parameters.remove("context")
        hint = hints.get("context")
        if hint is not None and not (isinstance(hint, type) and hint.__name__ == "Context"):
            raise TypeError(f"{name}: the context is expected to be a Context and is {hint!r}")
    if parameters != set(bindings):
        raise TypeError(f"{name} takes {sorted(parameters)}, and its bindings are {sorted(bindings)}")
    return Function(name, trigger, call, wants_context, bindings)


class _Task(asyncio.Task[Any]):
    """A task that knows its invocation: the one of the task that has made it."""

    def __init__(self, work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(work, loop=loop, **options)
        maker = asyncio.current_task(loop)
        setattr(self, _MARK, getattr(maker, _MARK, None))


class Worker(logging.Handler):
    """
    The worker and its host.

    Attributes:
        lines: what was logged, in order.
        lost: those of them that the host has dropped, by either way.
        logged: notified with each line.
    """

    def __init__(self, loaded: Mapping[str, Function] | None = None) -> None:
        super().__init__()
        self.functions = functions() if loaded is None else loaded
        self.lines: list[Line] = []
        self.lost: list[Line] = []
        self.logged = threading.Condition()
        self._storage = threading.local()
        self._under_way: set[str | None] = set()
        self._count = 0

    @contextmanager
    def running(self) -> Iterator["Worker"]:
        """Let it work: with its handler on the root logger, an event loop and threads."""
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.INFO)
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(lambda loop, work, **options: _Task(work, loop, **options))
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="worker")
        try:
            yield self
        finally:
            self._threads.shutdown()
            self._loop.close()
            root.removeHandler(self)
            root.setLevel(level)

    def invoke(self, name: str, inputs: Mapping[str, Any]) -> Outcome:
        """Run a function to its end. *inputs* are the values of its bindings; those it does not have are left out."""
        function = self.functions[name]
        self._count += 1
        identifier = f"{name}-{self._count}"
        given = {key: value for key, value in inputs.items() if key in function.bindings}
        if function.wants_context:
            given["context"] = SimpleNamespace(
                invocation_id=identifier, thread_local_storage=self._storage, function_name=name
            )
        self._under_way.add(identifier)
        try:
            return Outcome(self._loop.run_until_complete(self._run(function, identifier, given)))
        except Exception as error:
            return Outcome(error=error)
        finally:
            self.acquire()  # a line that is being logged comes before the end
            self._under_way.remove(identifier)
            self.release()

    async def _run(self, function: Function, identifier: str, given: Mapping[str, Any]) -> Any:
        # A message from the host that starts an invocation is handled in a task of its own, and so in its own context.
        setattr(asyncio.current_task(), _MARK, identifier)
        _CURRENT.set(identifier)
        if inspect.iscoroutinefunction(function.call):
            return await function.call(**given)

        def call() -> Any:
            self._storage.invocation_id = identifier
            try:
                return function.call(**given)
            finally:
                self._storage.invocation_id = None

        return await self._loop.run_in_executor(self._threads, contextvars.copy_context().run, call)

    def invocations(self) -> dict[str, str | None]:
        """The invocation to which a worker would count what this thread logged now, by each way."""
        # asyncio.current_task() raises where there is no loop.
        task = asyncio.current_task() if asyncio._get_running_loop() else None
        marked = getattr(task, _MARK, None) or getattr(self._storage, "invocation_id", None)
        return {THREAD: marked, CONTEXT: _CURRENT.get()}

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line."""
        line = Line(record.name, record.getMessage(), self.invocations())
        self.lines.append(line)
        if not self._under_way.issuperset(line.invocations.values()):
            self.lost.append(line)
        with self.logged:
            self.logged.notify_all()
