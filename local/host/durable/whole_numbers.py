"""Whole numbers in the query of the management API."""

import re
from collections.abc import Mapping

from local.host.errors import BadRequestError

# No more digits than .NET's int surely takes.
DIGITS = re.compile(r"[0-9]{1,9}")


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return the parameter *name* of *query*, whose names are in lower case; raises BadRequestError."""
    text = query.get(name.lower())
    if text is None:
        return default
    if not DIGITS.fullmatch(text):
        raise BadRequestError(f"{name} is {text[:40]!r}: give a whole number of at most nine digits")
    return int(text)
