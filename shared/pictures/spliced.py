"""Two parts of a file as one."""

from io import SEEK_CUR, SEEK_SET, RawIOBase
from typing import Any


class Spliced(RawIOBase):
    """Two parts as one file, without a copy of the second."""

    def __init__(self, head: bytes, rest: memoryview) -> None:
        self._parts = (memoryview(head), rest)
        self._at = 0

    def readable(self) -> bool:
        """As `RawIOBase` says, like all below."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a byte."""
        begin = {SEEK_SET: 0, SEEK_CUR: self._at}.get(whence, sum(map(len, self._parts)))
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from one of the parts."""
        head, rest = self._parts
        size = len(buffer)
        found = (
            head[self._at : self._at + size]
            if self._at < len(head)
            else rest[self._at - len(head) : self._at - len(head) + size]
        )
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
