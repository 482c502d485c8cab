"""
The host's log on standard error: one line a record, with the invocation it belongs to.

    2026-11-24 04:10:25.123 AnalyzeOnUpload 1a2b3c4d INFO  image.analyzed blob=a.jpg

A line that Azure's host would throw away, because the worker could not say which running invocation it belongs to, is
marked: `LOST in Azure` stands where the invocation would.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from aiohttp.http_exceptions import HttpProcessingError

from local.host.app.context import WORKERS_ATTRIBUTION, Attribution, current_invocation, is_host_thread

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
OWN = "local"
SDK = "azure"
# What the host uses itself: their lines are a function's only where they belong to its invocation.
LIBRARIES = (SDK, "aiohttp", "asyncio", "concurrent", "urllib3")
logger = logging.getLogger(__name__)


class Origin(NamedTuple):
    """Where a line comes from: the *source* that is shown, and the *category* that host.json knows it by."""

    source: str
    category: str


HOST = Origin("host", "Host")
LOST = Origin("LOST in Azure", "Function")


class LostLines:
    """Counts the lines that were marked as lost in Azure. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self.count += 1

    def tell(self) -> None:
        """Log how many there were, if there were any."""
        if self.count:
            logger.warning("%d lines of this log would be lost in Azure: they name no invocation that ran", self.count)


lost_lines = LostLines()


class CategoryFilter(logging.Filter):
    """
    Applies `logging.logLevel` of host.json: the longest category that begins a record's category decides.

    A function's own output has the category `Function.<Name>.User`, its invocations `Function.<Name>`, the rest `Host`.
    """

    def __init__(self, levels: Mapping[str, str], attribution: Attribution = WORKERS_ATTRIBUTION) -> None:
        super().__init__()
        self._attribution = attribution
        known = {name: LEVELS.get(level.lower(), logging.INFO) for name, level in levels.items()}
        self._default = known.pop("default", known.pop("Default", logging.INFO))
        self._levels = sorted(known.items(), key=lambda item: -len(item[0]))
        self.lowest = min([self._default, *known.values()])

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the source to *record* and say whether it is shown."""
        origin = _origin(record, self._attribution)
        record.source = origin.source
        level = self._level(origin.category)
        if origin is HOST and _belongs(record, SDK):
            # It logs each request to storage at INFO, and at WARNING each for which there is no token, which the call
            # that wanted it tells too: a queue wants one at every look.
            level = max(level, logging.ERROR)
        shown = record.levelno >= level
        if shown and origin is LOST:
            lost_lines.add()
        return shown

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


def set_up_logging(levels: Mapping[str, str], attribution: Attribution = WORKERS_ATTRIBUTION) -> None:
    """
    Send every logger's records to standard error, by the `logging.logLevel` of host.json.

    *attribution* says by which worker's rule a line is taken for an invocation's.
    """
    category_filter = CategoryFilter(levels, attribution)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(category_filter)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(category_filter.lowest)
    logging.getLogger("aiohttp.server").addFilter(_told_in_one_line)
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, category_filter.lowest))


def _told_in_one_line(record: logging.LogRecord) -> bool:
    """Of bytes that are no HTTP aiohttp would log a traceback and what they are, which may hold a key."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        logger.warning("refused with %d: not an HTTP request (%s)", error.code, type(error).__name__)
        return False
    return True


def _origin(record: logging.LogRecord, attribution: Attribution) -> Origin:
    own = _belongs(record, OWN)
    invocation = getattr(record, "invocation", None) if own else current_invocation(attribution)
    if invocation is not None:
        category = f"Function.{invocation.function}"
        return Origin(f"{invocation.function} {invocation.short_id}", category if own else f"{category}.User")
    return HOST if own or (is_host_thread() and _belongs(record, *LIBRARIES)) else LOST


def _belongs(record: logging.LogRecord, *packages: str) -> bool:
    return record.name.partition(".")[0] in packages
