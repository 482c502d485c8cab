"""
A bounded look at unchecked bytes.

Every look at a header goes through a `Window`, so that no file, however it is built, costs more than its bounds: a
header may be longer than memory, and a parser that walks all of it would hold a worker for half a minute.
"""

import re

MAX_BYTES = 256 * 1024
MAX_STEPS = 4096
_PART_BYTES = 64 * 1024


class HeaderError(Exception):
    """
    The header does not tell what it should. The text completes the sentence "The file begins like a JPEG, but ...".
    """


class Window:
    """
    The bytes of a file, of which at most `MAX_BYTES` are read in at most `MAX_STEPS` steps.

    Attributes:
        data: all of the bytes, for a library that has bounds of its own.
        bytes_read, steps: how much of the bounds is spent.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes_read = 0
        self.steps = 0

    def __len__(self) -> int:
        """How many bytes the file has."""
        return len(self.data)

    def from_byte(self, at: int) -> "Window":
        """A window of a file that lies in this one, from *at* on, with bounds of its own."""
        return Window(self.data[at:])

    def part(self, at: int, count: int) -> "Window":
        """A window of a part of the file, of at most 64 KB: it has bounds of its own, which a part so short keeps."""
        return Window(self.data[at : at + max(0, min(count, _PART_BYTES))])

    def read(self, at: int, count: int) -> bytes:
        """
        Exactly *count* bytes from *at*.

        Raises:
            HeaderError: the file ends before, or the look is at its bounds.
        """
        if at + count > len(self.data):
            raise HeaderError(f"it breaks off: its header goes on to byte {at + count}, the file has {len(self.data)}")
        return self.read_most(at, count)

    def read_most(self, at: int, count: int) -> bytes:
        """*count* bytes from *at*, fewer at the file's end; HeaderError if the look is at its bounds."""
        count = max(0, min(count, len(self.data) - at))
        self._spend(count)
        return self.data[at : at + count]

    def find(self, pattern: re.Pattern[bytes], at: int, most: int = MAX_BYTES) -> re.Match[bytes] | None:
        """
        The first match from *at* on, among the next *most* bytes and within the bounds; None if there is none.

        Raises:
            HeaderError: the look is at its bounds.
        """
        end = min(len(self.data), at + most, at + MAX_BYTES - self.bytes_read)
        found = pattern.search(self.data, at, end)
        self._spend(max(0, (found.end() if found else end) - at))
        if found is None and end < min(len(self.data), at + most):
            raise self._at_bounds()
        return found

    def _spend(self, count: int) -> None:
        if self.bytes_read + count > MAX_BYTES or self.steps == MAX_STEPS:
            raise self._at_bounds()
        self.bytes_read += count
        self.steps += 1

    def _at_bounds(self) -> HeaderError:
        return HeaderError(f"its header does not end within {MAX_STEPS} parts and {MAX_BYTES // 1024} KB")
