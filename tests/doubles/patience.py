"""Waiting for what another process does: there is no event to wait on, only its effects."""

import os
import time
from collections.abc import Callable

POLL_SECONDS = 0.02
# How long a test waits for what is certain to come: no promise, so that no machine is too slow for it.
PATIENCE_SECONDS = 110.0


def wait_until(
    condition: Callable[[], object], seconds: float = PATIENCE_SECONDS, *, poll_seconds: float = POLL_SECONDS
) -> None:
    """Return as soon as *condition* holds; fail the test when it does not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds} s: {condition}")
        time.sleep(poll_seconds)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent's notice does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
