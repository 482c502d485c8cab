"""
The host's log on standard error: one line a record, with the invocation it belongs to.

    2026-11-24 04:10:25.123 AnalyzeOnUpload 1a2b3c4d INFO  image.analyzed blob=a.jpg
"""

import logging
import sys
from collections.abc import Mapping
from datetime import datetime

from aiohttp.http_exceptions import HttpProcessingError

from local.host.context import current_invocation

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
OWN = "local.host"
logger = logging.getLogger(__name__)


class CategoryFilter(logging.Filter):
    """
    Applies `logging.logLevel` of host.json: the longest category that begins a record's category decides.

    A function's own output has the category `Function.<Name>.User`, its invocations `Function.<Name>`, the rest `Host`.
    """

    def __init__(self, levels: Mapping[str, str]) -> None:
        super().__init__()
        known = {name: LEVELS.get(level.lower(), logging.INFO) for name, level in levels.items()}
        self._default = known.pop("default", known.pop("Default", logging.INFO))
        self._levels = sorted(known.items(), key=lambda item: -len(item[0]))
        self.lowest = min([self._default, *known.values()])

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the invocation to *record* and say whether it is shown."""
        invocation = current_invocation()
        record.source = f"{invocation.function} {invocation.short_id}" if invocation else "host"
        return record.levelno >= self._level(_category(record))

    def _level(self, category: str) -> int:
        for prefix, level in self._levels:
            if category == prefix or category.startswith(f"{prefix}."):
                return level
        return self._default


class LineFormatter(logging.Formatter):
    """Local time with milliseconds, source, level, text."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(source)s %(levelname)-5s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the record's time."""
        return datetime.fromtimestamp(record.created).isoformat(sep=" ", timespec="milliseconds")


def set_up_logging(levels: Mapping[str, str]) -> None:
    """Send every logger's records to standard error, by the `logging.logLevel` of host.json."""
    category_filter = CategoryFilter(levels)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(category_filter)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(category_filter.lowest)
    # The SDK logs every storage request at INFO, those of this host included.
    logging.getLogger("azure").setLevel(max(logging.WARNING, category_filter.lowest))
    # A token that is not to be had is told by the call that wanted it; a queue wants one at every look.
    logging.getLogger("azure.identity").setLevel(max(logging.ERROR, category_filter.lowest))
    logging.getLogger("aiohttp.server").addFilter(_told_in_one_line)
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, category_filter.lowest))


def _told_in_one_line(record: logging.LogRecord) -> bool:
    """Of bytes that are no HTTP aiohttp would log a traceback and what they are, which may hold a key."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        logger.warning("refused with %d: not an HTTP request (%s)", error.code, type(error).__name__)
        return False
    return True


def _category(record: logging.LogRecord) -> str:
    invocation = current_invocation()
    own = record.name == OWN or record.name.startswith(f"{OWN}.")
    if invocation is None:
        return "Host" if own else "Function"
    return f"Function.{invocation.function}" if own else f"Function.{invocation.function}.User"
