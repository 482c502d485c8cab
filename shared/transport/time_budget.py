"""
How long the invocation under way may still wait, for anything and in any thread.

The code that begins an invocation sets its time: `shared.api.endpoint` for a request, `services.in_thread` for the
background. Every wait below, for a service or for a turn, takes at most the time that is left.
Threads have it from `shared.threads`.
"""

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from shared.clock import Clock, Deadline, SystemClock

# An invocation is ended by the platform after host.json's functionTimeout, and the others of its process with it.
BACKGROUND_SECONDS = 240.0
# For work that must not be lost, a paid answer above all, and for the response's way to the caller. Less than the 2 s
# by which an answer may come later than MAX_WAIT_SECONDS.
OVERTIME_SECONDS = 1.5
# No paid call begins in the last third: it would be cut off, and paid for all the same.
_PART_FOR_TURNS = 2 / 3


class _Budget(NamedTuple):
    """The deadline, and that of turns; whether a caller waits, who holds one of the worker's threads."""

    ends: Deadline
    turns: Deadline
    caller: bool


_current: contextvars.ContextVar[_Budget | None] = contextvars.ContextVar("time budget", default=None)


@contextmanager
def request(seconds: float, clock: Clock | None = None) -> Iterator[None]:
    """Inside, a caller waits, and not longer than that."""
    clock = clock or SystemClock()
    turns = Deadline.after(seconds * _PART_FOR_TURNS, clock)
    with _with(_Budget(Deadline.after(seconds, clock), turns, caller=True)):
        yield


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Inside, there are so many seconds, or the seconds that are left if they are fewer."""
    outer = _current.get()
    clock = outer.ends.clock if outer else SystemClock()
    ends = Deadline.after(left(seconds), clock)
    with _with(outer._replace(ends=ends) if outer else _Budget(ends, ends, caller=False)):
        yield


@contextmanager
def apart(seconds: float = BACKGROUND_SECONDS) -> Iterator[None]:
    """Inside, there are so many seconds and no caller waits, even if an invocation with a caller began this."""
    ends = Deadline.after(seconds, SystemClock())
    with _with(_Budget(ends, ends, caller=False)):
        yield


@contextmanager
def overtime() -> Iterator[None]:
    """Inside, the invocation may take `OVERTIME_SECONDS` longer, to finish work that others need too."""
    outer = _current.get()
    with _with(outer and outer._replace(ends=Deadline(outer.ends.clock, outer.ends.at + OVERTIME_SECONDS))):
        yield


@contextmanager
def _with(budget: _Budget | None) -> Iterator[None]:
    token = _current.set(budget)
    try:
        yield
    finally:
        _current.reset(token)


def left(most: float) -> float:
    """The seconds that a wait may take which by itself takes *most*; 0 if there is no time left."""
    current = _current.get()
    return min(most, current.ends.remaining()) if current else most


def left_for_turns(most: float) -> float:
    """The same of a wait after which something paid begins."""
    current = _current.get()
    return min(most, current.turns.remaining()) if current else most


def is_callers() -> bool:
    """Whether a caller waits for the invocation."""
    current = _current.get()
    return current is not None and current.caller


def sleep(seconds: float) -> None:
    """Wait, by the invocation's clock."""
    current = _current.get()
    (current.ends.clock if current else SystemClock()).sleep(seconds)
