"""
Members of an answer's JSON, each with the type that it must have.

A member that is missing is None or empty; one of another type is an `UnexpectedAnswerError` that names it. An answer
has hundreds of members, so the usual ones pass without a further call.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from shared.errors import UnexpectedAnswerError

_T = TypeVar("_T")
Json = Mapping[str, Any]


def get(body: Json, key: str, kind: type[_T]) -> _T | None:
    """The member, or None if it is missing or null."""
    value = body.get(key)
    return None if value is None else typed(value, kind, key)


def need(body: Json, key: str, kind: type[_T]) -> _T:
    """The member, which cannot be missing."""
    value = body.get(key)
    if type(value) is kind:
        return value
    checked: _T = typed(value, kind, key)
    return checked


def number(body: Json, key: str) -> float | None:
    """A number, or None."""
    value = body.get(key)
    if type(value) is float:
        return value
    return None if value is None else real(value, key)


def real(value: Any, key: str) -> float:
    """A number that has to be there: JSON writes 1.0 as 1, and may write more digits than any float has."""
    try:
        return float(typed(value, (int, float), key))
    except OverflowError:
        raise UnexpectedAnswerError(f"Computer Vision answered 200, but {key} is beyond any number.") from None


def truth(body: Json, key: str) -> bool | None:
    """True, false, or None."""
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise _unexpected(key, value)
    return value


def list_of(body: Json, key: str) -> list[dict[str, Any]]:
    """A list of objects; empty if it is missing."""
    return [each if type(each) is dict else typed(each, dict, key) for each in get(body, key, list) or ()]


def typed(value: Any, kind: Any, key: str) -> Any:
    """The value, if it is of that kind."""
    # Python takes True for a number.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _unexpected(key, value)
    return value


def _unexpected(key: str, value: Any) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(f"Computer Vision answered 200, but {key} is {type(value).__name__}.")
