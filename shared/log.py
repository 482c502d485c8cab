"""
One line an event: `noun.past_participle key=value ...`.

The worker hands on nothing but level, logger name and text, so fields go into the text. Never a key, never a URL's
query string, never image bytes.
"""

import contextvars
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from shared import clock, threads

_correlation: contextvars.ContextVar[str | None] = contextvars.ContextVar("correlation", default=None)
# At INFO the storage SDK logs each of its requests in many lines. host.json does not reach it: `Azure.Core` there names
# the host's own clients, and what Python logs has the function's category.
logging.getLogger("azure").setLevel(logging.WARNING)


@contextmanager
def correlated(identifier: str | None) -> Iterator[str]:
    """Everything logged inside carries *identifier*, else the invocation's id, else one that is made up."""
    chosen = identifier or threads.invocation_id() or os.urandom(16).hex()
    token = _correlation.set(chosen)
    try:
        yield chosen
    finally:
        _correlation.reset(token)


def correlation_id() -> str:
    """The identifier of `correlated`, else the id of the invocation under way, else `-`."""
    return _correlation.get() or threads.invocation_id() or "-"


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log one event with its fields; one that is None is shown as `-`."""
    if not logger.isEnabledFor(level):
        return
    shown = " ".join(f"{key}={_shown(value)}" for key, value in {**fields, "correlation": correlation_id()}.items())
    threads.tell(partial(logger.log, level, "%s %s", name, shown, stacklevel=3))


def _shown(value: object) -> str:
    # A field that is a float is a time in seconds, or a share.
    told = clock.short(value) if isinstance(value, float) else value
    text = "-" if told is None else str(told)
    # A name with spaces or a line break must not look like another field or another line.
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    # Unicode has line breaks of its own (U+0085, U+2028), which JSON leaves as they are unless all is escaped.
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
