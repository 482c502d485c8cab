"""
The lines that storage has not taken yet, no more than the memory has room for.
"""

import logging

from shared import log
from shared.index.entry import Entry, Line

# Some 30 MB. An upload leaves about five lines.
MOST_LINES = 10_000
_logger = logging.getLogger(__name__)


class Backlog:
    """
    Lines in the order in which they were noted. For one thread at a time.

    Attributes:
        lost: how many were given up; the records tell the same.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self.lost = 0

    def add(self, line: Line) -> None:
        """Put it behind the others."""
        self._lines.append(line)
        self._make_room()

    def take(self) -> list[Line]:
        """All of them, for storage to take."""
        lines, self._lines = self._lines, []
        return lines

    def give_back(self, lines: list[Line]) -> None:
        """Put lines that were taken before the others again, as storage has not taken them."""
        self._lines = [*lines, *self._lines]
        self._make_room()

    def without_late(self, lines: list[Line], since: float) -> list[Line]:
        """These lines but for those that were noted before that moment, which are given up."""
        kept = [line for line in lines if line["at"] > since]
        self._give_up(len(lines) - len(kept))
        return kept

    def _make_room(self) -> None:
        if len(self._lines) <= MOST_LINES:
            return
        merged: dict[str, Entry] = {}
        for line in self._lines:
            merged.setdefault(line["stem"], Entry(line["stem"])).apply(line)
        self._lines = [line for entry in merged.values() for line in entry.lines()]
        # Not one at a time, as all are gone through for it.
        if (many := len(self._lines) - MOST_LINES * 3 // 4) > 0:
            self._lines = self._lines[many:]
            self._give_up(many)

    def _give_up(self, lines: int) -> None:
        if lines:
            self.lost += lines
            log.event(_logger, "index.lines_lost", level=logging.WARNING, lines=lines)
