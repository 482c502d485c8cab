"""
The gate: every call of this process to Computer Vision goes through it, one after the other, at the tier's pace.

Whoever has a question makes a visit: it takes a number, waits in its lane, leads, takes a slot, and calls when the
slot's time has come. Callers whom somebody waits for take turns with what is done in the background
(`shared.pace.fair_queue`). The leader alone looks at what is in the way and reserves slots, for itself and those behind
it; then it steps aside for the next number. So thousands who wait when the way becomes free leave one by one. In the
way are a time before which the service wants no call (429, or any Retry-After), the open circuit breaker, and the pace
itself.

A turn that would come after the visit's limit is refused at once, so that nobody waits for nothing.
"""

import itertools
import math
import threading

from shared.clock import Clock, Deadline
from shared.errors import BusyError, CallsStoppedError, ThrottledError
from shared.pace.fair_queue import Lanes, Waiter
from shared.pace.obstacles import Obstacles, Passer, too_late
from shared.pace.reservation import HORIZON_SECONDS
from shared.pace.slots import Hand, Slots, Unpaced

# Whoever is refused because paid calls are stopped need not come back sooner.
STOPPED_SECONDS = 300.0


class Visit(Passer, Waiter):
    """
    One question at the gate, through all its attempts. For one thread.

    Attributes:
        limit: the latest moment of a turn.
        paid: whether the call is paid for.
        billed: transactions that the present attempt was found to cost; set by whoever reads the answer.
    """

    def __init__(self, gate: "Gate", number: int, limit: Deadline, *, paid: bool, background: bool, key: str) -> None:
        super().__init__(number, background=background)
        self._gate = gate
        self.key = key
        self.limit = limit
        self.paid = paid
        self.billed = 0
        # The gate's own, guarded by its lock: what it counted in advance, and where the visit is.
        self.counted = 0
        self.leads = threading.Event()
        self.was_here = False

    def enter(self) -> None:
        """
        Wait for a turn.

        Raises:
            ThrottledError: the service wants no call until after the limit.
            VisionUnavailableError: it keeps failing, and is not asked again before the limit.
            BusyError: too many come first.
            QuotaExhaustedError, CallsStoppedError: no paid call may be made.
            StorageError: there are limits of paid calls, and how near they are cannot be looked up.
        """
        self._gate.enter(self)

    def leave(self, error: BaseException | None) -> None:
        """The call is over; *error* is what it raised, from which all others learn."""
        self._gate.leave(self, error)


class Gate:
    """
    The gate of one process. Safe for threads.

    Args:
        clock: the time.
        slots: the pace; none by default.
        stopped: whether paid calls are refused.
    """

    def __init__(self, clock: Clock, slots: Slots | None = None, *, stopped: bool = False) -> None:
        self._clock = clock
        self._slots: Slots = slots or Unpaced()
        self._stopped = stopped
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._lanes: Lanes[Visit] = Lanes()
        self._leader: Visit | None = None
        self._obstacles = Obstacles()
        self._hand = Hand(self._slots)
        # Set whenever something in the way may be gone; only the leader waits for it.
        self._changed = threading.Event()

    def visit(self, limit: Deadline, *, paid: bool, background: bool = False, key: str = "") -> Visit:
        """
        A question's way through the gate.

        Args:
            limit: no turn is waited for beyond it.
            paid: whether the call is paid for.
            background: whether nobody waits for the answer.
            key: what it asks for, if other questions ask for the same: a Read. They count as one (`obstacles`).
        """
        return Visit(self, next(self._numbers), limit, paid=paid, background=background, key=key)

    def enter(self, visit: Visit) -> None:
        """Return when the visit may call. See `Visit.enter`."""
        if self._stopped and visit.paid:
            raise CallsStoppedError("VISION_STOP is set: no paid call is made.", retry_after_seconds=STOPPED_SECONDS)
        while True:
            self._queue_up(visit)
            try:
                departure = self._lead(visit)
            except BaseException:
                self._turn_back(visit)
                raise
            finally:
                self._step_aside()
            if departure > self._clock.now():
                self._clock.sleep(departure - self._clock.now())
            if self._passes(visit):
                return

    def leave(self, visit: Visit, error: BaseException | None) -> None:
        """Learn from how the call ended. See `Visit.leave`."""
        with self._lock:
            shut, seconds = self._obstacles.learn(visit, error, self._clock.now())
            if shut:
                self._hand.drop()
            self._changed.set()
        self._settle(visit)
        if seconds:
            self._slots.hold_off(seconds, throttled=isinstance(error, ThrottledError))

    def _queue_up(self, visit: Visit) -> None:
        """Wait until the visit leads."""
        with self._lock:
            self._refuse_if_hopeless(visit)
            visit.leads.clear()
            visit.was_here = True
            self._lanes.join(visit)
            self._appoint()
        self._clock.wait(visit.leads, visit.limit.remaining())
        with self._lock:
            if not visit.leads.is_set():
                self._lanes.leave(visit)
                before = self._lanes.before(background=visit.background)
                raise too_late(BusyError, before * self._slots.interval_seconds)

    def _refuse_if_hopeless(self, visit: Visit) -> None:
        now = self._clock.now()
        obstacle = self._obstacles.arrive(visit, now)
        start = obstacle.until if obstacle and obstacle.until < math.inf else now
        # Whoever comes again has a low number: few are before it.
        before = 0 if visit.was_here else self._lanes.before(background=visit.background) + (self._leader is not None)
        turn = start + before * self._slots.interval_seconds
        if turn > visit.limit.at:
            raise too_late(obstacle.kind if obstacle and start > visit.limit.at else BusyError, turn - now)

    def _appoint(self) -> None:
        """Let the next one lead, if nobody does."""
        if self._leader is None:
            self._leader = self._lanes.next()
            if self._leader:
                self._leader.leads.set()

    def _step_aside(self) -> None:
        with self._lock:
            self._leader = None
            self._appoint()

    def _lead(self, visit: Visit) -> float:
        """Wait until nothing else is in the way; the time of a slot."""
        while True:
            with self._lock:
                self._changed.clear()
                now = self._clock.now()
                obstacle = self._obstacles.obstacle(now, visit)
                departure = None if obstacle else self._take_slot(visit, now)
            if departure is not None:
                return departure
            if obstacle is None:
                self._reserve(visit)
                continue
            # How long a probe takes is not known.
            hopeless = visit.limit.at < obstacle.until < math.inf or now >= visit.limit.at
            if hopeless:
                raise too_late(obstacle.kind, obstacle.until - now)
            self._clock.wait(self._changed, min(obstacle.until, visit.limit.at) - now)

    def _take_slot(self, visit: Visit, now: float) -> float | None:
        """The time of the next slot in hand; None if there is none."""
        departure = self._hand.departure(now, paid=visit.paid)
        if departure is None:
            return None
        if departure > visit.limit.at:
            raise too_late(BusyError, departure - now)
        visit.counted = int(self._hand.take(departure).paid)
        return departure

    def _reserve(self, visit: Visit) -> None:
        """Reserve slots for the leader and those behind it, or wait until there may be some."""
        interval = self._slots.interval_seconds
        most = int(HORIZON_SECONDS / interval) if interval else 0
        with self._lock:
            behind = [each.paid for each in self._lanes.coming(most)]
        grant = self._slots.reserve([visit.paid, *behind])
        now = self._clock.now()
        with self._lock:
            self._hand.add(grant.slots, now)
            self._obstacles.hold_off(grant.held_off_until)
        if grant.slots or grant.held_off_until > now:
            return
        if grant.ask_again_at > visit.limit.at:
            raise too_late(BusyError, grant.ask_again_at - now)
        if grant.ask_again_at > now:
            self._clock.sleep(grant.ask_again_at - now)

    def _passes(self, visit: Visit) -> bool:
        """Whether nothing has come into the way since the visit took its slot, which is lost otherwise."""
        with self._lock:
            if self._obstacles.obstacle(self._clock.now(), visit) is None:
                return True
        self._turn_back(visit)
        return False

    def _turn_back(self, visit: Visit) -> None:
        """The visit does not call now: its slot was not paid for, and another one may be the probe."""
        with self._lock:
            if self._obstacles.turn_back(visit):
                self._changed.set()
        self._settle(visit)

    def _settle(self, visit: Visit) -> None:
        difference = visit.billed - visit.counted
        visit.billed = visit.counted = 0
        # The many pages of a Read must not be forgotten if the process ends.
        self._slots.settle(difference, at_once=difference > 0)
