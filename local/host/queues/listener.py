"""All queue-triggered functions of an app: each takes messages from its own queue."""

import asyncio
from collections.abc import Callable, Sequence

from local.host.app.config import QueueConfig
from local.host.app.connections import Connection
from local.host.app.context import host_threads
from local.host.queues.consumer import INVISIBLE_SECONDS, Queue, QueueConsumer
from local.host.queues.storage import StorageQueue
from local.host.queues.trigger import QueueFunction
from local.host.runner import Runner

THREADS_PER_FUNCTION = 4


class QueueListener:
    """Has every function follow its queue until it is stopped."""

    def __init__(
        self,
        functions: Sequence[QueueFunction],
        runner: Runner,
        config: QueueConfig,
        open_queue: Callable[[Connection, str], Queue] = StorageQueue,
        invisible_seconds: float = INVISIBLE_SECONDS,
    ) -> None:
        # Apart from the other threads: a queue that does not answer must not hold up anything else.
        self._threads = host_threads(max(1, THREADS_PER_FUNCTION * len(functions)), "queues")
        self._consumers = [
            QueueConsumer(function, open_queue, runner, self._threads, config, invisible_seconds)
            for function in functions
        ]
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Process messages until `stop`."""
        await asyncio.gather(*(consumer.run() for consumer in self._consumers), self._stopped.wait())

    def find(self, name: str) -> QueueConsumer | None:
        """Return what runs the queue function *name*, in whatever case it is written."""
        return next((each for each in self._consumers if each.function.name.lower() == name.lower()), None)

    def stop(self) -> None:
        """Take no further messages."""
        self._stopped.set()
        for consumer in self._consumers:
            consumer.stop()

    async def drain(self) -> None:
        """Wait until every run has finished."""
        await asyncio.gather(*(consumer.drain() for consumer in self._consumers))

    def close(self) -> None:
        """Close the connections. What has not finished runs again when its message is seen again."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for consumer in self._consumers:
            consumer.close()
