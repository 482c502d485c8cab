"""
The circuit breaker: whether the service is well enough to be asked.

After several failures in a row the door closes. When its time is over, one caller at a time is let through as a probe:
an answer opens the door, a failure closes it for longer. Whoever waits at it has spent no attempt. Calls under way when
it closes are left alone, and never wait for each other.

Not safe for threads: `shared.pace.gate` asks under its lock.
"""

FAILURES = 5
FIRST_CLOSED_SECONDS = 5.0
MAX_CLOSED_SECONDS = 30.0


class Breaker:
    """
    The door of one process. Times are a monotonic clock's seconds.

    Attributes:
        closed_until: when the next probe may go; None while the door is open.
        probing: whether one is under way.
    """

    def __init__(self) -> None:
        self.closed_until: float | None = None
        self.probing = False
        self._failures = 0
        self._closed_seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether callers have to wait, but for a probe."""
        return self.closed_until is not None

    def begin_probe(self, now: float) -> bool:
        """Let this caller be the probe, if it is time for one and none is under way."""
        if self.closed_until is None or self.probing or now < self.closed_until:
            return False
        self.probing = True
        return True

    def give_up_probe(self) -> None:
        """The probe did not go after all; the next caller may."""
        self.probing = False

    def succeeded(self, *, probe: bool) -> bool:
        """
        The service answered, if only to refuse. True if this opened the door.

        While the door is closed only the probe's answer counts: others may be from before.
        """
        if self.closed and not probe:
            return False
        opened = self.closed
        self.closed_until, self.probing = None, False
        self._failures, self._closed_seconds = 0, 0.0
        return opened

    def failed(self, now: float, *, probe: bool) -> bool:
        """The service failed or did not answer. True if this closed the door, or kept it closed."""
        if self.closed and not probe:
            return False
        self._failures += 1
        if not probe and self._failures < FAILURES:
            return False
        self._closed_seconds = min(MAX_CLOSED_SECONDS, 2 * self._closed_seconds or FIRST_CLOSED_SECONDS)
        self.closed_until = now + self._closed_seconds
        self.probing = False
        return True
