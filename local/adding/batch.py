"""Upload images and wait for them at the same time: the first are done long before the last are sent."""

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from local.adding.tally import Tally
from local.adding.upload_pool import Uploaded, UploadPool
from local.app import AppClient
from local.upload import ImageUploader, Outcome, StorageSilentError
from local.waiting import Watch

NOTHING_YET_SECONDS = 0.02


class Batch:
    """
    One run of uploads into the running stack; *tally* is kept up to date.

    *uploaded* is called with the result of every upload, and *show* after every round.
    """

    def __init__(
        self, app: AppClient, tally: Tally, *, uploaded: Callable[[Uploaded], None], show: Callable[[], None]
    ) -> None:
        self._app = app
        self._tally = tally
        self._uploaded = uploaded
        self._show = show

    def run(self, uploader: ImageUploader, files: Mapping[str, Path], *, patience_seconds: float) -> Collection[str]:
        """
        Return the names of the images that are not done, once all are or none was for *patience_seconds*, or will be.

        Raises LocalError when storage or the app do not answer in a way that waiting mends.
        """
        with Watch(self._app) as watch, UploadPool(uploader, files) as pool:
            last_progress = time.monotonic()
            while True:
                # Asked first: what comes after the last result has been taken would be missed otherwise.
                busy = pool.busy
                if self._take_results(pool, watch) + self._take_states(watch) or busy:
                    last_progress = time.monotonic()
                self._show()
                if not busy and not watch.unsettled:
                    return []
                seconds_left = last_progress + patience_seconds - time.monotonic()
                if not busy and (seconds_left <= 0 or watch.is_in_vain(seconds_left)):
                    return list(watch.unsettled)
                time.sleep(watch.pause_seconds if watch.unsettled else NOTHING_YET_SECONDS)

    def _take_results(self, pool: UploadPool, watch: Watch) -> int:
        count = 0
        for result in pool.results():
            if isinstance(result.error, StorageSilentError):
                raise result.error
            self._uploaded(result)
            if result.outcome is None:
                self._tally.count_failed_upload(str(result.error))
            else:
                self._tally.count_upload(result.outcome)
                # Settings may have changed since it came, or an outage ended its event.
                watch.add(result.name, already_there=result.outcome is Outcome.PRESENT)
            count += 1
        return count

    def _take_states(self, watch: Watch) -> int:
        settled = [state for state in watch.ask() if state.settled]
        for state in settled:
            self._tally.count_state(state)
        return len(settled)
