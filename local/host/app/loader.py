"""
Import functions as the Python worker does.

The app root is a namespace package `__app__`, a function is the module `__app__.<Folder>`, and the root itself is the
last entry of sys.path: an installed package of the same name wins over a folder of the app.
"""

import importlib
import importlib.machinery
import importlib.util
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.app.metadata import BrokenFunction, FunctionMetadata, function_folders, is_disabled, read_function
from local.host.app.signature import Signature, check_signature
from local.host.errors import FunctionLoadError

NAMESPACE = "__app__"
# Raises FunctionLoadError for a function that this host cannot run, by its bindings and the environment.
Check = Callable[[FunctionMetadata, Mapping[str, str]], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedFunction:
    """A function that can be called."""

    metadata: FunctionMetadata
    call: Callable[..., Any]
    signature: Signature

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.metadata.name

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop instead of in a thread."""
        return inspect.iscoroutinefunction(self.call)


@dataclass(frozen=True)
class LoadedApp:
    """Every function folder of an app: those that run and those that do not."""

    functions: tuple[LoadedFunction, ...]
    broken: tuple[BrokenFunction, ...]

    def find(self, name: str) -> LoadedFunction | None:
        """Return the function *name*, in whatever case it is written."""
        return next((function for function in self.functions if function.name.lower() == name.lower()), None)


def enter_app(root: Path) -> None:
    """Make this process an app's worker: its imports and its working directory are those of the app in *root*."""
    os.chdir(root)
    project = Path(__file__).resolve().parents[3]
    own = [str(root), str(project)] if project != root else [str(root)]
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) not in own] + own
    spec = importlib.machinery.ModuleSpec(NAMESPACE, None)
    spec.submodule_search_locations = [str(root)]
    sys.modules[NAMESPACE] = importlib.util.module_from_spec(spec)


def load_app(root: Path, environment: Mapping[str, str], check: Check, only: frozenset[str] | None = None) -> LoadedApp:
    """Load every function folder of *root*, or those of the names *only*; a broken one does not hinder the others."""
    functions, broken = [], []
    for folder in function_folders(root):
        if only is not None and folder.name.lower() not in only:
            continue
        try:
            metadata = read_function(folder, environment)
            check(metadata, environment)
            functions.append(load_function(root, metadata))
        except FunctionLoadError as error:
            broken.append(BrokenFunction(folder.name, str(error), is_disabled(folder.name, environment)))
    return LoadedApp(tuple(functions), tuple(broken))


def load_function(root: Path, metadata: FunctionMetadata) -> LoadedFunction:
    """Import one function and check its signature; raises FunctionLoadError."""
    call = _import(root, metadata)
    try:
        signature = check_signature(call, metadata.bindings)
    except FunctionLoadError as error:
        raise FunctionLoadError(f"cannot load the {metadata.name} function: {error}") from None
    except (TypeError, ValueError, NameError) as error:
        raise FunctionLoadError(f"cannot load the {metadata.name} function: {type(error).__name__}: {error}") from error
    return LoadedFunction(metadata, call, signature)


def module_name(root: Path, script: Path, function: str) -> str:
    """Return the module name of *script*, an absolute path below *root*; raises FunctionLoadError for other files."""
    if script.suffix != ".py":
        raise FunctionLoadError(f"cannot load function {function}: invalid Python filename {script}")
    if not script.is_relative_to(root):
        raise FunctionLoadError(f"cannot load function {function}: {script} lies outside of the app")
    relative = script.relative_to(root)
    names = [NAMESPACE, *relative.parts[:-1]]
    if script.stem.lower() != "__init__":
        names.append(script.stem)
    return ".".join(names)


def _import(root: Path, metadata: FunctionMetadata) -> Callable[..., Any]:
    name = module_name(root, metadata.script_file, metadata.name)
    try:
        module = importlib.import_module(name)
    except Exception as error:
        logger.exception("%s cannot be imported", metadata.name)
        raise FunctionLoadError(_with_its_place(error, root)) from error
    call = getattr(module, metadata.entry_point, None)
    if not callable(call):
        raise FunctionLoadError(
            f"cannot load function {metadata.name}: function {metadata.entry_point}() is not present in "
            f"{metadata.script_file.relative_to(root)}"
        )
    return call  # type: ignore[no-any-return]


def _with_its_place(error: Exception, root: Path) -> str:
    """Say what went wrong at the import, and in which file and line of the app."""
    if isinstance(error, SyntaxError):
        text, places = error.msg, [(error.filename or "", error.lineno)]
    else:
        text, places = (
            str(error),
            [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)],
        )
    own = [(Path(file).relative_to(root), line) for file, line in places if _is_of_the_app(Path(file), root)]
    place = f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
    return f"{type(error).__name__}: {text}{place}"


def _is_of_the_app(file: Path, root: Path) -> bool:
    return file.is_relative_to(root) and "site-packages" not in file.parts and file != Path(__file__)
