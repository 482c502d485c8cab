"""
The lines of the index that this process has not stored yet.
"""

from shared.clock import Clock
from shared.index.entry import Line
from shared.storage.blobs import Blobs


class IndexWriter:
    """
    Stores lines of the index in the host account. Safe for threads.

    Args:
        host: that account.
        clock: the time.
    """

    def __init__(self, host: Blobs, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._lines: list[Line] = []

    def note(self, line: Line) -> None:
        """Leave a line to the next `flush`."""
        self._lines.append(line)

    def flush(self, linger_seconds: float = 0.0) -> None:
        """
        Return when every line that was noted before is stored.

        Raises:
            StorageError: storage does not take them; they stay for the next call.
        """
