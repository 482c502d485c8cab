"""
The blob that this process adds its lines to, in blocks, of which each is stored whole or not at all.
"""

import json
import secrets
from collections.abc import Iterable, Iterator

from shared import names
from shared.clock import Clock
from shared.errors import StorageError
from shared.index import places
from shared.index.entry import Line
from shared.storage.blobs import Blobs

# A fold deletes what it has read; a tail that is added to meanwhile stays for the next one.
TAIL_SECONDS = 300.0
# Azure Storage takes 4 MiB in one block from every version of its clients.
_MOST_BYTES = 2 * 1024 * 1024
# A reader holds what it has not read of a tail in the memory, and ten times as much when it is taken apart.
_TAIL_BYTES = 8 * 1024 * 1024
_MOST_TRIES = 4


class Tail:
    """
    A tail of the index, and the one that follows it. For one thread at a time.

    Attributes:
        operations: how many requests it has made so far.
    """

    def __init__(self, host: Blobs, clock: Clock) -> None:
        self.operations = 0
        self._host = host
        self._clock = clock
        self._name = ""
        self._size = 0
        self._until = 0.0

    def add(self, lines: Iterable[Line]) -> None:
        """
        Store the lines.

        Raises:
            StorageError: storage did not take them all; those that it took may come again.
        """
        for block in _blocks(lines):
            self._add(block)

    @property
    def cost(self) -> int:
        """How many requests the next block makes."""
        return 1 if self._is_open else 2

    @property
    def _is_open(self) -> bool:
        return bool(self._name) and self._clock.now() < self._until and self._size < _TAIL_BYTES

    def _add(self, block: bytes) -> None:
        for _ in range(_MOST_TRIES):
            if not self._is_open:
                self._begin()
            self.operations += 1
            if self._host.append(names.INDEX, self._name, block, at=self._size) or self._has(block):
                self._size += len(block)
                return
            # A fold has deleted it, or it is full.
            self._name = ""
        raise StorageError(f"The index takes no lines in {names.INDEX}/{places.TAILS}.")

    def _has(self, block: bytes) -> bool:
        """Whether a block was added whose answer was lost: no other process adds to this blob."""
        self.operations += 1
        info = self._host.head(names.INDEX, self._name)
        return info is not None and info.size == self._size + len(block)

    def _begin(self) -> None:
        self.operations += 1
        name = places.tail(secrets.token_hex(8))
        # Where the answer was lost, the second try finds the blob that the first has made.
        self._host.begin_appends(names.INDEX, name)
        self._name, self._size, self._until = name, 0, self._clock.now() + TAIL_SECONDS


def _blocks(lines: Iterable[Line]) -> Iterator[bytes]:
    """The lines as JSON, one each, in blocks of no more than one request takes."""
    block = b""
    for line in lines:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"
        if block and len(block) + len(data) > _MOST_BYTES:
            yield block
            block = b""
        block += data
    if block:
        yield block
