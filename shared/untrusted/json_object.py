"""
JSON that callers send: one object, whose members are named when they are wrong.

Stricter than `json.loads`, because two readers of the same body must not understand it differently. It refuses a member
that is there twice, a number that is none, and a text that cannot be meant.
"""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, NoReturn

from shared.errors import BadRequestError
from shared.json_types import Json
from shared.untrusted.characters import MAX_CHARACTERS, fault, shown

# Every body that is meant is far smaller; a larger one holds an image, which is sent by itself.
MAX_BYTES = 64 * 1024
# The object itself is the first level. No body that is meant has more than five.
MAX_DEPTH = 16
_MAX_DIGITS = 15
_NO_IMAGE_INSIDE = "Send an image as the body itself with Content-Type: application/octet-stream, not inside JSON."
_KINDS = {int: "a number", float: "a number", list: "a list", dict: "an object", str: "a text"}


class _Impossible:
    """A number that JSON does not have, or that no member can mean; refused where its member is known."""

    def __init__(self, what: str) -> None:
        self.what = what


def parsed(body: bytes, expected: str, too_large: str = _NO_IMAGE_INSIDE) -> Json:
    """
    The members of the object that *body* is. A byte order mark before it is passed over.

    *too_large* is what helps where the body has more than `MAX_BYTES`.

    Raises:
        BadRequestError: `bad_json`, with the fault, the member that has it, and the text *expected*.
    """
    if len(body) > MAX_BYTES:
        raise BadRequestError(
            f"The JSON body has {len(body)} bytes; at most {MAX_BYTES} are possible; {expected}.",
            code="bad_json",
            action=too_large,
        )
    found = loaded(body, expected)
    for name, value in found.items():
        problem = fault_inside(value)
        if problem:
            refuse(f"The member {shown(name)} {problem}", expected)
    return found


def loaded(body: bytes, expected: str) -> Json:
    """
    The same of a body of any size, whose members' values are not looked at: `fault_inside` is to be asked.

    Raises:
        BadRequestError: `bad_json`, as `parsed`.
    """
    try:
        found = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=lambda pairs: _once(pairs, expected),
            parse_constant=_Impossible,
            parse_int=_whole,
            parse_float=_decimal,
        )
    except UnicodeDecodeError as error:
        refuse(f"The body is no JSON: it is not UTF-8 at byte {error.start + 1}", expected)
    except json.JSONDecodeError as error:
        refuse(f"The body is no JSON: line {error.lineno}, column {error.colno}: {error.msg}", expected)
    except RecursionError:
        _refuse_depth(expected)
    _require_shallow(found, expected)
    if not isinstance(found, dict):
        refuse(f"The JSON body is {described(found)}, not an object", expected)
    return found


def fault_inside(value: Any, longest: int = MAX_CHARACTERS) -> str | None:
    """Say what is wrong with a text or a number in a value, to stand after its member's name; None if nothing is."""
    for each in _inside(value):
        problem = fault(each, longest) if isinstance(each, str) else f"has {each.what}, which no member can be"
        if problem:
            return problem
    return None


def text_of(members: Json, name: str, expected: str) -> str:
    """The member *name*, which has to be a text."""
    value = members[name]
    if not isinstance(value, str):
        refuse(f"The member {shown(name)} is {described(value)}, not a text", expected)
    return value


def described(value: Any) -> str:
    """A value of JSON by its kind, to stand after "is"."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return value.what if isinstance(value, _Impossible) else _KINDS[type(value)]


def refuse(what: str, expected: str) -> NoReturn:
    """Raise `bad_json` with the fault *what*, without a full stop, and the text *expected*."""
    raise BadRequestError(f"{what}; {expected}.", code="bad_json", action="Correct the JSON body as the message says.")


def _require_shallow(found: Any, expected: str) -> None:
    level = [found]
    for _ in range(MAX_DEPTH):
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [value for values in inside for value in values if isinstance(value, dict | list)]
    if level:
        _refuse_depth(expected)


def _refuse_depth(expected: str) -> NoReturn:
    refuse(f"The JSON body is nested more than {MAX_DEPTH} levels deep", expected)


def _once(pairs: list[tuple[str, Any]], expected: str) -> Json:
    members: Json = {}
    for name, value in pairs:
        problem = fault(name) or ("is there twice" if name in members else None)
        if problem:
            refuse(f"The member {shown(name)} {problem}", expected)
        members[name] = value
    return members


def _whole(text: str) -> object:
    return int(text) if len(text) <= _MAX_DIGITS else _Impossible(f"a number of {len(text)} digits")


def _decimal(text: str) -> object:
    number = float(text)
    return number if isfinite(number) else _Impossible("a number that is too large")


def _inside(value: Any) -> Iterable[Any]:
    """Every text and impossible number in a value, however deep; the names of members have been looked at."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str | _Impossible):
            yield each
        elif isinstance(each, list | dict):
            left += each.values() if isinstance(each, dict) else each
