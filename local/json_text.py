"""
Read JSON that came from outside, which may be anything.

Python's own reader runs out of stack where brackets nest deep, and takes halves of characters, which nothing can store.
"""

import json
import re
from typing import Any

MAX_DEPTH = 64  # of Newtonsoft.Json, by which Azure's host reads
# A surrogate: two make one character, one alone makes none.
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJsonError(ValueError):
    """The text is no JSON, or cannot be used; the message says why."""


def read_json(text: bytes | str) -> Any:
    """Return what the JSON *text* holds; raises NotJsonError and nothing else."""
    try:
        decoded = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        content = json.loads(decoded)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise NotJsonError(str(error)) from None
    _check_depth(content)
    if SURROGATE.search(decoded):
        _check_characters(content)
    return content


def _check_depth(content: Any) -> None:
    """Level by level: what has to be refused is what recursion cannot take."""
    level, depth = [content], 0
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]


def _check_characters(content: Any) -> None:
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(error.object[error.start]):04x}"
        raise NotJsonError(f"a text in it has half a character, {code} without its other half") from None


def _too_deep() -> NotJsonError:
    return NotJsonError(f"it nests objects and arrays more than {MAX_DEPTH} deep")
