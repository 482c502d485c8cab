"""
Run one queue-triggered function for the messages of its queue: until it succeeds or the message is poison.

A message is invisible to others while its function runs, which is renewed again and again; when the host dies it is
seen again a little later. A queue whose name ends in `-poison` has no poison queue of its own: a message that fails
there stays invisible for that long and is then tried again, and after `maxDequeueCount` no more, as in Azure.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import Any, Protocol, TypeVar

from local.host.app.config import QueueConfig
from local.host.app.connections import Connection
from local.host.errors import InvocationError
from local.host.queues.backoff import Backoff
from local.host.queues.storage import Message
from local.host.queues.trigger import QueueFunction, binding_data, trigger_datum, trigger_metadata
from local.host.runner import Runner

# Ten minutes in Azure, renewed at half as here.
INVISIBLE_SECONDS = 30.0
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Queue(Protocol):
    """What is needed of `StorageQueue`."""

    def receive(self, count: int, invisible_seconds: float) -> list[Message] | None: ...  # noqa: D102
    def hide(self, message: Message, seconds: float) -> Message | None: ...  # noqa: D102
    def delete(self, message: Message) -> None: ...  # noqa: D102
    def put(self, content: str) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class QueueConsumer:
    """Takes messages while there is room for a batch, until it is stopped."""

    def __init__(
        self,
        function: QueueFunction,
        open_queue: Callable[[Connection, str], Queue],
        runner: Runner,
        threads: Executor,
        config: QueueConfig,
        invisible_seconds: float = INVISIBLE_SECONDS,
    ) -> None:
        self.function = function
        self._queue = open_queue(function.connection, function.queue)
        self._poison = open_queue(function.connection, function.poison_queue) if function.poison_queue else None
        self._runner = runner
        self._threads = threads
        self._config = config
        self._invisible_seconds = invisible_seconds
        self._backoff = Backoff(config.max_polling_interval_seconds)
        self._stopped = asyncio.Event()
        self._room = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._trouble = ""

    async def run(self) -> None:
        """Process messages until `stop`."""
        while not self._stopped.is_set():
            messages = await self._receive()
            for message in messages:
                self._begin(self._process(message))
            if messages:
                self._backoff.reset()
                await self._wait_for_room()
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), self._backoff.next_seconds())

    def run_now(self, text: str) -> None:
        """Run the function once for *text*, without the queue; what becomes of it is in the log."""
        self._begin(self._run_by_hand(text.encode()))

    def stop(self) -> None:
        """Take no further messages."""
        self._stopped.set()
        self._room.set()

    async def drain(self) -> None:
        """Wait until every run has finished."""
        while self._running:
            await asyncio.wait(self._running)

    def close(self) -> None:
        """Close the connections."""
        for queue in (self._queue, self._poison):
            if queue:
                queue.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.set()

    async def _wait_for_room(self) -> None:
        while len(self._running) > self._config.new_batch_threshold and not self._stopped.is_set():
            self._room.clear()
            await self._room.wait()

    async def _receive(self) -> list[Message]:
        count = self._config.batch_size
        try:
            messages = await self._in_thread(lambda: self._queue.receive(count, self._invisible_seconds))
        except Exception as error:
            self._tell("cannot be read", f": {' '.join(str(error).split())}")
            return []
        self._tell("does not exist yet: it is waited for" if messages is None else "")
        return messages or []

    def _tell(self, trouble: str, detail: str = "") -> None:
        """Say it once, and not at every look, at which details may differ."""
        if trouble and trouble != self._trouble:
            logger.warning("%s: the queue %s %s%s", self.function.name, self.function.queue, trouble, detail)
        self._trouble = trouble

    async def _process(self, message: Message) -> None:
        try:
            if message.dequeue_count > self._config.max_dequeue_count:
                # It was never told to have failed, so each of its runs ended with the host's own death.
                await self._give_up(message)
            else:
                await self._try(message)
        except Exception:
            logger.exception("the message %s of %s is left in its queue", message.id, self.function.queue)

    async def _try(self, message: Message) -> None:
        try:
            body = self._decoded(message.content)
        except ValueError:
            logger.warning(
                "the message %s of %s is no base64: have its sender encode it, or set messageEncoding in host.json",
                message.id,
                self.function.queue,
            )
            await self._give_up(message)
            return
        ended = asyncio.Event()
        hiding = asyncio.create_task(self._hide_until(ended, message))
        try:
            succeeded = await self._run(body, message)
        finally:
            ended.set()
            message = await hiding
        if succeeded:
            await self._in_thread(lambda: self._queue.delete(message))
        else:
            await self._failed(message)

    def _decoded(self, content: str) -> bytes:
        if not self._config.is_base64:
            return content.encode()
        return base64.b64decode("".join(content.split()), validate=True)

    async def _hide_until(self, ended: asyncio.Event, message: Message) -> Message:
        """Keep *message* invisible until its run has *ended*; returns it with its last receipt."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), self._invisible_seconds / 2)
                return message
            try:
                # Not cancelled in the middle: a receipt that nobody has heard of cannot delete the message.
                hidden = await self._in_thread(partial(self._queue.hide, message, self._invisible_seconds))
            except Exception as error:
                logger.warning("the message %s could not be kept invisible: %s", message.id, error)
                continue
            message = hidden or message

    async def _run(self, body: bytes, message: Message | None) -> bool:
        function = self.function.function
        trigger = trigger_datum(function.metadata.trigger, body)
        try:
            await self._runner.run(function, trigger, binding_data(body, message), trigger_metadata(body, message))
        except InvocationError:
            return False  # the log tells about it already
        return True

    async def _run_by_hand(self, body: bytes) -> None:
        await self._run(body, None)

    async def _failed(self, message: Message) -> None:
        if self._poison is None:
            return  # it comes back when it is visible again: at once would be a loop without end
        if message.dequeue_count >= self._config.max_dequeue_count:
            await self._give_up(message)
        else:
            await self._in_thread(lambda: self._queue.hide(message, self._config.visibility_timeout_seconds))

    async def _give_up(self, message: Message) -> None:
        poison = self._poison
        if poison is None:
            self._leave(message)
            return
        await self._in_thread(lambda: poison.put(message.content))
        await self._in_thread(lambda: self._queue.delete(message))
        logger.error(
            "%s did not succeed for the message %s, taken %d times: it is now in the queue %s",
            self.function.name,
            message.id,
            message.dequeue_count,
            self.function.poison_queue,
        )

    def _leave(self, message: Message) -> None:
        """Say once that it stays in a queue that has no poison queue."""
        if message.dequeue_count == self._config.max_dequeue_count + 1:
            name, queue = self.function.name, self.function.queue
            logger.error("%s does not run for the message %s any more, which stays in %s", name, message.id, queue)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
