"""Look on at a long work of the app until its end, also over a restart of its host."""

import time
from collections.abc import Callable

from local.unfinished.api import Json, NoAnswerError
from local.unfinished.pauses import Pauses

POLL_SECONDS = 0.5
# A host that was killed is started again within that, and the work goes on where it was.
PATIENCE_SECONDS = 60.0


def ended(
    look: Callable[[], Json],
    is_under_way: Callable[[Json], bool],
    how_far: Callable[[Json], str],
    *,
    command: str = "unfinished",
) -> Json:
    """
    Wait for the end, and return the last state.

    Args:
        look: asks the app for the state of the work.
        is_under_way: whether a state is one before the end.
        how_far: tells a state in a few words; it gets an empty one before the first answer.
        command: the name that stands before these words on standard error.

    Raises:
        NoAnswerError: the app has not answered for `PATIENCE_SECONDS`.
    """
    state: Json = {}
    pauses = Pauses(lambda: f"going on: {how_far(state)}", command=command)
    answered = time.monotonic()
    while True:
        try:
            state = look()
        except NoAnswerError:
            if time.monotonic() - answered >= PATIENCE_SECONDS:
                raise
        else:
            answered = time.monotonic()
            if not is_under_way(state):
                return state
        pauses.passed()
        time.sleep(POLL_SECONDS)
