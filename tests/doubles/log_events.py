"""The events that the app logs, as its code says them: name, levels and fields, read without running it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = (*sorted(PROJECT.glob("shared/**/*.py")), *sorted(PROJECT.glob("[A-Z]*/__init__.py")))
# What `log.event` adds to each line.
ADDED = "correlation"
_OPTIONS = {"level"}
# A line that the logger gets by itself, for its traceback.
_LINE = re.compile(r"^([a-z]+\.[a-z_]+)((?: \w+=\S+)*)$")


class Event(NamedTuple):
    """One event: the levels that it is logged at, and every field that any of its lines has."""

    levels: frozenset[str]
    fields: frozenset[str]


def logged(sources: Iterator[Path] | tuple[Path, ...] = SOURCES) -> dict[str, Event]:
    """
    Every event by its name.

    Raises:
        AssertionError: a name or a level is computed, so that nobody can look it up.
    """
    found: dict[str, Event] = {}
    for path in sources:
        for name, event in _of_module(ast.parse(path.read_text(encoding="utf-8"))):
            before = found.get(name, Event(frozenset(), frozenset()))
            found[name] = Event(before.levels | event.levels, before.fields | event.fields)
    return found


def _of_module(tree: ast.Module) -> Iterator[tuple[str, Event]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        target = ast.unparse(call.func)
        if target == "log.event" and not isinstance(call.args[1], ast.Name):
            yield from _of_call(call, frozenset())
        elif target == "log_event":
            yield from _of_call(call, _fields(_wrapped()))
        elif target.startswith("_logger."):
            line = _LINE.match(ast.literal_eval(call.args[0]))
            assert line, ast.unparse(call)
            yield line[1], Event(frozenset([call.func.attr.upper()]), frozenset(re.findall(r"(\w+)=", line[2])))  # type: ignore[attr-defined]


def _wrapped() -> ast.Call:
    """The call in `error_outcomes.log_event`, which adds the fields of a job."""
    tree = ast.parse((PROJECT / "shared" / "ocr" / "error_outcomes.py").read_text(encoding="utf-8"))
    [wrapper] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "log_event"]
    [call] = [
        node for node in ast.walk(wrapper) if isinstance(node, ast.Call) and ast.unparse(node.func) == "log.event"
    ]
    return call


def _of_call(call: ast.Call, more: frozenset[str]) -> Iterator[tuple[str, Event]]:
    level = next((each.value for each in call.keywords if each.arg == "level"), None)
    levels = frozenset(_choices(level)) if level else frozenset(["INFO"])
    for name in _choices(call.args[1]):
        yield name, Event(levels, _fields(call) | more | {ADDED})


def _fields(call: ast.Call) -> frozenset[str]:
    return frozenset(each.arg for each in call.keywords if each.arg) - _OPTIONS


def _choices(node: ast.expr) -> Iterator[str]:
    """What an expression can be: text, a level, or one of two."""
    if isinstance(node, ast.IfExp):
        yield from _choices(node.body)
        yield from _choices(node.orelse)
    elif isinstance(node, ast.Attribute):
        yield node.attr
    else:
        assert isinstance(node, ast.Constant), f"line {node.lineno}: {ast.unparse(node)} is computed"
        yield node.value
