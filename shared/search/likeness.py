"""
Which images show the same picture: their looks differ by few bits, or those of others between them do.

Two looks that differ by at most 6 of 64 bits have a quarter of 16 bits that differs by at most one. So a look has to be
compared only with those that share a quarter with it, or one of its 16 neighbours.
"""

from array import array
from collections.abc import Iterator

from shared.pictures.looks import SAME_BITS

_QUARTERS, _BITS = 4, 16
_PROBES = (0, *(1 << bit for bit in range(_BITS)))
_NONE = -1
# Of thousands of pictures that are nearly the same, each needs not to know all.
_MOST_NEAR = 32


class Likeness:
    """Groups of images by their looks; a look is an integer of 64 bits. For one thread at a time."""

    def __init__(self) -> None:
        self._look_of: dict[int, int] = {}
        # A look that no image has any more stays, with an empty list.
        self._with: dict[int, list[int]] = {}
        self._near: dict[int, list[int]] = {}
        self._looks = array("Q")
        # By quarter: the last look with each value, and of each look the one before with the same value.
        self._last = [array("i", [_NONE]) * (1 << _BITS) for _ in range(_QUARTERS)]
        self._before = [array("i") for _ in range(_QUARTERS)]
        self._groups: dict[int, tuple[int, ...]] | None = {}

    def put(self, image: int, look: int | None) -> None:
        """The image has this look now; None is none."""
        known = self._look_of.get(image)
        if known == look:
            return
        if self._groups and image in self._groups:
            self._groups = None
        if known is not None:
            self._with[known].remove(image)
            del self._look_of[image]
        if look is not None:
            self._look_of[image] = look
            images = self._of_look(look)
            images.append(image)
            if len(images) > 1 or look in self._near:
                self._groups = None

    def groups(self) -> dict[int, tuple[int, ...]]:
        """Of each image that is like others: all images of its group, itself too, by rising number."""
        if self._groups is None:
            self._groups = {}
            seen: set[int] = set()
            for look in self._with:
                if look not in seen and (look in self._near or len(self._with[look]) > 1):
                    group = sorted(image for each in self._reached(look, seen) for image in self._with[each])
                    if len(group) > 1:
                        self._groups |= dict.fromkeys(group, tuple(group))
        return self._groups

    def _reached(self, look: int, seen: set[int]) -> Iterator[int]:
        """The look and all that are reached from it, over looks that images have."""
        waiting = [look]
        seen.add(look)
        while waiting:
            each = waiting.pop()
            if not self._with[each]:
                continue
            yield each
            for near in self._near.get(each, ()):
                if near not in seen and self._with[near]:
                    seen.add(near)
                    waiting.append(near)

    def _of_look(self, look: int) -> list[int]:
        """The images with this look; a look that is new is compared with those that can be near."""
        if look in self._with:
            return self._with[look]
        for other in self._compared(look):
            mine = self._near.setdefault(look, [])
            if other not in mine:
                mine.append(other)
                self._near.setdefault(other, []).append(look)
            if len(mine) >= _MOST_NEAR:
                break
        number = len(self._looks)
        self._looks.append(look)
        for quarter, (last, before) in enumerate(zip(self._last, self._before, strict=True)):
            value = look >> quarter * _BITS & (1 << _BITS) - 1
            before.append(last[value])
            last[value] = number
        return self._with.setdefault(look, [])

    def _compared(self, look: int) -> Iterator[int]:
        looks = self._looks
        for quarter, (last, before) in enumerate(zip(self._last, self._before, strict=True)):
            value = look >> quarter * _BITS & (1 << _BITS) - 1
            for probe in _PROBES:
                number = last[value ^ probe]
                while number != _NONE:
                    if (looks[number] ^ look).bit_count() <= SAME_BITS:
                        yield looks[number]
                    number = before[number]
