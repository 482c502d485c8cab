"""Call functions: `async` ones on the event loop, the others in a thread pool, all arguments by keyword."""

import asyncio
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local.host.app.context import FunctionContext, Invocation, Output, thread_of
from local.host.app.converters import Data, Datum, decode
from local.host.app.loader import LoadedFunction
from local.host.app.signature import Parameter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a function gave back, encoded: its result (None: no result) and those outputs that it set."""

    returned: Datum | None
    outputs: Mapping[str, Datum]


class Invoker:
    """Calls functions with decoded arguments and encodes what they give back."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # None lets Python choose, as the worker does.
        self._pool = ThreadPoolExecutor(_thread_count(environment), thread_name_prefix="function")

    async def call(self, function: LoadedFunction, invocation: Invocation, inputs: Data, metadata: Data) -> Outcome:
        """
        Call *function* with the data of its `in` bindings by name and its trigger's *metadata*.

        Raises whatever the function raises, and TypeError or RuntimeError for a result that its bindings do not take.
        """
        parameters = function.signature.parameters
        outputs = {name: Output() for name, parameter in parameters.items() if parameter.is_out}
        arguments: dict[str, Any] = dict(outputs)
        for name, parameter in parameters.items():
            if not parameter.is_out:
                arguments[name] = decode(parameter.converter, inputs.get(name), metadata)
        if function.signature.wants_context:
            arguments["context"] = FunctionContext(invocation, function.metadata.directory)
        result = await self._call(function, invocation, arguments)
        return _outcome(function, result, outputs)

    def close(self) -> None:
        """Take no further calls; what runs goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _call(self, function: LoadedFunction, invocation: Invocation, arguments: Mapping[str, Any]) -> Any:
        if function.is_async:
            return await function.call(**arguments)

        def call() -> Any:
            with thread_of(invocation):
                return function.call(**arguments)

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _outcome(function: LoadedFunction, result: object, outputs: Mapping[str, Output]) -> Outcome:
    returns = function.signature.returns
    if returns is None and result is not None:
        # The worker's own words, without a space in the middle.
        raise RuntimeError(f"function {function.name!r} without a $return bindingreturned a non-None value")
    encoded = {
        name: _encoded(function.signature.parameters[name], output.get())
        for name, output in outputs.items()
        if output.get() is not None
    }
    return Outcome(None if returns is None else _encoded(returns, result), encoded)


def _encoded(parameter: Parameter, value: object) -> Datum:
    try:
        return parameter.converter.encode(value, expected_type=parameter.annotation)
    except NotImplementedError:
        # The worker's own words.
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{parameter.converter}" for Python type '
            f'"{type(value).__name__}"'
        ) from None


def _thread_count(environment: Mapping[str, str]) -> int | None:
    setting = environment.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    if not setting:
        return None
    if setting.isdecimal() and int(setting) > 0:
        return int(setting)
    logger.warning(
        "PYTHON_THREADPOOL_THREAD_COUNT is %r, no whole number of 1 or more: using Python's default, %d threads",
        setting,
        min(32, (os.cpu_count() or 1) + 4),
    )
    return None
