"""Upload images and wait for them at the same time: the first are complete long before the last are sent."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from local.adding.tally import Tally
from local.app import AppClient, ImageState
from local.daemon_pool import DaemonPool, Result
from local.errors import LocalError
from local.upload import ImageUploader, Outcome, StorageSilentError
from local.waiting import Watch

# Each holds the bytes of one file.
PARALLEL_UPLOADS = 4
NOTHING_YET_SECONDS = 0.02
Upload = Result[str, Outcome]
Uploads = DaemonPool[str, Outcome]


class Listener(NamedTuple):
    """What is called when an upload has ended, when an image is complete or failed, and after every round."""

    uploaded: Callable[[Upload], None]
    settled: Callable[[ImageState], None]
    show: Callable[[], None]


class Interrupt:
    """What Ctrl-C asks for: to stop, and the second time not to finish what is under way either."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.hurry = threading.Event()

    def request(self) -> None:
        """Ask once more. Safe in a signal handler."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


class Batch:
    """
    One run of uploads into the running stack; *tally* is kept up to date.

    Attributes:
        storage_error: what ended it, when storage gave no answer.
        is_put_off: whether it ended because what is left is deferred for longer than it would have waited.
        left_under_way: how many uploads may have come to an end or not.
    """

    def __init__(self, app: AppClient, tally: Tally, interrupt: Interrupt) -> None:
        self._tally = tally
        self._interrupt = interrupt
        self._watch = Watch(app, interrupt.stop)
        self.storage_error: StorageSilentError | None = None
        self.is_put_off = False
        self.left_under_way = 0

    @property
    def unsettled(self) -> Mapping[str, ImageState | None]:
        """What was uploaded and is neither complete nor failed, with its last known state."""
        return self._watch.unsettled

    def run(
        self, uploader: ImageUploader, files: Mapping[str, Path], listener: Listener, *, patience_seconds: float
    ) -> None:
        """
        Go on until all are complete or failed, or none became so for *patience_seconds*, or will; or until interrupted.

        Raises LocalError when the app does not answer in a way that waiting mends.
        """
        pool = DaemonPool(
            lambda name: uploader.upload(files[name], name), files, threads=min(PARALLEL_UPLOADS, len(files))
        )
        try:
            self._upload_and_wait(pool, listener, patience_seconds)
        finally:
            pool.begin_no_more()
            self._finish_uploads(pool, listener)

    def _upload_and_wait(self, pool: Uploads, listener: Listener, patience_seconds: float) -> None:
        last_progress = time.monotonic()
        while not self._interrupt.stop.is_set() and not self.storage_error:
            # Asked first: what comes after the last result has been taken would be missed otherwise.
            busy = pool.busy
            if self._take_results(pool, listener) + self._take_states(listener) or busy:
                last_progress = time.monotonic()
            listener.show()
            seconds_left = last_progress + patience_seconds - time.monotonic()
            self.is_put_off = not busy and seconds_left > 0 and self._watch.is_in_vain(seconds_left)
            if not busy and (self._watch.is_over or seconds_left <= 0 or self.is_put_off):
                return
            self._interrupt.stop.wait(NOTHING_YET_SECONDS if self._watch.is_over else self._watch.pause_seconds)

    def _finish_uploads(self, pool: Uploads, listener: Listener) -> None:
        """Count the uploads under way too, until they have ended or Ctrl-C asks not to."""
        enough = self._interrupt.stop if self.storage_error else self._interrupt.hurry
        while pool.busy and not enough.wait(NOTHING_YET_SECONDS):
            self._take_results(pool, listener)
            listener.show()
        self._take_results(pool, listener)
        self.left_under_way = pool.under_way

    def _take_results(self, pool: Uploads, listener: Listener) -> int:
        count = 0
        for result in pool.results():
            count += 1
            if isinstance(result.error, StorageSilentError):
                self.storage_error = result.error
            elif isinstance(result.error, LocalError):
                self._tally.count_not_uploaded(str(result.error))
                listener.uploaded(result)
            elif result.error:
                raise result.error
            elif result.value:
                self._tally.count_upload(result.value)
                listener.uploaded(result)
                # Settings may have changed since it came, or an outage ended its event.
                self._watch.add(result.item, already_there=result.value is Outcome.PRESENT)
        return count

    def _take_states(self, listener: Listener) -> int:
        settled = [state for state in self._watch.ask() if state.settled]
        for state in settled:
            self._tally.count_state(state)
            listener.settled(state)
        return len(settled)
