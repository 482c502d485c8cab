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
from shared.pace.turn import Turn
from shared.transport.error_answers import MAX_RETRY_AFTER_SECONDS

# Of one image, or one Read, whatever the number of its retries: a question that the service fails on each time is no
# outage.
_COUNTED_FAILURES = 2
# More than a process has under way; the ones that failed longest ago are forgotten first.
_MOST_KEYS = 1000
# The least wait of all callers after a 429, whatever its Retry-After says. A 429 spends no attempt, so only this wait
# bounds the number of requests of a question before its deadline.
LEAST_THROTTLE_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class Obstacle(NamedTuple):
    """One obstacle, as the error that it would be, and until when; infinity while a probe is under way."""

    kind: type[BlobsightError]
    until: float


class Obstacles:
    """The obstacles of one process. Times are a monotonic clock's seconds."""

    def __init__(self) -> None:
        self._breaker = Breaker()
        self._not_before = -math.inf
        # The failures in a row of each key; and until when, while the breaker is open, the spent turns are no probes.
        self._failures: dict[str, int] = {}
        self._spent_wait_until = -math.inf

    def arrive(self, turn: Turn, now: float) -> Obstacle | None:
        """
        The obstacle of a turn that comes now; None if the way is free.

        A spent one leaves the probe to others for a while; after that it may be the probe itself.
        """
        turn.failures = self._failures.get(turn.key, turn.failures)
        if self._spent_wait_until > now and self._breaker.is_open and _is_spent(turn):
            return Obstacle(VisionUnavailableError, self._spent_wait_until)
        return self.obstacle(now)

    def obstacle(self, now: float, turn: Turn | None = None) -> Obstacle | None:
        """The obstacle of a turn, which becomes the probe if it is time for one; without a turn, that of any."""
        open_until = self._breaker.open_until
        if open_until is not None and not (turn and turn.probing):
            if self._breaker.half_open:
                return Obstacle(VisionUnavailableError, math.inf)
            if open_until > now:
                return Obstacle(VisionUnavailableError, open_until)
            if turn:
                turn.probing = self._breaker.begin_probe(now)
        return Obstacle(ThrottledError, self._not_before) if self._not_before > now else None

    def hold_off(self, until: float) -> None:
        """The service wants no call before then."""
        self._not_before = max(self._not_before, until)

    def give_up(self, turn: Turn) -> bool:
        """The turn makes no call after all. True if it was the probe, so that another may be."""
        was, turn.probing = turn.probing, False
        if was:
            self._breaker.give_up_probe()
        return was

    def learn(self, turn: Turn, error: BaseException | None, now: float) -> tuple[bool, float]:
        """
        Learn from how a turn's call ended; *error* is what it raised.

        Returns:
            Whether the way is shut since this answer, and for how many seconds the service wants no call.
        """
        if error is not None and (not isinstance(error, BlobsightError) or error.unsent):
            # A mistake of the app, or a call that never left it, tells nothing of the service.
            self.give_up(turn)
            return False, 0.0
        # A 429 concerns all callers; another error with a time, of a spent turn, concerns that turn only.
        own = isinstance(error, VisionUnavailableError) and _is_spent(turn)
        shut = self._judge(turn, error, now)
        turn.probing = False
        seconds = 0.0 if own else min(asked_seconds(error), MAX_RETRY_AFTER_SECONDS)
        if seconds and error:
            self.hold_off(now + seconds)
            log.event(_logger, "gate.held_off", code=error.code, seconds=seconds)
        return shut or seconds > 0, seconds

    def _judge(self, turn: Turn, error: BlobsightError | None, now: float) -> bool:
        """Tell the circuit breaker. True if that opened it, or kept it open."""
        if not isinstance(error, VisionUnavailableError):
            self._failures.pop(turn.key, None)
            if self._breaker.succeeded(probe=turn.probing):
                log.event(_logger, "breaker.closed")
            return False
        self._count(turn)
        if turn.failures > _COUNTED_FAILURES and (turn.key or not turn.probing):
            self._pass_over(turn, now)
            return False
        opened = self._breaker.failed(now, probe=turn.probing)
        if opened and self._breaker.open_until is not None:
            seconds = self._breaker.open_until - now
            log.event(_logger, "breaker.opened", level=logging.WARNING, seconds=seconds, problem=error)
        return opened

    def _pass_over(self, turn: Turn, now: float) -> None:
        """The turn has failed once too often: as a probe it has found out nothing, so another may be it at once."""
        if turn.probing:
            self._breaker.give_up_probe()
            self._spent_wait_until = now + MAX_OPEN_SECONDS

    def _count(self, turn: Turn) -> None:
        turn.failures += 1
        if turn.key:
            self._failures.pop(turn.key, None)
            self._failures[turn.key] = turn.failures
        if len(self._failures) > _MOST_KEYS:
            del self._failures[next(iter(self._failures))]


def asked_seconds(error: BaseException | None) -> float:
    """Seconds that the service asked all callers to wait with this error; 0 if it did not."""
    if isinstance(error, ThrottledError):
        return max(LEAST_THROTTLE_SECONDS, error.retry_after_seconds or 0.0)
    return error.retry_after_seconds or 0.0 if isinstance(error, VisionUnavailableError) else 0.0


def refusal(kind: type[BlobsightError], seconds: float) -> BlobsightError:
    """The error for a turn that would have to wait so long, for an obstacle of that kind or for the turns before it."""
    # The text says no seconds: a record keeps it, and they would be over when a person reads it.
    # A probe under way may end at any moment.
    seconds = seconds if 1.0 < seconds < math.inf else 1.0
    if kind is ThrottledError:
        return ThrottledError("Computer Vision wants no call for a while.", retry_after_seconds=seconds)
    if kind is VisionUnavailableError:
        return VisionUnavailableError(
            "Computer Vision keeps failing, and is not asked for a while.", retry_after_seconds=seconds
        )
    return BusyError(
        "Too many calls wait for Computer Vision: the turn would come too late.",
        code="turn_too_late",
        action="Ask again after the time in Retry-After; raise the tier and VISION_RATE if it happens often.",
        retry_after_seconds=seconds,
    )


def _is_spent(turn: Turn) -> bool:
    """Whether it asks for a Read that has failed so often that one failure more says nothing of the service."""
    return bool(turn.key) and turn.failures >= _COUNTED_FAILURES
