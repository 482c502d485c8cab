"""Tell the host of the events in the outbox, each subscription by itself: none waits for the other's trouble."""

import logging
import time
from collections.abc import Callable, Sequence

from local.daemon_pool import DaemonPool
from local.events.outbox import Due, Outbox
from local.events.webhook import ANSWER_SECONDS, RefusedError, Webhook

BATCH_EVENTS = 50  # far below Event Grid's 1 MB per delivery, with the longest names too
SIDE_BY_SIDE = 4
# After each refusal, as Event Grid waits at first; then the last of them again and again.
PAUSES_SECONDS = (10.0, 30.0, 60.0, 300.0)
MOST_TRIES = 30  # Event Grid's default

logger = logging.getLogger(__name__)


class BatchSender:
    """
    Sends many events in one request, for a webhook that queues them.

    What is refused is offered again by the next call.
    """

    def __init__(
        self, outbox: Outbox, webhook: Webhook, *, copies: int = 1, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """*copies* is how often each event is sent."""
        self._outbox = outbox
        self._webhook = webhook
        self._copies = copies
        self._stopping = stopping

    def send(self) -> int:
        """Send what is due, and return how many events the host has accepted; raises NotDeliveredError."""
        told = 0
        while not self._stopping() and (due := self._outbox.due(time.time(), BATCH_EVENTS)):
            self._webhook.deliver([each.event for each in due for _ in range(self._copies)])
            self._outbox.forget(each.number for each in due)
            told += len(due)
        return told


class SingleSender:
    """
    Sends one event in a request, some side by side, for a webhook that answers when its function is done.

    An event that the function fails on waits by itself, longer each time, and holds up no other; it is given up after
    `MOST_TRIES`, and *say* gets a line about that.
    """

    def __init__(
        self,
        outbox: Outbox,
        webhook: Webhook,
        *,
        say: Callable[[str], None],
        copies: int = 1,
        stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._webhook = webhook
        self._say = say
        self._copies = copies
        self._stopping = stopping
        self._now = now

    def send(self) -> int:
        """Send what is due, and return how many events the host has accepted; raises NotDeliveredError."""
        told = 0
        while not self._stopping() and (due := self._outbox.due(self._now(), BATCH_EVENTS)):
            self._webhook.validate()
            told += self._send(due)
        return told

    def _send(self, due: Sequence[Due]) -> int:
        pool = DaemonPool(self._deliver, due, threads=min(SIDE_BY_SIDE, len(due)))
        told, left = 0, len(due)
        trouble: Exception | None = None
        while left:
            result = pool.next(ANSWER_SECONDS)
            if result is not None:
                left -= 1
                if result.error is None:
                    self._outbox.forget([result.item.number])
                    told += 1
                elif isinstance(result.error, RefusedError):
                    self._refused(result.item, result.error)
                else:
                    trouble = result.error
            if trouble or self._stopping():
                pool.begin_no_more()
                left = pool.under_way
        if trouble:
            raise trouble
        return told

    def _deliver(self, due: Due) -> None:
        for _ in range(self._copies):
            self._webhook.deliver([due.event])

    def _refused(self, due: Due, error: RefusedError) -> None:
        what = f"{due.event['eventType']} {due.event['subject']}"
        if due.tries + 1 >= MOST_TRIES:
            self._outbox.forget([due.number])
            self._say(f"{what} is given up after {MOST_TRIES} tries: {error}")
            return
        pause = PAUSES_SECONDS[min(due.tries, len(PAUSES_SECONDS) - 1)]
        self._outbox.put_off(due.number, until=self._now() + pause)
        logger.warning("%s: %s; it is told again in %d s", what, error, pause)
