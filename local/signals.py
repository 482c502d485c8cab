"""Have signals call something, instead of ending the process or raising in the middle of anything."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def signals_call(action: Callable[[], None], *numbers: int) -> Iterator[None]:
    """Let the signals *numbers* call *action* until the block ends; only the main thread can do this."""
    before = {number: signal.signal(number, lambda *_: action()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
