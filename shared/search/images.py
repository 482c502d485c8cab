"""
The images that can be found, by their numbers, with what orders, filters and counts them: all of it in memory.
"""

from array import array

from shared.search.document import Document, facet_values
from shared.search.facets import Facets
from shared.search.likeness import Likeness

_DIGITS = len("YYYYMMDDhhmmss")
# Later than every moment.
NEVER = 10**_DIGITS


class Images:
    """A number is free again when its image is gone. For one thread at a time."""

    def __init__(self) -> None:
        self.facets = Facets()
        self.likeness = Likeness()
        # By number: whether there is an image; its stem, name and date (`moment`), and the numbers of its facets.
        self.there = bytearray()
        self.stems: list[str] = []
        self.names: list[str] = []
        self.dates = array("q")
        self.values: list[tuple[int, ...]] = []
        self._free: list[int] = []

    def put(self, image: int | None, stem: str, shown: Document, state: str) -> int:
        """Take an image, or what an image shows now; gives its number."""
        if image is None:
            image = self._free.pop() if self._free else self._grown()
        self.there[image] = 1
        self.stems[image] = stem
        self.names[image] = stem if shown.name == stem else shown.name
        self.dates[image] = moment(shown.date)
        self.values[image] = self.facets.take(self.values[image], facet_values(shown, state))
        self.likeness.put(image, shown.look)
        return image

    def drop(self, image: int) -> None:
        """The image is gone."""
        self.there[image] = 0
        self.stems[image] = self.names[image] = ""
        self.values[image] = self.facets.take(self.values[image], ())
        self.likeness.put(image, None)
        self._free.append(image)

    def _grown(self) -> int:
        self.there.append(0)
        self.stems.append("")
        self.names.append("")
        self.dates.append(0)
        self.values.append(())
        return len(self.there) - 1


def moment(date: str | None) -> int:
    """A date as a number that grows with time, YYYYMMDDhhmmss; 0 for none. What lacks is 0."""
    digits = "".join(letter for letter in (date or "")[:19] if "0" <= letter <= "9")
    return int(f"{digits:0<{_DIGITS}}"[:_DIGITS])
