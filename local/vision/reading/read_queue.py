"""
The queue of Read: accepts documents, has them read in the background, and tells how far each is.

An end is told when the reading is done and the duration that was asked for (the fault `read_seconds`) has passed.
"""

import queue
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from local.vision.faults import ReadFate
from local.vision.reading.store import LIFE_SECONDS, Json, OperationStore, ReadOperation, Task

# Reading a page takes a core and some 100 MB: more at once makes nothing faster.
WORKERS = 2
# A document that brings the process down would otherwise do so at each start.
MAX_ATTEMPTS = 5
STOP_SECONDS = 30.0

Read = Callable[[Task, bytes, Callable[[], None]], Json]


class StoppedError(Exception):
    """The service comes to its end; what was being read is read again at its next start."""


@dataclass(frozen=True)
class Report:
    """The contract's ReadOperationResult; *late_seconds* is the time since the end that it tells, None before."""

    body: Json
    late_seconds: float | None = None


class ReadQueue:
    """
    Keeps the operations of *store* going. Safe for threads.

    *read* turns a task and its document into an analyzeResult, and calls its third argument often: it raises
    StoppedError when the service stops. Whatever else *read* raises makes the operation fail.
    """

    def __init__(self, store: OperationStore, read: Read, *, wall_clock: Callable[[], float]) -> None:
        self._store, self._read, self._wall_clock = store, read, wall_clock
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._begun: set[str] = set()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        for operation_id in store.unfinished():
            self._enqueue(operation_id)

    def accept(self, operation_id: str, task: Task, document: bytes, fate: ReadFate, scripted: Json | None) -> None:
        """Keep an operation and have it read, unless a script or a fault decides its end already."""
        now = self._wall_clock()
        self._store.forget(before=now - LIFE_SECONDS)
        is_decided = fate.fails or scripted is not None
        operation = ReadOperation(
            id=operation_id,
            created=now,
            due=now + fate.seconds,
            fails=fate.fails,
            finished=now if is_decided else None,
            result=None if fate.fails else scripted,
        )
        self._store.add(operation, task, None if is_decided else document)
        if not is_decided:
            self._enqueue(operation_id)

    def report(self, operation_id: str) -> Report | None:
        """Tell how far an operation is; None when it is unknown or forgotten."""
        # Before the look into the store: what is finished meanwhile must not seem never to have begun.
        is_begun = operation_id in self._begun
        operation = self._store.find(operation_id)
        now = self._wall_clock()
        if operation is None or operation.created < now - LIFE_SECONDS:
            return None
        if operation.finished is None or now < operation.due:
            status = "running" if is_begun or operation.finished is not None else "notStarted"
            return Report(_written(status, operation.created, operation.created))
        ended = max(operation.finished, operation.due)
        result = {} if operation.fails else {"analyzeResult": operation.result}
        status = "failed" if operation.fails else "succeeded"
        return Report(_written(status, operation.created, ended) | result, now - ended)

    def stop(self) -> None:
        """Begin nothing more, and leave what is being read as soon as possible."""
        self._stopping.set()
        for _ in range(WORKERS):
            self._waiting.put(None)

    def close(self) -> None:
        """Stop, wait for the workers, and let go of the store."""
        self.stop()
        for worker in self._workers:
            worker.join(STOP_SECONDS)
        self._store.close()

    def _enqueue(self, operation_id: str) -> None:
        self._waiting.put(operation_id)
        with self._lock:
            if len(self._workers) < WORKERS and not self._stopping.is_set():
                worker = threading.Thread(target=self._work, name=f"read-{len(self._workers)}", daemon=True)
                self._workers.append(worker)
                worker.start()

    def _work(self) -> None:
        while (operation_id := self._waiting.get()) is not None and not self._stopping.is_set():
            self._begun.add(operation_id)
            try:
                self._finish(operation_id)
            except StoppedError:
                return
            except sqlite3.Error:
                # A full disk, say: this one is read again at the next start, the others go on.
                traceback.print_exc(file=sys.stderr)
            finally:
                self._begun.discard(operation_id)

    def _finish(self, operation_id: str) -> None:
        work = self._store.work(operation_id)
        if work is None:
            return
        if work.attempt > MAX_ATTEMPTS:
            sys.stderr.write(f"vision: Read {operation_id} ended the service {MAX_ATTEMPTS} times: given up\n")
            self._store.finish(operation_id, at=self._wall_clock(), result=None, fails=True)
            return
        try:
            result = self._read(work.task, work.document, self._go_on)
        except StoppedError:
            self._store.put_back(operation_id)
            raise
        except Exception:
            # The caller is told that it failed; whoever runs the stand-in needs the reason.
            traceback.print_exc(file=sys.stderr)
            self._store.finish(operation_id, at=self._wall_clock(), result=None, fails=True)
        else:
            self._store.finish(operation_id, at=self._wall_clock(), result=result)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise StoppedError


def _written(status: str, created: float, updated: float) -> Json:
    return {"status": status, "createdDateTime": _moment(created), "lastUpdatedDateTime": _moment(updated)}


def _moment(seconds: float) -> str:
    # The service writes whole seconds.
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
