"""
One line an event: `noun.past_participle key=value ...`.

The worker hands on nothing but level, logger name and text, so fields go into the text. Never a key, never a URL's
query string, never image bytes.

With LOG_NAMES=hash no name of an image is in a line. A text stands as it is only in a field of `PLAIN`; so a field that
is forgotten here tells too little, not too much. Exceptions that leave a function lose their texts too.
"""

import contextvars
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from shared import clock, threads
from shared.configuration.parse import LogNames
from shared.errors import MISDEPLOYED, BlobsightError

# Fields that are an image's name, and fields that are a text in which a name may be quoted.
NAMES = frozenset({"blob"})
TEXTS = frozenset({"action", "problem"})
# Fields whose values the app chooses, or that are numbers, times or digests.
PLAIN = frozenset(
    {
        *("answers_forgotten", "by", "bytes", "claim", "code", "container", "correlation", "date", "failed", "images"),
        *("inputs", "instance", "instances", "keys", "late", "limit", "lines", "lost", "mode", "more", "of_day"),
        *("of_month", "older", "orphans", "phases", "reason", "records", "records_deleted", "seconds", "shards"),
        *("share", "since", "started", "step", "steps", "subject", "tails", "tries", "used", "window"),
        *("without_result", "indexed", "index_changed", "index_gone"),
    }
)
_WITHHELD = "withheld"
# What the app and other programs make up as an identifier. A caller may send any other text, an image's name too.
_RANDOM = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

# Names are hidden until the settings are known.
_hides_names = True
_correlation: contextvars.ContextVar[str | None] = contextvars.ContextVar("correlation", default=None)
# The same as the log tells it.
_told_correlation: contextvars.ContextVar[str | None] = contextvars.ContextVar("told correlation", default=None)
# At INFO the storage SDK logs each of its requests in many lines. host.json does not reach it: `Azure.Core` there names
# the host's own clients, and what Python logs has the function's category.
logging.getLogger("azure").setLevel(logging.WARNING)


def configure(log_names: LogNames) -> None:
    """Tell names of images as LOG_NAMES says, from now on, in the whole process."""
    global _hides_names
    _hides_names = log_names == "hash"
    threads.leave_with(quiet)


def digest_of(name: str) -> str:
    """What stands for a name in the log with LOG_NAMES=hash; docs/monitoring.md tells the shell's command for it."""
    return f"sha256:{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}"


def quiet(error: Exception) -> Exception:
    """
    The error as it may be logged, or leave a function: the platform logs its type, its text and its traceback.

    With LOG_NAMES=hash it is one of the same type's name, with the code alone for a text; its causes too.
    """
    if not _hides_names or isinstance(error, (*MISDEPLOYED, _QuietError)):
        return error
    kind = type(type(error).__name__, (_QuietError,), {})
    told: Exception = kind(_text_of(error) if isinstance(error, BlobsightError) else _WITHHELD)
    told.__cause__, told.__context__ = [
        quiet(each) if isinstance(each, Exception) else None for each in (error.__cause__, error.__context__)
    ]
    told.__suppress_context__ = error.__suppress_context__
    return told.with_traceback(error.__traceback__)


class _QuietError(Exception):
    """An error without its text."""


@contextmanager
def correlated(identifier: str | None, *, sent: bool = False) -> Iterator[str]:
    """
    Everything logged inside carries *identifier*, else the invocation's id, else one that is made up.

    *sent* says that a caller has sent it.
    """
    chosen = identifier or threads.invocation_id() or os.urandom(16).hex()
    told = digest_of(chosen) if sent and identifier and _hides_names and not _RANDOM.fullmatch(chosen) else chosen
    token, told_token = _correlation.set(chosen), _told_correlation.set(told)
    try:
        yield chosen
    finally:
        _correlation.reset(token)
        _told_correlation.reset(told_token)


def correlation_id() -> str:
    """The identifier of `correlated`, else the id of the invocation under way, else `-`."""
    return _correlation.get() or threads.invocation_id() or "-"


def told_correlation_id() -> str:
    """The same as lines of the log have it."""
    return _told_correlation.get() or threads.invocation_id() or "-"


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """
    Log one event with its fields; one that is None is shown as `-`.

    A field that is an error shows its text. `NAMES`, `TEXTS` and `PLAIN` say what becomes of each with LOG_NAMES=hash.
    """
    if not logger.isEnabledFor(level):
        return
    given = {**fields, "correlation": told_correlation_id()}
    shown = " ".join(f"{key}={_shown(_told(key, value))}" for key, value in given.items())
    threads.tell(partial(logger.log, level, "%s %s", name, shown, stacklevel=3))


def _told(key: str, value: object) -> object:
    """The value of a field as the setting lets it be told."""
    if not _hides_names or key in PLAIN or value is None or isinstance(value, (int, float)):
        return value
    if key in TEXTS:
        return _text_of(value) if isinstance(value, Exception) else _WITHHELD
    return digest_of(str(value))


def _text_of(error: Exception) -> str:
    """What may be told of an error: settings have no name of an image, and codes and types are the app's own words."""
    if isinstance(error, MISDEPLOYED):
        return error.message
    return error.code if isinstance(error, BlobsightError) else type(error).__name__


def _shown(value: object) -> str:
    # A field that is a float is a time in seconds, or a share.
    told = clock.short(value) if isinstance(value, float) else value
    text = "-" if told is None else str(told)
    # A name with spaces or a line break must not look like another field or another line.
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    # Unicode has line breaks of its own (U+0085, U+2028), which JSON leaves as they are unless all is escaped.
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
