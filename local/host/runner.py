"""One run of a function from end to end: its inputs, the call, blob outputs, a log line."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

from local.host.app.context import Invocation, running
from local.host.app.converters import Data, Datum, datum
from local.host.app.invoker import Invoker, Outcome
from local.host.app.loader import LoadedFunction
from local.host.app.metadata import FunctionMetadata
from local.host.app.signature import RETURN
from local.host.app.time_limit import TimeLimit
from local.host.errors import CutShortError, InvocationError

logger = logging.getLogger(__name__)


class Blobs(Protocol):
    """What is needed of `BlobBindings`."""

    async def read_inputs(self, metadata: FunctionMetadata, data: Mapping[str, Any]) -> dict[str, Datum]: ...  # noqa: D102
    async def write_outputs(  # noqa: D102
        self, metadata: FunctionMetadata, outputs: Mapping[str, Datum], data: Mapping[str, Any], invocation_id: str
    ) -> None: ...


class Runner:
    """
    Runs functions, whatever triggered them, each no longer than *limit*.

    *durable_client* is the value of `durableClient` bindings.
    """

    def __init__(self, invoker: Invoker, blobs: Blobs, durable_client: str, limit: TimeLimit) -> None:
        self._invoker = invoker
        self._blobs = blobs
        self._durable_client = datum(durable_client, "string")
        self._limit = limit

    async def run(
        self, function: LoadedFunction, trigger: Datum, binding_data: Mapping[str, Any], metadata: Data
    ) -> Mapping[str, Datum]:
        """
        Run *function* once and return what it gave back by binding name; outputs that it left unset are absent.

        *binding_data* is what `{expressions}` in its other bindings stand for, *metadata* what its trigger's converter
        reads. Raises InvocationError if anything fails, CutShortError if it was given up; the log then has the reason.
        """
        invocation = Invocation(function.name)
        log = logging.LoggerAdapter(logger, {"invocation": invocation})
        started = time.perf_counter()
        with running(invocation):
            try:
                results = await self._run(function, invocation, trigger, binding_data, metadata)
            except CutShortError as error:
                log.error("Failed in %d ms: %s", _ms_since(started), error)
                raise
            except Exception as error:
                log.exception("Failed in %d ms", _ms_since(started))
                raise InvocationError(f"{type(error).__name__}: {error}") from error
            log.info("Succeeded in %d ms", _ms_since(started))
            return results

    async def _run(
        self,
        function: LoadedFunction,
        invocation: Invocation,
        trigger: Datum,
        binding_data: Mapping[str, Any],
        metadata: Data,
    ) -> Mapping[str, Datum]:
        inputs = await self._blobs.read_inputs(function.metadata, binding_data)
        for binding in function.metadata.bindings:
            if binding.type.lower() == "durableclient":
                inputs[binding.name] = self._durable_client
        inputs[function.metadata.trigger.name] = trigger
        outcome = await self._limit.run(invocation, self._invoker.call(function, invocation, inputs, metadata))
        results = _results(outcome)
        await self._blobs.write_outputs(function.metadata, results, binding_data, invocation.id)
        return results


def _results(outcome: Outcome) -> dict[str, Datum]:
    returned = {} if outcome.returned is None else {RETURN: outcome.returned}
    return {**outcome.outputs, **returned}


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
