"""
Every answer that an HTTP function gives in a test is compared with the contract, whichever test asked.

`judge_all()` has to come before the first function folder is imported: both decorators of HTTP functions end in one
function, and it makes each of them compare what it is about to return.
"""

import functools
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import azure.functions as func
from doubles.conformance import Contract
from doubles.exchanges import Exchange, of_function

from shared.api import endpoint

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "openapi.json"
_RECORDERS: list[Callable[[Exchange], None]] = []


@functools.cache
def contract() -> Contract:
    """The contract of this checkout."""
    return Contract(json.loads(DOCUMENT.read_text()))


def judge_all() -> None:
    """Have every HTTP function that is made from now on judged."""
    original = endpoint._as_function

    def as_function(main: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
        route = _route(Path(handler.__code__.co_filename).parent)
        return original(_judged(main, route) if route else main, handler)

    endpoint._as_function = as_function


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """The exchanges inside, which the caller judges."""
    found: list[Exchange] = []
    _RECORDERS.append(found.append)
    try:
        yield found
    finally:
        _RECORDERS.remove(found.append)


def _route(folder: Path) -> str | None:
    """The route of a function folder of the app; None for functions that a test has made."""
    file = folder / "function.json"
    if not file.is_file():
        return None
    bindings = json.loads(file.read_text())["bindings"]
    return next((each["route"] for each in bindings if each["type"] == "httpTrigger"), None)


def _judged(main: Callable[..., Any], route: str) -> Callable[..., Any]:
    def judge(req: func.HttpRequest, response: func.HttpResponse) -> func.HttpResponse:
        exchange = of_function(route, req, response)
        for record in _RECORDERS:
            record(exchange)
        if not _RECORDERS:
            breaches = contract().breaches(exchange)
            assert not breaches, "\n".join(breaches)
        return response

    if inspect.iscoroutinefunction(main):

        async def checked(req: func.HttpRequest, *rest: Any, **named: Any) -> func.HttpResponse:
            return judge(req, await main(req, *rest, **named))

        return checked
    return lambda req, *rest, **named: judge(req, main(req, *rest, **named))
