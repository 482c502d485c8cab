"""
Route templates as ASP.NET Core reads them: `items/{id:int}`, `{a}.{b}`, `{p?}`, `{p=x}`, `{*rest}`.

A path matches without regard to case and to a slash at its end; the values keep their case.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from local.host.errors import FunctionLoadError
from local.host.http.constraints import Constraint, parse_constraint

NAME = re.compile(r"(?P<stars>\*{0,2})(?P<name>[^*?:={}/]+)(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """One `{...}` of a template."""

    name: str
    catch_all: bool
    optional: bool
    default: str | None
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True)
class Segment:
    """What stands between two slashes: literal text and parameters in turn."""

    parts: tuple[str | Parameter, ...]

    @property
    def only(self) -> Parameter | None:
        """The parameter, if the segment is nothing else."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Parameter) else None

    def match(self, text: str) -> dict[str, str] | None:
        """Return the values in *text*, or None if it does not match."""
        for parts in self._alternatives():
            found = _regex(parts).fullmatch(text)
            if found:
                names = [part.name for part in parts if isinstance(part, Parameter)]
                return dict(zip(names, found.groups(), strict=True))
        return None

    def _alternatives(self) -> Iterator[tuple[str | Parameter, ...]]:
        yield self.parts
        last = self.parts[-1]
        # `{file}.{ext?}`: with the optional parameter its dot may be missing too.
        if len(self.parts) > 2 and isinstance(last, Parameter) and last.optional and self.parts[-2] == ".":
            yield self.parts[:-2]


@dataclass(frozen=True)
class RouteTemplate:
    """A parsed template."""

    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str) -> "RouteTemplate":
        """Parse *text*; raises FunctionLoadError."""
        text = text.strip("/").removeprefix("~/")
        segments = tuple(_segment(part, text) for part in _split(text)) if text else ()
        for index, segment in enumerate(segments):
            only = segment.only
            if index < len(segments) - 1 and only and (only.catch_all or only.optional):
                raise FunctionLoadError(f"route '{text}': only the last parameter may be optional or a catch-all")
        names = [part.name.lower() for segment in segments for part in segment.parts if isinstance(part, Parameter)]
        if len(names) != len(set(names)):
            raise FunctionLoadError(f"route '{text}': a parameter name appears more than once")
        return cls(text, segments)

    @property
    def catch_all(self) -> str | None:
        """The name of the parameter that takes the rest of a path, if there is one."""
        last = self.segments[-1].only if self.segments else None
        return last.name if last and last.catch_all else None

    def match(self, path: str) -> dict[str, str] | None:
        """Return the route values of a decoded *path* (leading slash), or None. What was not given is absent."""
        values = self._values(path.removeprefix("/"))
        if values is None:
            return None
        for parameter in self._parameters():
            if parameter.name not in values and parameter.default is not None:
                values[parameter.name] = parameter.default
            value = values.get(parameter.name)
            if value is not None and not all(test(value) for test in parameter.constraints):
                return None
        return values

    def _parameters(self) -> Iterator[Parameter]:
        for segment in self.segments:
            yield from (part for part in segment.parts if isinstance(part, Parameter))

    def _values(self, rest: str) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for segment in self.segments:
            only = segment.only
            if not rest:
                if not only or not (only.catch_all or only.optional or only.default is not None):
                    return None
                continue
            text, _, after = rest.partition("/")
            if not text:
                return None
            if only and only.catch_all:
                return values | {only.name: rest}
            found = segment.match(text)
            if found is None:
                return None
            values |= found
            rest = after
        return None if rest else values


def _split(text: str) -> list[str]:
    """Split at slashes outside of braces: a regular expression may hold some."""
    parts, position = [""], 0
    while position < len(text):
        end = position + 1
        if text[position : position + 2] in ("{{", "}}"):
            end += 1
        elif text[position] == "{":
            end = _closing_brace(text, position, text) + 1
        if text[position] == "/":
            parts.append("")
        else:
            parts[-1] += text[position:end]
        position = end
    if not all(parts):
        raise FunctionLoadError(f"route '{text}': a segment is empty")
    return parts


def _segment(text: str, route: str) -> Segment:
    parts: list[str | Parameter] = []
    position = 0
    while position < len(text):
        if text[position] != "{" or text.startswith("{{", position):
            literal = re.compile(r"(?:\{\{|\}\}|[^{}])+").match(text, position)
            if not literal:
                raise FunctionLoadError(f"route '{route}': the braces do not pair")
            parts.append(literal[0].replace("{{", "{").replace("}}", "}"))
            position = literal.end()
        else:
            end = _closing_brace(text, position, route)
            parts.append(_parameter(text[position + 1 : end], route))
            position = end + 1
    for before, after in pairwise(parts):
        if isinstance(before, Parameter) and isinstance(after, Parameter):
            raise FunctionLoadError(f"route '{route}': two parameters must have text between them")
    if len(parts) > 1 and any(isinstance(part, Parameter) and part.catch_all for part in parts):
        raise FunctionLoadError(f"route '{route}': a catch-all must be a whole segment")
    return Segment(tuple(parts))


def _closing_brace(text: str, opening: int, route: str) -> int:
    position = opening + 1
    while position < len(text):
        if text[position] == "}" and not text.startswith("}}", position):
            return position
        position += 2 if text[position : position + 2] in ("{{", "}}") else 1
    raise FunctionLoadError(f"route '{route}': the braces do not pair")


def _parameter(text: str, route: str) -> Parameter:
    found = NAME.fullmatch(text.replace("{{", "{").replace("}}", "}"))
    if not found:
        raise FunctionLoadError(f"route '{route}': '{{{text}}}' is no parameter")
    rest, default, optional = found["rest"], None, False
    constraints, rest = _constraints(rest)
    if rest.startswith("="):
        default = rest[1:]
    elif rest == "?":
        optional = True
    elif rest:
        raise FunctionLoadError(f"route '{route}': '{{{text}}}' is no parameter")
    return Parameter(found["name"], bool(found["stars"]), optional, default, constraints)


def _constraints(text: str) -> tuple[tuple[Constraint, ...], str]:
    """Take the leading `:constraint`s off *text*; a bracketed argument may hold anything but an unpaired bracket."""
    found = []
    while text.startswith(":"):
        depth, end = 0, 1
        while end < len(text) and (depth or text[end] not in ":=?"):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        found.append(parse_constraint(text[1:end]))
        text = text[end:]
    return tuple(found), text


def _regex(parts: tuple[str | Parameter, ...]) -> re.Pattern[str]:
    pattern = "".join("(.+)" if isinstance(part, Parameter) else re.escape(part) for part in parts)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
