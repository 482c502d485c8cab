"""
The values of an invocation on their way between two processes: `{"type": ..., "value": ...}` as JSON.

A value of type `http` is an object of such values, bytes travel as base64 or as the name of a file (type `file`),
everything else as it is.
"""

import base64
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

Wire = Any
"""What JSON can hold."""


def bytes_value(content: bytes) -> Wire:
    """Return *content* as it travels."""
    return {"type": "bytes", "value": base64.b64encode(content).decode("ascii")}


def text_value(text: str, type_: str = "string") -> Wire:
    """Return text, or with *type_* `json` JSON text, as it travels."""
    return {"type": type_, "value": text}


def unpacked(wire: Wire, datum: Callable[[Any, str | None], Any]) -> Any:
    """Return the value of *wire*, made with the class *datum* of whoever is going to read it."""
    type_, value = wire["type"], wire["value"]
    if type_ == "bytes":
        return datum(base64.b64decode(value), type_)
    if type_ == "file":
        return datum(Path(value).read_bytes(), "bytes")
    if type_ == "http":
        return datum({name: _unpacked_part(part, datum) for name, part in value.items()}, type_)
    return datum(value, type_)


def packed(datum: Any) -> Wire:
    """Return a value as it travels; None, no value at all, stays None."""
    if datum is None:
        return None
    if datum.type == "bytes":
        return bytes_value(datum.value)
    if datum.type == "http":
        return {"type": "http", "value": {name: _packed_part(part) for name, part in datum.value.items()}}
    return {"type": datum.type, "value": datum.value}


def _unpacked_part(part: Wire, datum: Callable[[Any, str | None], Any]) -> Any:
    if not isinstance(part, dict):
        return part
    if set(part) == {"type", "value"} and isinstance(part["type"], str):
        return unpacked(part, datum)
    return {name: unpacked(value, datum) for name, value in part.items()}


def _packed_part(part: Any) -> Wire:
    if isinstance(part, Mapping):
        return {name: packed(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_cookie(cookie) for cookie in part]
    return packed(part)


def _cookie(cookie: SimpleCookie) -> list[str]:
    return [morsel.OutputString() for morsel in cookie.values()]
