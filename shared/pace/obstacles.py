"""
What keeps all callers from calling: the time before which the service wants no call, and the open circuit breaker.

Also the errors for callers that cannot wait so long. Not safe for threads: `shared.pace.gate` asks under its lock.
"""

import logging
import math
from typing import NamedTuple

from shared import log
from shared.errors import BlobsightError, BusyError, ThrottledError, VisionUnavailableError
from shared.pace.breaker import MAX_OPEN_SECONDS, Breaker
from shared.pace.retry import asked_seconds
from shared.transport.error_answers import MAX_RETRY_AFTER_SECONDS

# Of one image, or one Read, whatever the number of its retries: what the service fails on each time is no outage.
_COUNTED_FAILURES = 2
# More than a process has under way; the ones that failed longest ago are forgotten first.
_MOST_KEYS = 1000

_logger = logging.getLogger(__name__)


class Obstacle(NamedTuple):
    """What is in the way, as the error that it would be, and until when; infinity while a probe is under way."""

    kind: type[BlobsightError]
    until: float


class Passer:
    """
    What the obstacles know of a caller.

    Attributes:
        key: what it asks for, if others ask for the same: the address of a Read, which each of its polls asks. Else "".
        probing: whether it is the probe.
        failures: how often the service has failed it; of one with a key, or others with the same, in a row.
    """

    key = ""
    probing = False
    failures = 0

    @property
    def is_spent(self) -> bool:
        """Whether it is a Read that has failed so often that one failure more says nothing of the service."""
        return bool(self.key) and self.failures >= _COUNTED_FAILURES


class Obstacles:
    """The obstacles of one process. Times are a monotonic clock's seconds."""

    def __init__(self) -> None:
        self._breaker = Breaker()
        self._not_before = -math.inf
        # The failures in a row of what has a key; and until when, while the breaker is open, the spent are no probes.
        self._failures: dict[str, int] = {}
        self._spent_wait_until = -math.inf

    def arrive(self, passer: Passer, now: float) -> Obstacle | None:
        """
        What is in the way of a caller who comes now.

        A spent one leaves the probe to others for a while; after that it may be the probe itself.
        """
        passer.failures = self._failures.get(passer.key, passer.failures)
        if passer.is_spent and self._breaker.is_open and self._spent_wait_until > now:
            return Obstacle(VisionUnavailableError, self._spent_wait_until)
        return self.obstacle(now)

    def obstacle(self, now: float, passer: Passer | None = None) -> Obstacle | None:
        """What is in the way of a caller, who becomes the probe if it is time for one; or of anybody."""
        open_until = self._breaker.open_until
        if open_until is not None and not (passer and passer.probing):
            if self._breaker.half_open:
                return Obstacle(VisionUnavailableError, math.inf)
            if open_until > now:
                return Obstacle(VisionUnavailableError, open_until)
            if passer:
                passer.probing = self._breaker.begin_probe(now)
        return Obstacle(ThrottledError, self._not_before) if self._not_before > now else None

    def hold_off(self, until: float) -> None:
        """The service wants no call before then."""
        self._not_before = max(self._not_before, until)

    def turn_back(self, passer: Passer) -> bool:
        """The caller does not call after all. True if it was the probe, so that another may be."""
        was, passer.probing = passer.probing, False
        if was:
            self._breaker.give_up_probe()
        return was

    def learn(self, passer: Passer, error: BaseException | None, now: float) -> tuple[bool, float]:
        """
        Learn from how a caller's call ended; *error* is what it raised.

        Returns:
            Whether the way is shut since this answer, and for how many seconds the service asked everybody to wait.
        """
        if error is not None and (not isinstance(error, BlobsightError) or error.unsent):
            # A mistake of the app, or a call that never left it, tells nothing of the service.
            self.turn_back(passer)
            return False, 0.0
        spent = passer.is_spent
        shut = self._judge(passer, error, now)
        passer.probing = False
        # A 429 is everybody's; of another error with a time, a spent caller's concerns itself.
        alone = spent and isinstance(error, VisionUnavailableError)
        seconds = 0.0 if alone else min(asked_seconds(error), MAX_RETRY_AFTER_SECONDS)
        if seconds and error:
            self.hold_off(now + seconds)
            log.event(_logger, "gate.held_off", code=error.code, seconds=round(seconds, 1))
        return shut or seconds > 0, seconds

    def _judge(self, passer: Passer, error: BlobsightError | None, now: float) -> bool:
        """Tell the breaker."""
        if not isinstance(error, VisionUnavailableError):
            self._failures.pop(passer.key, None)
            if self._breaker.succeeded(probe=passer.probing):
                log.event(_logger, "breaker.closed")
            return False
        self._count(passer)
        if passer.failures > _COUNTED_FAILURES and (passer.key or not passer.probing):
            self._pass_over(passer, now)
            return False
        opened = self._breaker.failed(now, probe=passer.probing)
        if opened and self._breaker.open_until is not None:
            seconds = round(self._breaker.open_until - now, 1)
            log.event(_logger, "breaker.opened", level=logging.WARNING, seconds=seconds, problem=error.message)
        return opened

    def _pass_over(self, passer: Passer, now: float) -> None:
        """It has failed once too often: as a probe it has found out nothing, so another may be it at once."""
        if passer.probing:
            self._breaker.give_up_probe()
            self._spent_wait_until = now + MAX_OPEN_SECONDS

    def _count(self, passer: Passer) -> None:
        passer.failures += 1
        if passer.key:
            self._failures.pop(passer.key, None)
            self._failures[passer.key] = passer.failures
        if len(self._failures) > _MOST_KEYS:
            del self._failures[next(iter(self._failures))]


def too_late(kind: type[BlobsightError], seconds: float) -> BlobsightError:
    """The error for who would have to wait so long, because of an obstacle of that kind, or of all who come first."""
    # A probe under way may end at any moment.
    seconds = seconds if 1.0 < seconds < math.inf else 1.0
    if kind is ThrottledError:
        return ThrottledError(
            f"Computer Vision wants no call for another {seconds:.0f} s.", retry_after_seconds=seconds
        )
    if kind is VisionUnavailableError:
        return VisionUnavailableError(
            f"Computer Vision keeps failing; it is asked again in {seconds:.0f} s.", retry_after_seconds=seconds
        )
    return BusyError(
        f"Too many calls wait for Computer Vision: the turn would come in about {seconds:.0f} s.",
        code="turn_too_late",
        action="Ask again after the time in Retry-After; raise the tier and VISION_RATE if it happens often.",
        retry_after_seconds=seconds,
    )
