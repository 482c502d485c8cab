"""
Whether everything that the app does in a thread is done for an invocation, and where it hands its work to threads.

`sites()` are those places, as the source has them; a `Watch` tells which of them a run has come by, can do without the
hand-over at one of them, and reports each function of the app that begins in a thread which works for no invocation.
"""

import ast
import asyncio
import importlib
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures import thread as pools
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from doubles.worker_logs import PROJECT, Outcome, Worker

import shared

MODULE = "shared.threads"
HAND_OVERS = ("begin", "carried", "in_pool", "invocation", "side_by_side")
_OWN = PROJECT / "shared" / "threads.py"
# What begins a thread, and what gives a pool something to do.
_BEGINNING = {"Thread", "Timer", "start_new_thread", "Process", "ProcessPoolExecutor", "run_in_executor", "to_thread"}
_GIVING = {"submit", "map"}
_POOLS = {"Executor", "ThreadPoolExecutor"}


class Site(NamedTuple):
    """A place in the source that uses a function of `shared.threads`."""

    file: str
    line: int
    end: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} threads.{self.function}"


@cache
def sources() -> dict[str, ast.Module]:
    """The app's own files but `shared/threads.py`, by their path in the project."""
    found = [
        *PROJECT.glob("shared/**/*.py"),
        *(path.parent / "__init__.py" for path in PROJECT.glob("*/function.json")),
    ]
    return {str(path.relative_to(PROJECT)): ast.parse(path.read_text()) for path in sorted(found) if path != _OWN}


def sites() -> list[Site]:
    """Every use of a hand-over, called or not: what is passed on as a value is no call here, and no run comes by it."""
    return [site for file, tree in sources().items() for site in _sites(file, tree)]


def public_functions() -> set[str]:
    """What `shared.threads` has to be called by others."""
    found = {
        each.name
        for each in ast.parse(_OWN.read_text()).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {name for name in found if not name.startswith("_")}


def _sites(file: str, tree: ast.Module) -> Iterator[Site]:
    modules, functions = _imported(tree)
    calls: dict[int, ast.expr] = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        name = None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            name = node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            name = functions.get(node.id)
        if name in HAND_OVERS and isinstance(node, ast.expr):
            whole = calls.get(id(node), node)
            yield Site(file, whole.lineno, whole.end_lineno or whole.lineno, name)


def _imported(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """By which names a file knows the module, and by which its functions."""
    modules, functions = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                if node.module == MODULE:
                    functions[each.asname or each.name] = each.name
                elif f"{node.module}.{each.name}" == MODULE:
                    modules.add(each.asname or each.name)
    return modules, functions


def threads_of_their_own(trees: Mapping[str, ast.Module]) -> list[str]:
    """Every place in these files that begins a thread or gives a pool something to do without `shared.threads`."""
    named = {name for tree in trees.values() for name in _named_pools(tree)}
    return [found for file, tree in trees.items() for found in _on_their_own(file, tree, named)]


def _on_their_own(file: str, tree: ast.Module, pools: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        name, owner = (node.attr, node.value) if isinstance(node, ast.Attribute) else (node.id, None)
        if name in _BEGINNING or (name in _GIVING and _last_name(owner) in pools):
            yield f"{file}:{node.lineno} {ast.unparse(node)}"


def _named_pools(tree: ast.Module) -> Iterator[str]:
    """The names of variables, parameters and attributes that hold a pool."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _makes_pool(node.value):
            yield from (_last_name(target) for target in node.targets)
        elif isinstance(node, ast.withitem) and _makes_pool(node.context_expr):
            yield _last_name(node.optional_vars)
        elif isinstance(node, ast.AnnAssign) and _last_name(node.annotation) in _POOLS:
            yield _last_name(node.target)
        elif isinstance(node, ast.arg) and _last_name(node.annotation) in _POOLS:
            yield node.arg


def _makes_pool(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _last_name(node.func) in _POOLS


def _last_name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class _Begun(NamedTuple):
    """Where something was given to a thread, the last place first, and for which invocation."""

    where: str
    invocations: dict[str, str | None]


class Watch:
    """
    Watches what a worker's invocations do.

    Attributes:
        strays: each function of the app that began in a thread which did not work for the invocation that had begun it.
        reached: the sites that were come by.
        off: the site at which the hand-over is left out.
    """

    def __init__(self, worker: Worker) -> None:
        self.strays: set[str] = set()
        self.reached: set[Site] = set()
        self.off: Site | None = None
        self._worker = worker
        self._active = False
        self._here = threading.local()
        self._threads: list[threading.Thread] = []
        self._sites: dict[str, list[Site]] = {}
        for site in sites():
            self._sites.setdefault(str(PROJECT / site.file), []).append(site)
        for each in pkgutil.walk_packages(shared.__path__, "shared."):
            importlib.import_module(each.name)
        self._modules = [module for name, module in sys.modules.items() if name.split(".")[0] in _app()]
        self._files = {module.__file__ for module in self._modules} - {str(_OWN)}

    @contextmanager
    def installed(self) -> Iterator["Watch"]:
        """Stand between the app and its threads."""
        functions = vars(importlib.import_module(MODULE))
        with pytest.MonkeyPatch.context() as patch:
            for real in [functions[name] for name in HAND_OVERS]:
                stand_in = self._stand_in(real)
                for module in self._modules:
                    for name in [name for name, value in vars(module).items() if value is real]:
                        patch.setattr(module, name, stand_in)
            patch.setattr(threading.Thread, "start", self._starting(threading.Thread.start))
            patch.setattr(ThreadPoolExecutor, "submit", self._submitting(ThreadPoolExecutor.submit))
            yield self

    def begin(self) -> None:
        """Forget what was seen so far."""
        self.settle()
        self.strays.clear()
        self.reached.clear()

    def invoke(self, name: str, inputs: dict[str, Any]) -> Outcome:
        """Have the worker run a function and watch it; see `Worker.invoke`."""
        self._active = True
        sys.setprofile(self._entered)
        try:
            return self._worker.invoke(name, inputs)
        finally:
            sys.setprofile(None)

    def settle(self) -> None:
        """Wait for the threads that were begun meanwhile."""
        while self._threads:
            self._threads.pop().join()
        self._active = False

    def _entered(self, frame: FrameType, event: str, _: object) -> None:
        """A function begins or goes on in this thread, or something else has happened that is no matter here."""
        if event != "call" or not self._active or frame.f_code.co_filename not in self._files:
            return
        begun: _Begun | None = getattr(self._here, "begun", None)
        for way, found in self._worker.invocations().items():
            if found is None or (begun and found != begun.invocations[way]):
                where = begun.where if begun else "the worker"
                self.strays.add(f"{way}: {_place(frame)} {frame.f_code.co_qualname} for {found}, begun at {where}")

    def _stand_in(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*given: Any, **named: Any) -> Any:
            site = self._site(sys._getframe(1), real.__name__)
            if site:
                self.reached.add(site)
            if site is None or site != self.off:
                return real(*given, **named)
            return without(real, *given, **named)

        return stand_in

    def _site(self, frame: FrameType, function: str) -> Site | None:
        places = self._sites.get(frame.f_code.co_filename, ())
        line = frame.f_lineno
        return next((site for site in places if site.function == function and site.line <= line <= site.end), None)

    def _starting(self, real: Callable[..., None]) -> Callable[..., None]:
        def start(thread: threading.Thread) -> None:
            begun = self._beginning()
            # The threads of a pool are told what they do it for with each piece of work.
            if begun and getattr(thread, "_target", None) is not pools._worker:
                run = thread.run
                thread.run = lambda: self._with(begun, run)  # type: ignore[method-assign]  # of this one thread
                self._threads.append(thread)
            real(thread)

        return start

    def _submitting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def submit(pool: Executor, action: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
            if not self._active:
                return real(pool, action, *given, **named)
            begun = self._beginning()
            return real(pool, lambda: self._with(begun, lambda: action(*given, **named)))

        return submit

    def _with(self, begun: _Begun | None, action: Callable[[], Any]) -> Any:
        self._here.begun = begun
        sys.setprofile(self._entered)
        try:
            return action()
        finally:
            sys.setprofile(None)
            self._here.begun = None

    def _beginning(self) -> _Begun | None:
        """Where the app begins something in this moment; None if it is the worker that does."""
        frame: FrameType | None = sys._getframe(2)
        places = []
        while frame:
            if frame.f_code.co_filename in self._files:
                places.append(_place(frame))
            frame = frame.f_back
        return _Begun(" < ".join(places[:3]), self._worker.invocations()) if places else None


def without(real: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Do what a function of `shared.threads` does, but for handing the invocation over."""
    plain: dict[str, Callable[..., Any]] = {
        "begin": _begin,
        "carried": lambda action: action,
        "in_pool": lambda pool, action: asyncio.get_running_loop().run_in_executor(pool, action),
        "invocation": lambda context: nullcontext(),
        "side_by_side": lambda pool, action, items: pool.map(action, items),
    }
    return plain[real.__name__](*given, **named)


def _begin(name: str, action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action, name=name, daemon=True)
    thread.start()
    return thread


def _app() -> set[str]:
    """The names of the app's packages."""
    return {"shared", *(path.parent.name for path in PROJECT.glob("*/function.json"))}


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).relative_to(PROJECT)}:{frame.f_lineno}"
