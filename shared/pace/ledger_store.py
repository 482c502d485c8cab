"""
The ledger in its blob: read, changed, and written if no other process has written meanwhile.

The changes of several threads go into one write. The first thread writes for all that have come by then; one of those
that came meanwhile writes for the rest.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from shared import names
from shared.clock import Clock
from shared.errors import ConflictError, StorageError
from shared.pace import reservation
from shared.pace.ledger import Ledger
from shared.storage.blobs import Blobs, IfEtag
from shared.transport import time_budget

_MAX_ROUNDS = 12
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2
# What was read or written so recently is still true where no other process writes.
_FRESH_SECONDS = 1.0
_CONTENDED_SECONDS = 5.0
_LONGEST_TURN_SECONDS = 30.0
# The metadata that tells one write from another: the ledger alone does not, as two processes can write the same one.
_WRITE = "write"

_T = TypeVar("_T")
# From the ledger at a moment (seconds since 1970) to the ledger afterwards and a result; called once for each try.
Change = Callable[[Ledger, float], tuple[Ledger, _T]]


class _Known(NamedTuple):
    """The ledger as this process has last seen it, with the blob's ETag and the clock's time."""

    ledger: Ledger
    etag: str | None
    at: float
    # The id of the write that made it.
    write: str = ""


class _Job:
    """A change that a thread waits for. `turn` is set when it is `over`, or when that thread has to write."""

    def __init__(self, change: Change[Any], *, always: bool) -> None:
        self.change = change
        self.always = always
        self.turn = threading.Event()
        self.over = False
        self.result: Any = None
        self.error: BaseException | None = None


class LedgerStore:
    """
    One ledger, shared by all processes. Safe for threads.

    Args:
        blobs: the host account.
        name: of the blob, in the container `quota`.
        clock: the time; its `utc` has to agree between machines within a fraction of a second.
        jitter: chooses the pause after losing a race.
    """

    def __init__(self, blobs: Blobs, name: str, clock: Clock, jitter: Callable[[float, float], float]) -> None:
        self._blobs = blobs
        self._name = name
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._known: _Known | None = None
        self._contended_until = 0.0
        # Transactions to be added to the blob's with the next write, and those of them that are `described`.
        self._unsettled = (0, 0)
        # The id of a write without an answer, and the transactions that it counted.
        self._doubtful = ("", (0, 0))
        self._jobs: list[_Job] = []
        self._writing = False

    @property
    def last_seen(self) -> Ledger | None:
        """The ledger as it was last read or written; None if it never was."""
        return self._known.ledger if self._known else None

    def look(self) -> Ledger:
        """
        The ledger, at most a second old.

        Raises:
            StorageError: the blob cannot be reached.
        """
        return self._look().ledger

    def settle(self, transactions: int, described: int = 0) -> None:
        """Add to the count of billed transactions with the next write."""
        with self._lock:
            self._unsettled = (self._unsettled[0] + transactions, self._unsettled[1] + described)

    def update(self, change: Change[_T], *, always: bool = False) -> _T:
        """
        Change the ledger and return the change's result. A change that leaves it as it is writes nothing.

        Args:
            change: what to make of it.
            always: write even so, if there are transactions to be counted.

        Raises:
            ConflictError: other processes were faster each time.
            StorageError: the blob cannot be reached.
        """
        job = _Job(change, always=always)
        with self._lock:
            self._jobs.append(job)
            if not self._writing:
                self._writing = True
                job.turn.set()
        if not self._clock.wait(job.turn, time_budget.left(_LONGEST_TURN_SECONDS)):
            self._withdraw(job)
        if not job.over:
            self._write_for_all()
        if job.error:
            raise job.error
        return cast(_T, job.result)

    def _withdraw(self, job: _Job) -> None:
        with self._lock:
            if not job.turn.is_set():
                if job in self._jobs:
                    self._jobs.remove(job)
                raise StorageError(f"The blob {names.QUOTA}/{self._name} was not written in time.")

    def _write_for_all(self) -> None:
        with self._lock:
            batch, self._jobs = self._jobs, []
        try:
            with time_budget.overtime():  # other threads wait for it too
                self._commit(batch)
        except BaseException as error:
            for job in batch:
                job.error = error
        with self._lock:
            for job in batch:
                job.over = True
                job.turn.set()
            if self._jobs:
                self._jobs[0].turn.set()
            else:
                self._writing = False

    def _commit(self, batch: list[_Job]) -> None:
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(_MAX_ROUNDS):
            known = self._look()
            with self._lock:
                unsettled, self._unsettled = self._unsettled, (0, 0)
            own = os.urandom(8).hex()
            try:
                if not self._change(batch, known, unsettled, own):
                    self.settle(*unsettled)
                return
            except ConflictError:
                self.settle(*unsettled)
                with self._lock:
                    self._contended_until = self._clock.now() + _CONTENDED_SECONDS
            except BaseException:
                self.settle(*unsettled)
                with self._lock:
                    self._doubtful = (own, unsettled)
                raise
            self._clock.sleep(self._jitter(0.0, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        raise ConflictError(f"The blob {names.QUOTA}/{self._name} is written by others again and again.")

    def _change(self, batch: list[_Job], known: _Known, unsettled: tuple[int, int], own: str) -> bool:
        """Apply all changes and write what they come to; False if there was nothing to write."""
        now = self._clock.utc().timestamp()
        before = ledger = reservation.settled(known.ledger, now, *unsettled)
        for job in batch:
            ledger, job.result = job.change(ledger, now)
        if ledger == before and not (any(unsettled) and any(job.always for job in batch)):
            return False
        etag = self._blobs.write(
            names.QUOTA,
            self._name,
            ledger.to_json(),
            content_type=names.JSON,
            metadata={_WRITE: own},
            condition=IfEtag(known.etag),
        )
        with self._lock:
            self._known = _Known(ledger, etag, self._clock.now())
        return True

    def _look(self) -> _Known:
        """The ledger: as known, where that is fresh and no other process writes, else as it is."""
        now = self._clock.now()
        with self._lock:
            known = self._known
            if known and now < known.at + _FRESH_SECONDS and now >= self._contended_until:
                return known
        blob = self._blobs.read(names.QUOTA, self._name)
        found = _Known(Ledger(), None, now)
        if blob:
            found = _Known(Ledger.from_json(blob.data), blob.info.etag, now, blob.info.metadata.get(_WRITE, ""))
        with self._lock:
            own, counted = self._doubtful
            if found.write and found.write == own:
                # The write arrived, although its answer did not.
                self._unsettled = (self._unsettled[0] - counted[0], self._unsettled[1] - counted[1])
                self._doubtful = ("", (0, 0))
            self._known = found
        return found
