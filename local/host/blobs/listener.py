"""
Run blob-triggered functions from the queue: concurrently, again after a failure, into the poison queue in the end.

A failed message is free again at once, as in Azure: spacing of retries is the function's own business.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from local.host.app.context import host_threads
from local.host.app.converters import datum
from local.host.blobs.queue import BlobMessage, BlobQueue, TakenMessage
from local.host.blobs.storage import BlobStorage
from local.host.blobs.trigger import BlobFunction, binding_data, trigger_metadata
from local.host.errors import InvocationError
from local.host.runner import Runner

POISON_QUEUE = "webjobs-blobtrigger-poison"
POISON_RETRY_SECONDS = 5.0
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BlobLimits:
    """How many invocations run at once, and after how many dequeues a message is poison."""

    max_degree_of_parallelism: int
    poison_blob_threshold: int


class BlobListener:
    """Takes messages while there are free places, until it is stopped."""

    def __init__(
        self,
        queue: BlobQueue,
        functions: Mapping[str, BlobFunction],
        runner: Runner,
        storage: BlobStorage,
        threads: ThreadPoolExecutor,
        limits: BlobLimits,
    ) -> None:
        self.functions = functions
        self._queue = queue
        self._runner = runner
        self._storage = storage
        self._threads = threads
        self._limits = limits
        # SQLite blocks on the disk, and the queue wants one caller at a time.
        self._disk = host_threads(1, "queue")
        self._places = asyncio.Semaphore(limits.max_degree_of_parallelism)
        self._changed = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()

    def find(self, name: str) -> BlobFunction | None:
        """Return the blob function *name*, in whatever case it is written."""
        return next((function for key, function in self.functions.items() if key.lower() == name.lower()), None)

    async def put(self, messages: list[BlobMessage]) -> None:
        """Take *messages* in: when this returns they are on disk."""
        await self._on_disk(lambda: self._queue.put(messages))
        self._changed.set()

    async def run(self) -> None:
        """Process messages until `stop`; raises only if the queue itself cannot be read."""
        while not self._stopping:
            await self._places.acquire()
            taken = await self._next()
            if taken is None:
                self._places.release()
                return
            task = asyncio.create_task(self._process(taken))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def stop(self) -> None:
        """Take no further messages."""
        self._stopping = True
        self._changed.set()

    async def drain(self) -> None:
        """Wait until every function that runs has finished."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Close the queue. What has not finished runs again when it is opened next."""
        await self._on_disk(self._queue.close)
        self._disk.shutdown()

    async def _next(self) -> TakenMessage | None:
        """Wait for a message and take it; None once the listener is stopped."""
        names = tuple(self.functions)
        while not self._stopping:
            self._changed.clear()
            taken = await self._on_disk(lambda: self._queue.take(names))
            if taken is not None:
                return taken
            seconds = await self._on_disk(lambda: self._queue.seconds_until_next(names))
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                continue
        return None

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._places.release()
        # A released message may be waiting for this place or for its time.
        self._changed.set()

    async def _process(self, taken: TakenMessage) -> None:
        if taken.dequeue_count > self._limits.poison_blob_threshold:
            # It was never told to have failed, so each of its runs ended with the host's own death.
            await self._give_up(taken)
            return
        try:
            await self._invoke(taken.message)
        except InvocationError:
            await self._failed(taken)
        except Exception:
            logger.exception("%s could not be started for %s", taken.message.function, taken.message.blob)
            await self._failed(taken)
        else:
            await self._on_disk(lambda: self._queue.delete(taken))

    async def _invoke(self, message: BlobMessage) -> None:
        target = self.functions[message.function]
        blob = await self._in_thread(lambda: self._storage.read(target.connection, message.container, message.blob))
        if blob is None:
            logger.info("%s/%s is gone: its event for %s is dropped", message.container, message.blob, target.name)
            return
        data = binding_data(target.path, message.container, message.blob, blob)
        await self._runner.run(target.function, datum(blob.content, "bytes"), data, trigger_metadata(data))

    async def _failed(self, taken: TakenMessage) -> None:
        if taken.dequeue_count >= self._limits.poison_blob_threshold:
            await self._give_up(taken)
        else:
            await self._on_disk(lambda: self._queue.release(taken))

    async def _give_up(self, taken: TakenMessage) -> None:
        message = taken.message
        connection = self.functions[message.function].connection
        try:
            await self._in_thread(lambda: self._storage.send_to_queue(connection, POISON_QUEUE, message.to_json()))
        except Exception:
            logger.exception("the event for %s could not be moved to the queue %s", message.blob, POISON_QUEUE)
            await self._on_disk(lambda: self._queue.release(taken, POISON_RETRY_SECONDS))
            return
        logger.error(
            "%s was started %d times for %s/%s and did not succeed: its event is now in the queue %s",
            message.function,
            min(taken.dequeue_count, self._limits.poison_blob_threshold),
            message.container,
            message.blob,
            POISON_QUEUE,
        )
        await self._on_disk(lambda: self._queue.delete(taken))

    async def _on_disk(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
