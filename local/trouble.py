"""Say what is wrong with something that is tried again and again, without a line for every try."""

import time
from collections.abc import Callable

from local.durations import duration

# What is over sooner is not worth a line: of a part that is started again, the supervisor tells.
GRACE_SECONDS = 5.0
FIRST_REMINDER_SECONDS = 60.0


class Trouble:
    """
    Says what is wrong once it has gone on for *grace_seconds*, and when it is over, with how long it was.

    In between it says so again after a minute, and after twice the time that has gone by until then.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._say = say
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._was_said = False
        self._kind: str | None = None
        self._text = ""
        self._begun = 0.0
        self._kind_begun = 0.0
        self._due_seconds = grace_seconds

    def note(self, kind: str, text: str, *, since: float | None = None) -> None:
        """
        Something of this *kind* is wrong, and *text* says what: it may differ each time, and is not said for that.

        *since* is when the try that brought it to light began, by the clock; without it, now.
        """
        now = self._clock()
        begun = now if since is None else since
        if self._kind is None:
            self._begun = begun
        if kind != self._kind:
            self._kind, self._kind_begun, self._due_seconds = kind, begun, self._grace_seconds
        self._text = text
        lasted = now - self._kind_begun
        if lasted >= self._due_seconds:
            is_first = self._due_seconds == self._grace_seconds
            self._say(text if is_first else f"{text} (for {duration(lasted)} now)")
            self._was_said = True
            self._due_seconds = max(2 * lasted, FIRST_REMINDER_SECONDS)

    def over(self) -> None:
        """All is well; what was wrong last is said with how long something was."""
        if self._was_said:
            self._say(f"over after {duration(self._clock() - self._begun)}: {self._text}")
        self._was_said = False
        self._kind = None
