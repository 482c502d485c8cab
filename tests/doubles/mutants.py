"""
Damaged pictures: truncated, flipped and spliced files of every kind, and bombs, each by its number alone.

    mutant(17)      -> Mutant("flipped held-6.heic", b"...")
"""

from functools import cache
from random import Random
from typing import NamedTuple

from doubles.bombs import BOMBS
from doubles.photographs import PHOTOGRAPHS
from doubles.private_pictures import PICTURES

_MOST_BYTES = 250_000
# Every so many is a bomb.
_BOMB_EVERY = 8
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65_500, 16_001, 0x10000)


class Mutant(NamedTuple):
    """What was done to which file, and what came of it."""

    name: str
    data: bytes


def mutant(number: int) -> Mutant:
    """The mutant of that number; always the same one."""
    random = Random(f"mutant {number}")
    if number % _BOMB_EVERY == 0:
        bomb = BOMBS[number // _BOMB_EVERY % len(BOMBS)]
        data = bomb(random)
        if random.random() < 0.25:
            return Mutant(f"{bomb.__name__}, flipped", _flipped(random, data))
        return Mutant(bomb.__name__, data)
    name, data = random.choice(random.choice(list(_sources().values())))
    how = random.choice((_truncated, _flipped, _flipped, _overwritten, _spliced, _shuffled))
    return Mutant(f"{how.__name__[1:]} {name}", how(random, data))


@cache
def _sources() -> dict[str, list[tuple[str, bytes]]]:
    """Small whole files by their kind, so that no kind is met more often because it has more files."""
    files = {each.name: each.data for each in PHOTOGRAPHS} | {
        f"private {name}": data for name, data in PICTURES.items()
    }
    found: dict[str, list[tuple[str, bytes]]] = {}
    for name, data in files.items():
        if len(data) <= _MOST_BYTES:
            found.setdefault(name.rpartition(".")[2], []).append((name, data))
    return found


def _place(random: Random, data: bytes) -> int:
    """Anywhere, but rather where the header is."""
    most = len(data) if random.random() < 0.5 else min(len(data), 600)
    return random.randrange(max(1, most))


def _truncated(random: Random, data: bytes) -> bytes:
    return data[: _place(random, data)]


def _flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 3, 20))):
        changed[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwritten(random: Random, data: bytes) -> bytes:
    """Numbers as large or as small as they go, in either byte order."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, size = _place(random, data), random.choice((1, 2, 4))
        number = random.choice(_NUMBERS) & (256**size - 1)
        changed[at : at + size] = number.to_bytes(size, random.choice(("big", "little")))
    return bytes(changed)


def _spliced(random: Random, data: bytes) -> bytes:
    """The beginning of one file and the end of another, or a piece of it in between."""
    _, other = random.choice(random.choice(list(_sources().values())))
    at, begin = _place(random, data), _place(random, other)
    piece = other[begin : begin + random.choice((4, 100, 10_000))]
    return data[:at] + (piece + data[at:] if random.random() < 0.6 else other[begin:])


def _shuffled(random: Random, data: bytes) -> bytes:
    """A piece left out, doubled, emptied, or moved."""
    at, size = _place(random, data), random.choice((1, 4, 50, 2000))
    piece, end = data[at : at + size], data[at + size :]
    return data[:at] + random.choice((end, piece * random.choice((2, 50)) + end, bytes(len(piece)) + end, end + piece))
