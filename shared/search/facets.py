"""
Facets: how many of the images that match have each tag, year, folder and so on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress

from shared.search.document import FACETS

# Beyond these, a page shows no more anyway.
MOST_VALUES = 50
MOST_MONTHS = 240
_BY_TIME = ("year", "month")


class Facets:
    """Numbers stand for the values of all facets, and each image has a tuple of them. For one thread at a time."""

    def __init__(self) -> None:
        self._number: dict[tuple[str, str], int] = {}
        self._values: list[tuple[str, str]] = []
        # How many images have each value now.
        self._all: Counter[int] = Counter()

    def take(self, before: Sequence[int], values: Iterable[tuple[str, str, str]]) -> tuple[int, ...]:
        """
        Count an image with these values, and no longer with those *before*.

        Args:
            values: facet, value as it is compared, value as it is shown.

        Returns:
            Their numbers; each once.
        """
        numbers = tuple(dict.fromkeys(self._take(facet, key, shown) for facet, key, shown in values))
        self._all.subtract(before)
        self._all.update(numbers)
        return numbers

    def _take(self, facet: str, key: str, shown: str) -> int:
        number = self._number.setdefault((facet, key), len(self._values))
        if number == len(self._values):
            self._values.append((facet, shown))
        return number

    def number(self, facet: str, key: str) -> int | None:
        """The number of a value that an image has now."""
        number = self._number.get((facet, key))
        return number if number is not None and self._all[number] > 0 else None

    def keys(self, facet: str) -> list[str]:
        """All values of a facet that images have now, as they are compared."""
        return [key for key, _, _ in self.all_values(facet)]

    def all_values(self, facet: str) -> Iterator[tuple[str, str, int]]:
        """Each value that images have now: as it is compared, as it is shown, and how many have it."""
        for (of, key), number in self._number.items():
            if of == facet and self._all[number] > 0:
                yield key, self._values[number][1], self._all[number]

    def counted(
        self, values: Sequence[tuple[int, ...]], matching: Sequence[int], there: bytearray
    ) -> dict[str, list[tuple[str, int]]]:
        """
        The counts of each facet.

        Args:
            values: the numbers of each image, by the image.
            matching: the images that are counted.
            there: by image, 1 if it is one.
        """
        total = there.count(1)
        if len(matching) * 2 > total:
            # The others are fewer, and all together are counted already.
            others = bytearray(there)
            for image in matching:
                others[image] = 0
            counts = self._all - _counts(values, compress(range(len(others)), others))
        else:
            counts = _counts(values, matching)
        found: dict[str, list[tuple[str, int]]] = {facet: [] for facet in FACETS}
        for number, count in counts.items():
            facet, shown = self._values[number]
            if facet in found:
                found[facet].append((shown, count))
        return {facet: _ordered(facet, each) for facet, each in found.items()}


def _counts(values: Sequence[tuple[int, ...]], images: Iterable[int]) -> Counter[int]:
    return Counter(chain.from_iterable(map(values.__getitem__, images)))


def _ordered(facet: str, counts: list[tuple[str, int]]) -> list[tuple[str, int]]:
    if facet in _BY_TIME:
        return sorted(counts, reverse=True)[:MOST_MONTHS]
    return sorted(counts, key=lambda each: (-each[1], each[0]))[:MOST_VALUES]
