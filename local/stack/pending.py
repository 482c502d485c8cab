"""Say what is left to do: images whose records answer other settings, and those that have no result at all."""

import time
from collections.abc import Callable

from local import health_report
from local.app import AppClient, ImageState
from local.counts import images
from local.errors import LocalError
from local.wording import program_elsewhere

SETTINGS_CHANGED = "settings_changed"
# Of many images only so many are counted as the start can wait for.
ENOUGH_SECONDS = 3.0


def told_of_pending(
    app: AppClient, words: str, *, is_paid: bool = False, now: Callable[[], float] = time.monotonic
) -> str | None:
    """
    Say how many images wait for a command, and which; None if there are none.

    *words* are the options that name the stack. New images, whose events are on their way, are not counted.
    """
    count, continuation, begun = 0, None, now()
    while True:
        found, continuation = app.page("pending", continuation)
        count += sum(map(_is_left, found))
        if continuation is None or now() - begun > ENOUGH_SECONDS:
            break
    if not count:
        return None
    bound = "at least " if continuation else ""
    command = f"{program_elsewhere()} unfinished retry --pending {words}".rstrip()
    are, their, them = ("is", "its", "it") if count == 1 else ("are", "their", "them")
    why = f"settings were changed since {their} records were made, or the work on {them} was interrupted"
    paid = ", which your service bills" if is_paid else ""
    return f"{bound}{images(count)} {are} pending, because {why}. This makes {their} records anew{paid}:\n  {command}"


def told_of_comparison(host_url: str, health_key: str) -> list[str]:
    """Say what the app's last comparison of images and records has found; nothing before the first, or without app."""
    try:
        found = health_report.ask(host_url, health_key).reconciliation
    except LocalError:
        return []
    return list(found.lines()) if found else []


def _is_left(image: ImageState) -> bool:
    return any(step.code == SETTINGS_CHANGED for step in image.unfinished)
