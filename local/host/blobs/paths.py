"""Paths of blob bindings: patterns that take names apart (triggers), templates that are filled (inputs, outputs)."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.host.errors import FunctionLoadError

# In order: {{ and }} (escapes), {expression}, plain text.
PIECE = re.compile(r"(?P<escape>\{\{|\}\})|\{(?P<expression>[^{}]*)\}|(?P<text>[^{}]+)|(?P<bad>.)", re.DOTALL)
CAPTURE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class BlobPath:
    """
    A blob trigger's `container/pattern`.

    A capture `{name}` is greedy, spans slashes and is case-sensitive; no pattern at all matches every blob.
    """

    text: str
    container: str
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "BlobPath":
        """Parse `container` or `container/pattern`; raises FunctionLoadError."""
        container, _, rest = text.partition("/")
        if not container or "{" in container:
            raise FunctionLoadError(
                f"Invalid blob trigger path '{text}': it must be container/pattern, with no {{}} in the container"
            )
        return cls(text, container, re.compile(_capturing_regex(rest, text) if rest else ".*", re.DOTALL))

    def match(self, container: str, blob: str) -> dict[str, str] | None:
        """Return what the captures hold for a blob, or None if the path does not match it."""
        found = self.pattern.fullmatch(blob) if container.lower() == self.container.lower() else None
        return found.groupdict() if found else None


@dataclass(frozen=True)
class BlobTemplate:
    """The `container/name` of a blob input or output, with `{expressions}` filled in at each invocation."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "BlobTemplate":
        """Check the syntax; raises FunctionLoadError."""
        if "/" not in text.strip("/"):
            raise FunctionLoadError(f"Invalid blob path '{text}': it must be container/name")
        if any(piece["bad"] for piece in PIECE.finditer(text)):
            raise FunctionLoadError(f"Invalid blob path '{text}': braces must pair, or be doubled to mean themselves")
        return cls(text)

    def fill(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """
        Return container and blob name for the binding data of one invocation.

        Raises ValueError with the platform's words for an expression that *data* has no value for.
        """
        parts = []
        for piece in PIECE.finditer(self.text):
            if piece["escape"]:
                parts.append(piece["escape"][0])
            elif piece["text"]:
                parts.append(piece["text"])
            else:
                parts.append(_evaluate(piece["expression"], data))
        container, _, name = "".join(parts).partition("/")
        if not container or not name:
            raise ValueError(f"'{''.join(parts)}' (from {self.text}) is no blob path: it must be container/name")
        return container, name


def _capturing_regex(pattern: str, whole: str) -> str:
    regex, seen = [], set()
    for piece in PIECE.finditer(pattern):
        if piece["escape"]:
            regex.append(re.escape(piece["escape"][0]))
        elif piece["text"]:
            regex.append(re.escape(piece["text"]))
        elif piece["bad"] or not CAPTURE.fullmatch(piece["expression"]) or piece["expression"] in seen:
            raise FunctionLoadError(
                f"Invalid blob trigger path '{whole}': captures are written {{name}}, each name once, without dots"
            )
        else:
            seen.add(piece["expression"])
            regex.append(f"(?P<{piece['expression']}>.*)")
    return "".join(regex)


def _evaluate(expression: str, data: Mapping[str, Any]) -> str:
    name, _, form = expression.partition(":")
    if name == "rand-guid":
        return _random_guid(form)
    lowered = {key.lower(): value for key, value in data.items()}
    if name.lower() == "datetime" and "datetime" not in lowered:
        return _format_utc_now(form)
    value: Any = lowered
    for part in name.split("."):
        members = {key.lower(): member for key, member in value.items()} if isinstance(value, Mapping) else {}
        if part.lower() not in members:
            raise ValueError(f"No value for named parameter '{name}'.")
        value = members[part.lower()]
    return value if isinstance(value, str) else str(value)


def _random_guid(form: str) -> str:
    guid = uuid.uuid4()
    match form.upper():
        case "N":
            return guid.hex
        case "B":
            return f"{{{guid}}}"
        case "P":
            return f"({guid})"
    return str(guid)


# .NET date format specifiers, longest first.
DATE_PARTS = (
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("MM", "%m"),
    ("dd", "%d"),
    ("HH", "%H"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("K", "Z"),
)


def _format_utc_now(form: str) -> str:
    form = form or "yyyy-MM-ddTHH-mm-ssK"
    for part, directive in DATE_PARTS:
        form = form.replace(part, directive)
    return datetime.now(UTC).strftime(form)
