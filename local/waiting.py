"""Wait until the app is done with images, bounded in time, showing each change."""

import threading
import time
from collections.abc import Callable, Sequence

from local.app import AppClient, ImageState

POLL_SECONDS = 0.4


def wait_for_images(
    app: AppClient,
    names: Sequence[str],
    *,
    timeout_seconds: float,
    stop: threading.Event,
    show: Callable[[dict[str, ImageState]], None] = lambda states: None,
) -> dict[str, ImageState]:
    """
    Ask for each image until it is complete or failed, the time is up or *stop* is set; returns what is known by then.

    *show* is called after every round. An image that the app has not heard of is missing from the answer.
    """
    deadline = time.monotonic() + timeout_seconds
    states: dict[str, ImageState] = {}
    while not stop.is_set():
        for name in names:
            if name not in states or states[name].state not in ("complete", "failed"):
                found = app.image(name)
                states.update({name: found} if found else {})
        show(states)
        settled = [state for state in states.values() if state.state in ("complete", "failed")]
        if len(settled) == len(names) or time.monotonic() > deadline:
            break
        stop.wait(POLL_SECONDS)
    return states
