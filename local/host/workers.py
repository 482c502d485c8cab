"""What runs functions without being asked over HTTP, from start to end: blob events, queues, timers, orchestrations."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from local.host.blobs.listener import BlobListener
from local.host.durable.service import DurableService
from local.host.events.runs import EventRuns
from local.host.queues.listener import QueueListener
from local.host.timers.listener import TimerListener


@dataclass(frozen=True)
class Workers:
    """
    Each takes up work until it is stopped, and finishes what it has begun while it is drained.

    *events* takes up none by itself: its functions run while a sender waits, or by hand.
    """

    blobs: BlobListener
    queues: QueueListener
    timers: TimerListener
    durable: DurableService
    events: EventRuns

    def start(self) -> Sequence[asyncio.Task[None]]:
        """Begin; a task ends when its worker is stopped, and fails if the worker cannot go on."""
        return [asyncio.create_task(worker.run()) for worker in (self.blobs, self.queues, self.timers, self.durable)]

    def stop(self) -> None:
        """Begin nothing more."""
        for worker in (self.blobs, self.queues, self.timers, self.durable):
            worker.stop()

    async def drain(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Wait until nothing runs any more; *tasks* are those of `start`."""
        # Until they have ended they may begin one more.
        await asyncio.wait(tasks)
        await asyncio.gather(self.blobs.drain(), self.queues.drain(), self.durable.drain(), self.events.drain())

    async def close(self) -> None:
        """Close the files and connections."""
        await self.blobs.close()
        self.queues.close()
        await self.durable.close()
