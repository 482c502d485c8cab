"""
Every small damage that a JSON answer can have, one at a time.

    for damage in damages(answer):
        damage.kind, damage.place, damage.answer    "a number as text", "$.color.isBWImg", the damaged copy
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

KEY_RENAMED = "a key renamed"
KEY_MISSING = "a key missing"
KEY_EXTRA = "an extra key"
SIDE_MISSING = "a box without a side"
NUMBER_AS_TEXT = "a number as text"
OTHER_TYPE = "a value of another type"
NULL = "a value that is null"

BOXES = ({"x", "y", "w", "h"}, {"left", "top", "width", "height"})
CORNERS = 8  # numbers in a box of Read

Steps = tuple[str | int, ...]
Change = Callable[[Any], None]


@dataclass(frozen=True)
class Damage:
    """One damaged copy of an answer: what was done, to which value, and the copy."""

    kind: str
    place: Steps
    answer: Any


def damages(answer: Any) -> Iterator[Damage]:
    """Damage *answer*, an object, in every way at every place."""
    for place, value in _places(answer):
        for kind, change in _changes(place, value):
            copied = copy.deepcopy(answer)
            change(copied)
            yield Damage(kind, place, copied)


def _places(value: Any, place: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    yield place, value
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value if _is_list(value) else []):
        yield from _places(inner, (*place, step))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _changes(place: Steps, value: Any) -> Iterator[tuple[str, Change]]:
    if isinstance(value, dict):
        yield KEY_EXTRA, lambda answer: _at(answer, place).update(surprise=1)
        yield from _without_sides(place, sorted(value) if set(value) in BOXES else [])
    elif _is_list(value) and len(value) == CORNERS and not any(map(_is_list, value)):
        yield from _without_sides(place, [0, CORNERS - 1])
    if place and isinstance(place[-1], str):
        yield KEY_RENAMED, lambda answer: _rename(_at(answer, place[:-1]), place[-1])
        yield KEY_MISSING, lambda answer: _remove(answer, place)
    if place:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        yield (NUMBER_AS_TEXT if is_number else OTHER_TYPE), lambda answer: _put(answer, place, _other_type(value))
        yield NULL, lambda answer: _put(answer, place, None)


def _without_sides(place: Steps, sides: list[Any]) -> Iterator[tuple[str, Change]]:
    for side in sides:
        yield SIDE_MISSING, lambda answer, side=side: _remove(answer, (*place, side))


def _other_type(value: Any) -> Any:
    match value:
        case bool() | int() | float() | None:
            return str(value)
        case str():
            return 1
        case list():
            return {"0": value}
    return [value]


def _at(answer: Any, place: Steps) -> Any:
    for step in place:
        answer = answer[step]
    return answer


def _put(answer: Any, place: Steps, value: Any) -> None:
    _at(answer, place[:-1])[place[-1]] = value


def _remove(answer: Any, place: Steps) -> None:
    del _at(answer, place[:-1])[place[-1]]


def _rename(parent: dict[str, Any], key: Any) -> None:
    parent[f"{key}s"] = parent.pop(key)
