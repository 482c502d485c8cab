"""
The gate: every call of this process to Computer Vision passes it, one after the other, at the tier's pace.

Each question has a turn (`shared.pace.turn`). Its turn takes a number, waits in its lane of the queue
(`shared.pace.fair_queue`), leads, takes a slot, and calls when the slot's time has come. The leader alone looks at the
obstacles and reserves slots, for itself and those behind it; then it steps aside for the next number. So thousands that
wait when the way becomes free leave one by one. The obstacles are a time before which the service wants no call (429,
or any Retry-After), the open circuit breaker, and the pace itself.

The gate refuses a turn at once that would come after its limit: no caller waits for nothing.
"""

import itertools
import math
import threading

from shared.clock import Clock, Deadline
from shared.errors import BusyError, CallsStoppedError, ThrottledError
from shared.pace.fair_queue import FairQueue
from shared.pace.obstacles import Obstacles, refusal
from shared.pace.reservation import HORIZON_SECONDS
from shared.pace.slots import HeldSlots, SlotSource, Unpaced
from shared.pace.turn import Turn

# A caller that is refused because paid calls are stopped need not come back sooner.
STOPPED_SECONDS = 300.0


class Gate:
    """
    The gate of one process. Safe for threads.

    Args:
        clock: the time.
        slots: the pace; none by default.
        stopped: whether paid calls are refused.
    """

    def __init__(self, clock: Clock, slots: SlotSource | None = None, *, stopped: bool = False) -> None:
        self._clock = clock
        self._source: SlotSource = slots or Unpaced()
        self._stopped = stopped
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._queue = FairQueue()
        self._leader: Turn | None = None
        self._obstacles = Obstacles()
        self._held = HeldSlots(self._source)
        # Set whenever an obstacle may be gone; only the leader waits for it.
        self._changed = threading.Event()

    def turn(self, limit: Deadline, *, price: int, background: bool = False, key: str = "") -> Turn:
        """
        A turn for one question, to enter and leave with at each attempt.

        Args:
            limit: the latest moment at which it may come.
            price: transactions that the call is expected to cost; 0 is a free one.
            background: whether no caller waits for the answer.
            key: the subject that other questions share: a Read. Their failures count as one's (`obstacles`).
        """
        return Turn(next(self._numbers), limit, price, background, key)

    def enter(self, turn: Turn) -> None:
        """
        Wait until the turn comes.

        Raises:
            ThrottledError: the service wants no call until after the limit.
            VisionUnavailableError: it keeps failing, and is not asked again before the limit.
            BusyError: too many come first.
            QuotaExhaustedError, CallsStoppedError: no paid call may be made.
            StorageError: there are limits of paid calls, and how near they are cannot be looked up.
        """
        if self._stopped and turn.price:
            raise CallsStoppedError("VISION_STOP is set: no paid call is made.", retry_after_seconds=STOPPED_SECONDS)
        while True:
            self._queue_up(turn)
            try:
                departure = self._lead(turn)
            except BaseException:
                self._give_up(turn)
                raise
            finally:
                self._step_aside()
            if departure > self._clock.now():
                self._clock.sleep(departure - self._clock.now())
            if self._passes(turn):
                return

    def leave(self, turn: Turn, error: BaseException | None) -> None:
        """The call is over; *error* is what it raised, from which all others learn."""
        with self._lock:
            shut, seconds = self._obstacles.learn(turn, error, self._clock.now())
            if shut:
                self._held.drop()
            self._changed.set()
        self._settle(turn)
        if seconds:
            self._source.hold_off(seconds, throttled=isinstance(error, ThrottledError))

    def _queue_up(self, turn: Turn) -> None:
        """Wait until the turn leads."""
        with self._lock:
            self._refuse_if_hopeless(turn)
            turn.leads.clear()
            turn.has_queued = True
            self._queue.join(turn)
            self._appoint()
        self._clock.wait(turn.leads, turn.limit.remaining())
        with self._lock:
            if not turn.leads.is_set():
                self._queue.leave(turn)
                before = self._queue.before(background=turn.background)
                raise refusal(BusyError, before * self._source.interval_seconds)

    def _refuse_if_hopeless(self, turn: Turn) -> None:
        now = self._clock.now()
        obstacle = self._obstacles.arrive(turn, now)
        start = obstacle.until if obstacle and obstacle.until < math.inf else now
        # A turn that queues again has a low number: few are before it.
        before = 0 if turn.has_queued else self._queue.before(background=turn.background) + (self._leader is not None)
        earliest = start + before * self._source.interval_seconds
        if earliest > turn.limit.at:
            raise refusal(obstacle.kind if obstacle and start > turn.limit.at else BusyError, earliest - now)

    def _appoint(self) -> None:
        """Let the next turn lead, if none does."""
        if self._leader is None:
            self._leader = self._queue.next()
            if self._leader:
                self._leader.leads.set()

    def _step_aside(self) -> None:
        with self._lock:
            self._leader = None
            self._appoint()

    def _lead(self, turn: Turn) -> float:
        """Wait until no obstacle is left; the time of a slot."""
        while True:
            with self._lock:
                self._changed.clear()
                now = self._clock.now()
                obstacle = self._obstacles.obstacle(now, turn)
                departure = None if obstacle else self._take_slot(turn, now)
            if departure is not None:
                return departure
            if obstacle is None:
                self._reserve(turn)
                continue
            # How long a probe takes is not known.
            hopeless = turn.limit.at < obstacle.until < math.inf or now >= turn.limit.at
            if hopeless:
                raise refusal(obstacle.kind, obstacle.until - now)
            self._clock.wait(self._changed, min(obstacle.until, turn.limit.at) - now)

    def _take_slot(self, turn: Turn, now: float) -> float | None:
        """The time of the next slot that is held; None if there is none."""
        departure = self._held.departure(now, turn.price)
        if departure is None:
            return None
        if departure > turn.limit.at:
            raise refusal(BusyError, departure - now)
        self._held.take(departure, turn.price, turn.described)
        turn.counted, turn.counted_described = turn.price, turn.described
        return departure

    def _reserve(self, turn: Turn) -> None:
        """Reserve slots for the leader and those behind it, or wait until there may be some."""
        interval = self._source.interval_seconds
        most = int(HORIZON_SECONDS / interval) if interval else 0
        with self._lock:
            asking = [turn, *self._queue.coming(most)]
        grant = self._source.reserve([each.price for each in asking], [each.described for each in asking])
        now = self._clock.now()
        with self._lock:
            self._held.add(grant.slots, now)
            self._obstacles.hold_off(grant.held_off_until)
        if grant.slots or grant.held_off_until > now:
            return
        if grant.ask_again_at > turn.limit.at:
            raise refusal(BusyError, grant.ask_again_at - now)
        if grant.ask_again_at > now:
            self._clock.sleep(grant.ask_again_at - now)

    def _passes(self, turn: Turn) -> bool:
        """Whether no obstacle has come since the turn took its slot, which is lost otherwise."""
        with self._lock:
            if self._obstacles.obstacle(self._clock.now(), turn) is None:
                return True
        self._give_up(turn)
        return False

    def _give_up(self, turn: Turn) -> None:
        """The turn makes no call now: its slot was not paid for, and another one may be the probe."""
        with self._lock:
            if self._obstacles.give_up(turn):
                self._changed.set()
        self._settle(turn)

    def _settle(self, turn: Turn) -> None:
        difference, described = turn.billed - turn.counted, turn.billed_described - turn.counted_described
        turn.billed = turn.counted = turn.billed_described = turn.counted_described = 0
        # The many pages of a Read must not be forgotten if the process ends.
        self._source.settle(difference, described, at_once=difference > 0)
