"""
Do what is due: turns of orchestrations, at most one at a time for each instance, and activities.

All state is in the store; here is only what runs at the moment. So an engine that is killed goes on where it was:
a turn that was not written down runs again, and so does an activity whose outcome was not.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from local.host.app.config import DurableConfig
from local.host.app.context import host_threads
from local.host.durable.activity import run_activity
from local.host.durable.agenda import Agenda, Work
from local.host.durable.errors import AlreadyExistsError, OrchestrationError
from local.host.durable.functions import DurableFunctions
from local.host.durable.history import execution_terminated
from local.host.durable.instances import NewInstance
from local.host.durable.orchestrator import ask_orchestrator
from local.host.durable.store import Store
from local.host.durable.turn import Result, Turn, conclude, fail, terminate
from local.host.errors import CutShortError
from local.host.runner import Runner

# Timers go by the wall clock, which may be set or sleep; waits go by another.
MAX_SLEEP_SECONDS = 5.0
Value = TypeVar("Value")
logger = logging.getLogger(__name__)


class Engine:
    """Runs orchestrations and activities until it is stopped."""

    def __init__(
        self,
        store: Store,
        functions: DurableFunctions,
        runner: Runner,
        config: DurableConfig,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.functions = functions
        self.now = now
        self._store = store
        self._agenda = Agenda(store.connection)
        self._runner = runner
        self._config = config
        # SQLite blocks on the disk, and the store wants one caller at a time.
        self._disk = host_threads(1, "durable")
        self._changed = asyncio.Event()
        self._stopping = False
        self._turns: dict[Hashable, asyncio.Task[None]] = {}
        self._activities: dict[Hashable, asyncio.Task[None]] = {}
        self._broken: BaseException | None = None

    async def run(self) -> None:
        """Do what is due until `stop`; raises only if the store itself cannot be used."""
        await self._warn_of_waiting()
        while not self._stopping:
            if self._broken is not None:
                raise self._broken
            self._changed.clear()
            now = self.now()
            await self._begin_turns(now)
            await self._begin_activities()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), await self._seconds_until_due(now))

    async def start(self, new: NewInstance) -> None:
        """
        Start an instance: when this returns it is on disk.

        Raises OrchestrationError for an unknown orchestrator, AlreadyExistsError if one of this id is not finished.
        """
        self.functions.check_orchestrator(new.name)
        status = await self.on_disk(lambda: self._store.start(new, self.now()))
        if status is not None:
            raise AlreadyExistsError(f"An Orchestration instance with the status {status} already exists.")
        self._changed.set()

    async def terminate(self, instance_id: str, reason: str) -> None:
        """Have an instance ended at its next turn; activities that run go on, and their results are dropped."""
        await self.on_disk(lambda: self._store.send(instance_id, execution_terminated(reason, self.now()), self.now()))
        self._changed.set()

    async def on_disk(self, call: Callable[[], Value]) -> Value:
        """Call what uses the store in its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, call)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._changed.set()

    async def drain(self) -> None:
        """Wait until every turn and every activity has finished."""
        while running := [*self._turns.values(), *self._activities.values()]:
            await asyncio.wait(running)

    async def close(self) -> None:
        """Close the store. What has not finished runs again when it is opened next."""
        await self.on_disk(self._store.close)
        self._disk.shutdown()

    async def _seconds_until_due(self, now: float) -> float:
        due = await self.on_disk(lambda: self._agenda.next_due(now))
        return MAX_SLEEP_SECONDS if due is None else max(0.0, min(due - self.now(), MAX_SLEEP_SECONDS))

    async def _begin_turns(self, now: float) -> None:
        most, unavailable = self._config.max_orchestrators, self.functions.unavailable
        # Those that run already are among them.
        due = await self.on_disk(lambda: self._agenda.due_instances(now, 2 * most, unavailable))
        for instance_id in due:
            if instance_id not in self._turns and len(self._turns) < most and not self._stopping:
                self._begin(self._turns, instance_id, self._take_turn(instance_id))

    async def _begin_activities(self) -> None:
        most, unavailable = self._config.max_activities, self.functions.unavailable
        waiting = await self.on_disk(lambda: self._agenda.waiting_work(2 * most, unavailable))
        for work in waiting:
            if work.row not in self._activities and len(self._activities) < most and not self._stopping:
                self._begin(self._activities, work.row, self._do(work))

    def _begin(
        self, running: dict[Hashable, asyncio.Task[None]], key: Hashable, work: Coroutine[Any, Any, None]
    ) -> None:
        def finished(task: asyncio.Task[None]) -> None:
            del running[key]
            if not task.cancelled() and task.exception() is not None:
                self._broken = task.exception()
            self._changed.set()

        running[key] = asyncio.create_task(work)
        running[key].add_done_callback(finished)

    async def _take_turn(self, instance_id: str) -> None:
        turn = await self.on_disk(lambda: self._store.load_turn(instance_id, self.now()))
        if turn is None:
            return
        try:
            result = await self._decide(turn)
        except CutShortError:
            logger.warning("the turn of %s %s was not finished: it is taken again", turn.instance.name, instance_id)
            return
        if not await self.on_disk(lambda: self._store.commit(result)):
            logger.warning("%s was purged or replaced while its orchestrator ran", instance_id)
            return
        if any(task.name.lower() in self.functions.unavailable for task in result.activities):
            await self._warn_of_waiting()
        if result.instance.status.is_final:
            logger.info("orchestration %s %s is %s", turn.instance.name, instance_id, result.instance.status)

    async def _warn_of_waiting(self) -> None:
        unavailable = self.functions.unavailable
        for name, count in (await self.on_disk(lambda: self._agenda.count_waiting(unavailable))).items():
            logger.warning("%s is disabled or cannot be loaded; calls that wait until it runs again: %d", name, count)

    async def _decide(self, turn: Turn) -> Result:
        if turn.termination is not None:
            return terminate(turn)
        instance = turn.instance
        try:
            self.functions.check_orchestrator(instance.name)
            function = self.functions.orchestrators[instance.name.lower()]
            answer = await ask_orchestrator(self._runner, function, instance, turn.past, turn.new_events)
            return conclude(turn, answer, self.functions.check_task)
        except OrchestrationError as error:
            return fail(turn, str(error))
        except (KeyError, TypeError, ValueError) as error:
            logger.exception("the orchestrator %s gave an answer that cannot be read", instance.name)
            return fail(turn, f"its answer cannot be read ({type(error).__name__}: {error})")

    async def _do(self, work: Work) -> None:
        event = await run_activity(self._runner, self.functions, work, self.now)
        await self.on_disk(lambda: self._store.finish_work(work, event, self.now()))
