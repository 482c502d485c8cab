"""A bounded look into a file: what a crafted one costs is known before anything in it is believed."""

import re
import struct

MAX_STEPS = 4096
MAX_SEEN_BYTES = 256 * 1024


class UnreadableError(Exception):
    """The file is not built as its kind is, or is cut short; the message says where."""


class TooLongError(UnreadableError):
    """What was looked for does not lie within the bounds of the look."""


class Look:
    """
    Looks at *data* in at most *max_steps* steps that see at most *max_seen_bytes*, wherever they lie.

    *steps* and *seen_bytes* count what was spent. What is passed over without being looked at costs nothing.
    Every method raises TooLongError once the bounds are reached, UnreadableError beyond the end of *data*.
    """

    def __init__(self, data: bytes, *, max_steps: int = MAX_STEPS, max_seen_bytes: int = MAX_SEEN_BYTES) -> None:
        self.data, self.steps, self.seen_bytes = data, 0, 0
        self._max_steps, self._max_seen_bytes = max_steps, max_seen_bytes

    def take(self, at: int, count: int) -> bytes:
        """Return *count* bytes from *at* on."""
        self._spend(count)
        if at + count > len(self.data):
            raise UnreadableError(f"The file ends after {len(self.data)} bytes, in the middle of its header.")
        return self.data[at : at + count]

    def unpack(self, shape: str, at: int) -> tuple[int, ...]:
        """Return the numbers that struct finds at *at*."""
        return struct.unpack(shape, self.take(at, struct.calcsize(shape)))

    def find(self, pattern: re.Pattern[bytes], at: int) -> re.Match[bytes]:
        """Return the first match from *at* on; all bytes up to its end are seen."""
        self._spend(0)
        end = min(len(self.data), at + self._max_seen_bytes - self.seen_bytes)
        found = pattern.search(self.data, at, end)
        self.seen_bytes += max(0, (found.end() if found else end) - at)
        if found is None and end < len(self.data):
            raise self._too_long()
        if found is None:
            raise UnreadableError(f"The file ends after {len(self.data)} bytes, before its picture begins.")
        return found

    def _spend(self, count: int) -> None:
        if self.steps >= self._max_steps or self.seen_bytes + count > self._max_seen_bytes:
            raise self._too_long()
        self.steps += 1
        self.seen_bytes += count

    def _too_long(self) -> TooLongError:
        return TooLongError(
            f"The picture does not begin within {self._max_steps} parts and {self._max_seen_bytes} bytes of the header."
        )
