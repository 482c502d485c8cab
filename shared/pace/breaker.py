"""
The circuit breaker: whether the service is well enough to be asked.

Several failures in a row open it, and no call passes. When its time is over it is half open and lets one call at a time
through, as a probe: an answer closes it, a failure opens it for longer. Callers that wait for it spend no attempt. It
leaves calls alone that were under way when it opened, and they never wait for each other.

Not safe for threads: `shared.pace.gate` asks under its lock.
"""

FAILURES = 5
FIRST_OPEN_SECONDS = 5.0
MAX_OPEN_SECONDS = 30.0


class Breaker:
    """
    The circuit breaker of one process. Times are a monotonic clock's seconds.

    Attributes:
        open_until: when the next probe may go; None while the breaker is closed.
        half_open: whether a probe is under way.
    """

    def __init__(self) -> None:
        self.open_until: float | None = None
        self.half_open = False
        self._failures = 0
        self._open_seconds = 0.0

    @property
    def is_open(self) -> bool:
        """Whether callers have to wait, but for a probe."""
        return self.open_until is not None

    def begin_probe(self, now: float) -> bool:
        """Let this caller be the probe, if it is time for one and none is under way."""
        if self.open_until is None or self.half_open or now < self.open_until:
            return False
        self.half_open = True
        return True

    def give_up_probe(self) -> None:
        """The probe did not go after all; the next caller may."""
        self.half_open = False

    def succeeded(self, *, probe: bool) -> bool:
        """
        The service answered, if only to refuse. True if this closed the breaker.

        While the breaker is open only the probe's answer counts: others may be from before.
        """
        if self.is_open and not probe:
            return False
        closed = self.is_open
        self.open_until, self.half_open = None, False
        self._failures, self._open_seconds = 0, 0.0
        return closed

    def failed(self, now: float, *, probe: bool) -> bool:
        """The service failed or did not answer. True if this opened the breaker, or kept it open."""
        if self.is_open and not probe:
            return False
        self._failures += 1
        if not probe and self._failures < FAILURES:
            return False
        self._open_seconds = min(MAX_OPEN_SECONDS, 2 * self._open_seconds or FIRST_OPEN_SECONDS)
        self.open_until = now + self._open_seconds
        self.half_open = False
        return True
