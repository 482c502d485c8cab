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

_correlation: contextvars.ContextVar[str] = contextvars.ContextVar("correlation", default="-")


@contextmanager
def correlated(identifier: str | None) -> Iterator[str]:
    """Everything logged inside carries *identifier* (one is made up if there is none)."""
    chosen = identifier or os.urandom(16).hex()
    token = _correlation.set(chosen)
    try:
        yield chosen
    finally:
        _correlation.reset(token)


def correlation_id() -> str:
    """The identifier of the invocation under way, or `-`."""
    return _correlation.get()


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log one event with its fields."""
    if not logger.isEnabledFor(level):
        return
    shown = " ".join(f"{key}={_shown(value)}" for key, value in {**fields, "correlation": correlation_id()}.items())
    logger.log(level, "%s %s", name, shown)


def _shown(value: object) -> str:
    text = str(value)
    # A name with spaces or a line break must not look like another field or another line.
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    # Unicode has line breaks of its own (U+0085, U+2028), which JSON leaves as they are unless all is escaped.
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
