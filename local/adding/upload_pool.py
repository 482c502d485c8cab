"""Upload files some at a time, each read only when its turn comes."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

from local.errors import LocalError
from local.upload import ImageUploader, Outcome

# Each holds the bytes of one file.
WORKERS = 4


class Uploaded(NamedTuple):
    """What became of one file: what its upload did, or why there was none."""

    name: str
    outcome: Outcome | None
    error: LocalError | None = None


class UploadPool:
    """
    Uploads *files* (each by its image's name) from the beginning of the `with` block.

    At its end no further file is begun, and those under way are finished.
    """

    def __init__(self, uploader: ImageUploader, files: Mapping[str, Path]) -> None:
        self._uploader = uploader
        self._todo = iter(files.items())
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._results: SimpleQueue[Uploaded] = SimpleQueue()
        # Daemons: whoever presses Ctrl-C twice does not wait for an upload that hangs.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(WORKERS, len(files)))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def busy(self) -> bool:
        """Whether results may still come."""
        return any(thread.is_alive() for thread in self._threads)

    def results(self) -> Iterator[Uploaded]:
        """Hand out what has come since the last call."""
        while True:
            try:
                yield self._results.get_nowait()
            except Empty:
                return

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                name, path = next(self._todo, ("", None))
            if path is None:
                return
            try:
                result = Uploaded(name, self._uploader.upload(path, name))
            except LocalError as error:
                result = Uploaded(name, None, error)
            self._results.put(result)
