"""
The error answers of every Azure AI service: the code, the message, and how long to wait.

Services and their gateways answer errors in six shapes: nested with and without an inner error, flat, an old gateway's,
a retired version's, and HTML or nothing. This module reads them all; the package of a service has the meaning of its
codes.
"""

import email.utils
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.untrusted import addresses

# The longest that one answer can keep calls away: after it a call is made, and its answer tells whether that still
# holds.
MAX_RETRY_AFTER_SECONDS = 3600.0
_AFTER = r"(?i)(?:retry after|try again in) ([0-9]+) second"
_MAX_SHOWN_CHARACTERS = 300
_MAX_READ_CHARACTERS = 20_000


class Complaint(NamedTuple):
    """The innermost code and the message of an error body, as far as there are any."""

    code: str | None
    message: str | None

    def summary(self, status: int) -> str:
        """The answer in a line: `STATUS CODE: MESSAGE`."""
        # A gateway's code is the status once more.
        code = self.code if self.code not in (None, str(status)) else ""
        return f"{status} {code}: {self.message or 'no message'}".replace(" :", ":")


def read(body: bytes, address: str = "") -> Complaint:
    """Read an error body of any shape; never fails. *address* is the image's, of which no secret part is repeated."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Complaint(None, None)
    if not isinstance(parsed, dict):
        return Complaint(None, None)
    outer = parsed.get("error")
    outer = outer if isinstance(outer, dict) else parsed
    inner: dict[str, Any] = next(
        (outer[key] for key in ("innererror", "innerError") if isinstance(outer.get(key), dict)), {}
    )
    codes = (inner.get("code"), outer.get("code"), outer.get("statusCode"))
    messages = (inner.get("message"), outer.get("message"))
    return Complaint(
        next(filter(None, (_text(each, address) for each in codes)), None),
        next(filter(None, (_text(each, address) for each in messages)), None),
    )


def _text(value: Any, address: str) -> str | None:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value):
        # Before it is cut: half a signature would not be found any more.
        return addresses.hidden(str(value)[:_MAX_READ_CHARACTERS], address)[:_MAX_SHOWN_CHARACTERS]
    return None


def retry_after_seconds(headers: Mapping[str, str], message: str | None, now: datetime) -> float | None:
    """
    How long the service asked to wait: `Retry-After` as seconds or date, or in the message's text.

    Returns:
        Whole seconds, 1 to `MAX_RETRY_AFTER_SECONDS`; None if it asked for no wait, or in a way that means nothing.
    """
    seconds = _asked(headers.get("Retry-After", "").strip(), message or "", now)
    return float(math.ceil(min(seconds, MAX_RETRY_AFTER_SECONDS))) if seconds > 0 else None


def _asked(header: str, message: str, now: datetime) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header):
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        found = re.search(_AFTER, message)
        return float(found[1]) if found else 0.0
