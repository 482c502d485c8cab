"""The inline constraints of route parameters, `{id:int:min(1)}`, with ASP.NET Core's names and meanings."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from local.host.errors import FunctionLoadError

Constraint = Callable[[str], bool]
GUID = re.compile(r"[0-9a-f]{32}|([({]?)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[)}]?", re.IGNORECASE)
INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
DATE_FORMS = ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m-%d-%Y", "%d %B %Y", "%B %d, %Y")
PLAIN_CALL = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)


def parse_constraint(text: str) -> Constraint:
    """Return the test that *text*, one constraint such as `int` or `range(1,9)`, stands for."""
    call = PLAIN_CALL.fullmatch(text)
    if not call:
        raise FunctionLoadError(f"the route constraint '{text}' cannot be read")
    name, argument = call[1].lower(), call[2]
    try:
        if argument is None:
            return WITHOUT_ARGUMENT[name]
        return WITH_ARGUMENT[name](argument)
    except KeyError:
        known = ", ".join(sorted({*WITHOUT_ARGUMENT, *(f"{name}()" for name in WITH_ARGUMENT)}))
        raise FunctionLoadError(f"the route constraint '{text}' is unknown; there are: {known}") from None
    # The last two: a repetition or a nesting larger than Python's regular expressions can be.
    except (ValueError, re.error, OverflowError, RecursionError) as error:
        raise FunctionLoadError(f"the route constraint '{text}' has a wrong argument: {error}") from None


def _integer(bits: int) -> Constraint:
    bound = 1 << (bits - 1)
    return _is_integer_with(lambda number: -bound <= number < bound)


def _is_number(value: str) -> bool:
    try:
        float(value.replace(",", ""))
    except ValueError:
        return False
    return "_" not in value


def _is_decimal(value: str) -> bool:
    try:
        return Decimal(value.replace(",", "")).is_finite() and "e" not in value.lower()
    except InvalidOperation:
        return False


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return any(_parses(value, form) for form in DATE_FORMS)
    return True


def _parses(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _is_integer_with(test: Callable[[int], bool]) -> Constraint:
    def holds(value: str) -> bool:
        try:
            return bool(INTEGER.fullmatch(value)) and test(int(value))
        except ValueError:  # thousands of digits
            return False

    return holds


def _range(argument: str) -> Constraint:
    low, high = (int(part) for part in argument.split(","))
    return _is_integer_with(lambda number: low <= number <= high)


def _length(argument: str) -> Constraint:
    bounds = [int(part) for part in argument.split(",")]
    if len(bounds) > 2:
        raise ValueError("one or two numbers are needed")
    return lambda value: bounds[0] <= len(value) <= bounds[-1]


def _regex(argument: str) -> Constraint:
    pattern = re.compile(argument, re.IGNORECASE)
    return lambda value: bool(pattern.search(value))


WITHOUT_ARGUMENT: dict[str, Constraint] = {
    "int": _integer(32),
    "long": _integer(64),
    "decimal": _is_decimal,
    "float": _is_number,
    "double": _is_number,
    "bool": lambda value: value.strip().lower() in ("true", "false"),
    "datetime": _is_datetime,
    "guid": lambda value: bool(GUID.fullmatch(value.strip())),
    "alpha": lambda value: bool(re.fullmatch("[a-z]*", value, re.IGNORECASE | re.ASCII)),
    "required": bool,
}
WITH_ARGUMENT: dict[str, Callable[[str], Constraint]] = {
    "length": _length,
    "minlength": lambda argument: lambda value, least=int(argument): len(value) >= least,  # type: ignore[misc]
    "maxlength": lambda argument: lambda value, most=int(argument): len(value) <= most,  # type: ignore[misc]
    "min": lambda argument: _is_integer_with(lambda number, least=int(argument): number >= least),  # type: ignore[misc]
    "max": lambda argument: _is_integer_with(lambda number, most=int(argument): number <= most),  # type: ignore[misc]
    "range": _range,
    "regex": _regex,
}
