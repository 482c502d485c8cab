"""Have signals call something, instead of ending the process or raising in the middle of anything."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from local.errors import INTERRUPTED


@contextmanager
def signals_call(action: Callable[[], None], *numbers: int) -> Iterator[None]:
    """Let the signals *numbers* call *action* until the block ends; only the main thread can do this."""
    before = {number: signal.signal(number, lambda *_: action()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once() -> NoReturn:
    """
    End a process that has not begun its work, as Ctrl-C asks.

    KeyboardInterrupt does not serve while modules are imported: where it reaches a callback, Python prints it and goes
    on.
    """
    os._exit(INTERRUPTED)
