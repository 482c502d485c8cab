"""
The texts beside the body of a request: the query, the values in its path, its headers.

`check` is the gate that all of them pass before a function reads any. The platform leaves empty parameters out and
joins repeated ones with commas; both are seen in the address.
"""

import re
from collections.abc import Collection, Iterable
from typing import TypeVar
from urllib.parse import parse_qsl

import azure.functions as func

from shared import names
from shared.errors import BadRequestError
from shared.untrusted.characters import fault, listed, shown

_Word = TypeVar("_Word", bound=str)
# The Functions host's own parameter and header for a key. It looks for both without regard to case.
_KEY = "code"
_KEY_HEADER = "x-functions-key"
_ADDRESS = re.compile(r"[a-z]+://([^/?#]*)")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(:[0-9]{0,5})?")
# The headers that are understood. A key or a correlation identifier of any other form is none, which is no error.
_HEADERS = ("Content-Type", "Content-Encoding", "Transfer-Encoding", "If-Match", "If-None-Match", "Prefer")


def check(req: func.HttpRequest) -> None:
    """
    Let a request pass whose texts can be meant.

    Raises:
        BadRequestError: `bad_parameter` or `bad_header`, naming a text with an impossible character or too many.
    """
    for name, value in req.params.items():
        problem = fault(name) or fault(value)
        if problem:
            raise BadRequestError(f"The query parameter {shown(name)} {problem}.", code="bad_parameter")
    for name, value in req.route_params.items():
        problem = fault(value or "")
        if problem:
            raise BadRequestError(f"The {name} in the path {problem}.", code="bad_parameter")
    for name in _HEADERS:
        value = req.headers.get(name)
        # A tab may stand for a space in a header.
        problem = fault(value.replace("\t", " ")) if value else None
        if problem:
            raise BadRequestError(f"The header {name} {problem}.", code="bad_header")
    host = _ADDRESS.match(req.url)
    if host and host[1] and not _HOST.fullmatch(host[1]):
        raise BadRequestError(
            f"The header Host is {shown(host[1])}; a name or an address with or without a port is possible.",
            code="bad_header",
        )


def reject_unknown(req: func.HttpRequest, *allowed: str, may_be_empty: str | None = None) -> None:
    """Refuse unknown query parameters, which would be paid for with their defaults, and all other empty ones."""
    unknown = [name for name in req.params if name not in allowed and name.lower() != _KEY]
    if unknown:
        raise BadRequestError(
            f"The query parameter {listed(unknown)} is not known here; known are {', '.join(allowed) or 'none'}.",
            code="bad_parameter",
        )
    given = (*req.params.items(), *_sent(req))
    empty = {name for name, value in given if name in allowed and name != may_be_empty and not value}
    if empty:
        raise BadRequestError(
            f"The query parameter {listed(empty)} is empty.",
            code="bad_parameter",
            action="Give it a value, or leave it out for its default.",
        )


def reject_beside(req: func.HttpRequest, parameter: str, *others: str) -> None:
    """Refuse a request with this parameter and one of the others, of which one would be left out of account."""
    given = [name for name in others if name in req.params or name in req.route_params]
    if parameter in req.params and given:
        raise BadRequestError(
            f"{parameter} and {listed(given)} cannot be asked for together: leave one out.", code="bad_parameter"
        )


def _sent(req: func.HttpRequest) -> Iterable[tuple[str, str]]:
    """The query as it was sent, with what the platform leaves out."""
    return parse_qsl(req.url.partition("?")[2].partition("#")[0], keep_blank_values=True)


def text(req: func.HttpRequest, parameter: str, longest: int | None = None) -> str | None:
    """A query parameter that is one text, or None if there is none."""
    value: str | None = req.params.get(parameter)
    if sum(name.lower() == parameter.lower() for name, _ in _sent(req)) > 1:
        raise BadRequestError(f"The query parameter {parameter} is there more than once.", code="bad_parameter")
    problem = fault(value, longest) if value is not None and longest else None
    if problem:
        raise BadRequestError(f"The query parameter {parameter} {problem}.", code="bad_parameter")
    return value


def integer(req: func.HttpRequest, parameter: str, default: int | None = None) -> int:
    """A query parameter that is a whole number in ASCII digits; the caller checks the range."""
    value = text(req, parameter)
    if value is None and default is not None:
        return default
    if value is None or not re.fullmatch(r"[0-9]{1,9}", value):
        what = "is missing" if value is None else f"is {shown(value)}"
        raise BadRequestError(
            f"The query parameter {parameter} {what}; a whole number in the digits 0 to 9 is needed.",
            code="bad_parameter",
        )
    return int(value)


def boolean(req: func.HttpRequest, parameter: str) -> bool | None:
    """A query parameter that is `true` or `false`, or None if there is none."""
    value = text(req, parameter)
    if value is None:
        return None
    if value.lower() not in ("true", "false"):
        raise BadRequestError(
            f"The query parameter {parameter} is {shown(value)}; true or false is needed.", code="bad_parameter"
        )
    return value.lower() == "true"


def one_of(req: func.HttpRequest, parameter: str, allowed: Collection[_Word]) -> _Word | None:
    """A query parameter that is one of these words, or None if there is none."""
    value = text(req, parameter)
    found = next((word for word in allowed if word == value), None)
    if value is not None and found is None:
        raise BadRequestError(
            f"The query parameter {parameter} is {shown(value)}; it must be one of {', '.join(allowed)}.",
            code="bad_parameter",
        )
    return found


def list_of(req: func.HttpRequest, parameter: str) -> list[str]:
    """A query parameter that is a comma-separated list; one that is repeated is one list."""
    value = req.params.get(parameter)
    found = [part.strip() for part in (value or "").split(",") if part.strip()]
    if value and not found:
        raise BadRequestError(f"The query parameter {parameter} has no word between its commas.", code="bad_parameter")
    return found


def name_of(req: func.HttpRequest) -> str:
    """The image's name in the route or in `?name=`, checked."""
    name = optional_name_of(req)
    if name is None:
        raise BadRequestError(
            "The request names no image.", code="bad_blob_name", action="Put the name into the path, or into ?name=."
        )
    return name


def optional_name_of(req: func.HttpRequest) -> str | None:
    """The same, or None if there is neither."""
    in_path, in_query = req.route_params.get("name"), text(req, "name")
    if in_path and in_query:
        raise BadRequestError(
            "The request names an image in its path and another in ?name=.",
            code="bad_parameter",
            action="Leave one of the two out, also where they are the same.",
        )
    name = in_path or in_query
    return names.check_image_name(name) if name else None


def key_of(req: func.HttpRequest) -> str | None:
    """The key that the request brings, in the header or in the query."""
    return req.headers.get(_KEY_HEADER) or key_in_query(req)


def key_in_query(req: func.HttpRequest) -> str | None:
    """The key in `?code=`, which the Functions host looks for without regard to case."""
    return next((value for name, value in req.params.items() if name.lower() == _KEY), None)
