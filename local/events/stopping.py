"""When to shut down: on SIGTERM or SIGINT, and when the supervisor that holds our standard input is gone."""

import os
import signal
import sys
import threading

from local.notices import is_supervised


def stop_event() -> threading.Event:
    """Return an event that is set once this process should finish what it is doing and end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if is_supervised():
        threading.Thread(target=_wait_for_end_of_input, args=[stop], daemon=True).start()
    return stop


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # Unbuffered: a buffered read would hold a lock that the interpreter wants at its end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()
