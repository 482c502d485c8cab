"""Run the functions with an `eventGridTrigger`: each event is one invocation, and nothing is tried again here."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence

from local.host.app.converters import datum
from local.host.app.loader import LoadedFunction
from local.host.errors import InvocationError
from local.host.events.deliveries import Event
from local.host.runner import Runner


def event_functions(functions: Iterable[LoadedFunction]) -> dict[str, LoadedFunction]:
    """Return the enabled functions with an `eventGridTrigger` by name."""
    return {
        function.name: function
        for function in functions
        if function.metadata.trigger.type.lower() == "eventgridtrigger" and not function.metadata.disabled
    }


class EventRuns:
    """Runs *functions* for events, without a queue: the sender delivers again what was not accepted."""

    def __init__(self, functions: Mapping[str, LoadedFunction], runner: Runner) -> None:
        self.functions = functions
        self._runner = runner
        self._running: set[asyncio.Task[None]] = set()

    def find(self, name: str) -> LoadedFunction | None:
        """Return the function *name*, in whatever case it is written."""
        return next((function for key, function in self.functions.items() if key.lower() == name.lower()), None)

    async def run_all(self, function: LoadedFunction, events: Sequence[Event]) -> bool:
        """Run *function* for all *events* side by side, and wait for all; returns whether each succeeded."""
        results = await asyncio.gather(*(self._run(function, event) for event in events), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, InvocationError):
                raise result
        return not any(results)

    def run_now(self, function: LoadedFunction, event: Event) -> None:
        """Run *function* once for *event*, without a sender that waits for it."""
        task = asyncio.create_task(self._run_by_hand(function, event))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until every run without a sender has finished; the server waits for the requests of senders."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run_by_hand(self, function: LoadedFunction, event: Event) -> None:
        await self.run_all(function, [event])

    async def _run(self, function: LoadedFunction, event: Event) -> None:
        await self._runner.run(function, datum(json.dumps(event), "json"), {"data": event.get("data")}, {})
