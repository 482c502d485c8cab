"""
One process of a client in a burst: so many images by so many threads, as soon as standard input says so.

    python -m bench.burst.child TASK

An image is lost when the client raises for it. Only the app has a place for what cannot be done now: its backlog, from
which the image comes back, as it does by RetryOrchestrator.
"""

import heapq
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.peers.clients import KEY, Ask, Target, make

_IMAGE = b"\xff\xd8\xff\xe0" + bytes(1020)
# For an error, in how many seconds to try the image again; None if it is lost.
Again = Callable[[Exception], float | None]


class Burst:
    """The images of this process, and what became of them. Safe for threads."""

    def __init__(self, images: int, ask: Ask, again: Again) -> None:
        self._due = [(0.0, number) for number in range(images)]
        self._ask, self._again = ask, again
        self._lock = threading.Lock()
        self._under_way = self.done = self.deferred = 0
        self.finished_at = 0.0
        self.failures: Counter[str] = Counter()

    def work(self) -> None:
        """What a thread does: the next image that is due, until there is none."""
        while (image := self._next()) is not None:
            try:
                self._ask(_IMAGE)
            except Exception as error:
                self._failed(image, error, self._again(error))
            else:
                with self._lock:
                    self.done += 1
                    self._under_way -= 1
                    self.finished_at = time.monotonic()

    def _next(self) -> int | None:
        while True:
            with self._lock:
                if not self._due and not self._under_way:
                    return None
                if self._due and self._due[0][0] <= time.monotonic():
                    self._under_way += 1
                    return heapq.heappop(self._due)[1]
            time.sleep(0.05)

    def _failed(self, image: int, error: Exception, again_in_seconds: float | None) -> None:
        with self._lock:
            self._under_way -= 1
            self.failures[getattr(error, "code", None) or type(error).__name__] += 1
            if again_in_seconds is not None:
                self.deferred += 1
                heapq.heappush(self._due, (time.monotonic() + again_in_seconds, image))


class Events(logging.Handler):
    """Counts what the app logs of its ledger, and keeps quiet about everything that fails on purpose."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count the event by its name."""
        if record.name == "shared.pace.quota":
            self.counts[record.getMessage().split(" ")[0]] += 1


def app(task: dict[str, Any]) -> tuple[Ask, Again]:
    """The app's own wiring: the client, its gate, and the ledger that all processes share in storage."""
    from shared.clock import SystemClock
    from shared.errors import BlobsightError
    from shared.images import ImageBytes
    from shared.pace.gate import Gate
    from shared.pace.ledger import Rate
    from shared.pace.quota import Quota
    from shared.storage.azure import BlobStore
    from shared.transport.http import Transport
    from shared.vision.client import VisionClient

    clock = SystemClock()
    blobs = BlobStore(task["storage"], connections=2, hurried=True)
    quota = Quota(blobs, task["ledger"], Rate.for_tier(*task["pace"]), clock)
    client = VisionClient(
        task["endpoint"],
        KEY,
        transport=Transport(service="Computer Vision", connections=task["threads"]),
        max_wait_seconds=20.0,  # as by default in the app's settings
        clock=clock,
        gate=Gate(clock, quota),
    )

    def again(error: Exception) -> float | None:
        if isinstance(error, BlobsightError) and error.transient:
            return quota.postpone(at_least_seconds=error.retry_after_seconds or 1.0)
        return None

    # What a process does once: it imports the storage SDK and connects.
    quota.backlog_seconds()
    return lambda image: client.analyze(ImageBytes(image or b""), ("Categories", "Tags", "Description")), again


def main() -> None:
    """Do the task of the first argument."""
    task = json.loads(sys.argv[1])
    events = Events()
    logging.getLogger().addHandler(events)
    if task["client"] == "ours":
        ask, again = app(task)
    else:
        ask = make(task["client"], Target(task["endpoint"], "", task["deadline_seconds"], task["threads"]))
        again = lambda error: None  # noqa: E731
    burst = Burst(task["images"], ask, again)
    threads = [threading.Thread(target=burst.work, daemon=True) for _ in range(task["threads"])]
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = {
        "done": burst.done,
        "deferred": burst.deferred,
        "failures": burst.failures,
        "events": events.counts,
        "finished_at": burst.finished_at,
        "ended_at": time.monotonic(),
        "cpu_seconds": time.process_time() - cpu,
    }
    print(json.dumps(figures), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
