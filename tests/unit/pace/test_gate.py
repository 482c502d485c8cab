"""The gate with many threads, on a virtual clock: each run is the same."""

import itertools
import logging
import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs

from bench.virtual import VirtualClock
from shared import names
from shared.clock import Clock, Deadline, SystemClock
from shared.errors import (
    BlobsightError,
    BusyError,
    CallsStoppedError,
    ImageRejectedError,
    NoTimeLeftError,
    NoTokenError,
    ThrottledError,
    VisionRefusedError,
    VisionUnavailableError,
)
from shared.pace import obstacles
from shared.pace.breaker import FAILURES, FIRST_OPEN_SECONDS
from shared.pace.gate import Gate
from shared.pace.ledger import Ledger, Rate
from shared.pace.quota import Quota
from shared.pace.slots import Grant, Slot

DOWN = VisionUnavailableError("down")
TEN_A_SECOND = Rate(10, 1.0)
FREE_TIER = Rate(20, 60.0)


class World:
    """A gate at ten calls a second, and callers who come, call for *call_seconds*, and go."""

    def __init__(self, *, stopped: bool = False, call_seconds: float = 0.4, rate: Rate = TEN_A_SECOND) -> None:
        self.clock = VirtualClock()
        self.blobs = MemoryBlobs(self.clock)
        self.quota = Quota(self.blobs, "a.json", rate, self.clock)
        self.gate = Gate(self.clock, self.quota, stopped=stopped)
        self.call_seconds = call_seconds
        self.called: list[tuple[int, float]] = []
        self.refused: list[tuple[int, float, BlobsightError]] = []
        # What the service does at a moment; None is an answer.
        self.service: Callable[[float], BlobsightError | None] = lambda now: None

    def caller(
        self, number: int, at: float = 0.0, *, patience: float = 100.0, price: int = 1, background: bool = False
    ) -> Callable[[], None]:
        def work() -> None:
            self.clock.sleep(at)
            self.call(number, patience, price, background)

        return work

    def call(
        self, number: int, patience: float = 100.0, price: int = 1, background: bool = False
    ) -> BlobsightError | None:
        turn = self.gate.turn(Deadline.after(patience, self.clock), price=price, background=background)
        try:
            self.gate.enter(turn)
        except BlobsightError as error:
            self.refused.append((number, self.clock.now(), error))
            return error
        self.called.append((number, self.clock.now()))
        error_now = self.service(self.clock.now())
        self.clock.sleep(self.call_seconds)
        turn.billed = price if error_now is None else 0
        self.gate.leave(turn, error_now)
        return error_now

    def run(self, workers: Sequence[Callable[[], None]]) -> None:
        self.clock.run(workers)

    @property
    def order(self) -> list[int]:
        return [number for number, _ in self.called]

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.called]

    def paid(self) -> int:
        return Ledger.from_json(self.blobs.contents(names.QUOTA)["a.json"]).paid_of_day


def gaps(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


def test_callers_are_served_first_come_first_served_at_the_pace() -> None:
    world = World()
    world.run([world.caller(number, at=number / 1000) for number in range(50)])
    assert world.order == list(range(50))
    assert gaps(world.times) == pytest.approx([0.1] * 49, abs=1e-5)


def test_calls_under_way_do_not_wait_for_each_other() -> None:
    world = World(call_seconds=60.0)
    world.run([world.caller(number) for number in range(20)])
    assert world.times[-1] == pytest.approx(1.9)


def test_a_thousand_who_wait_when_the_way_is_free_leave_one_by_one() -> None:
    world = World()
    world.service = lambda now: ThrottledError("slow", retry_after_seconds=30.0) if now < 0.05 else None
    world.run([world.caller(number, patience=1000.0) for number in range(1000)])
    after = [at for at in world.times if at > 0.4]
    assert after[0] == pytest.approx(30.4)
    assert min(gaps(after)) >= 0.1 - 1e-6
    assert len(world.called) == 1000


def test_who_comes_again_comes_before_those_who_came_later() -> None:
    world = World(call_seconds=0.01)
    answers: list[BlobsightError | None] = [ThrottledError("slow", retry_after_seconds=5.0)]

    def first() -> None:
        turn = world.gate.turn(Deadline.after(100, world.clock), price=1)
        for error in [*answers, None]:
            world.gate.enter(turn)
            world.called.append((0, world.clock.now()))
            world.clock.sleep(0.01)
            world.gate.leave(turn, error)

    world.run([first, *(world.caller(number, at=0.02) for number in range(1, 5))])
    assert world.order[0] == 0
    assert world.order.index(0, 1) <= 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ThrottledError("slow", retry_after_seconds=55.0), ThrottledError),
        (VisionUnavailableError("busy", retry_after_seconds=55.0), ThrottledError),
    ],
)
def test_a_wait_that_is_too_long_is_refused_at_once_with_its_length(
    answer: BlobsightError, kind: type[BlobsightError]
) -> None:
    world = World()
    world.service = lambda now: answer
    world.run([world.caller(0), world.caller(1, at=15.4, patience=20.0)])
    ((number, at, error),) = world.refused
    assert (number, at) == (1, pytest.approx(15.4))
    assert isinstance(error, kind)
    assert error.retry_after_seconds == pytest.approx(40.0)


def test_a_queue_that_is_too_long_is_refused_at_once_with_its_length() -> None:
    world = World()
    world.run([world.caller(number, patience=100.0) for number in range(300)] + [world.caller(300, 0.05, patience=20)])
    ((number, at, error),) = world.refused
    assert (number, at, error.code) == (300, pytest.approx(0.05), "turn_too_late")
    assert isinstance(error, BusyError)
    assert error.retry_after_seconds == pytest.approx(29.0, abs=1.0)


def test_a_caller_waits_for_one_place_more_than_without_uploads() -> None:
    world = World(rate=FREE_TIER)
    uploads = [world.caller(number, background=True) for number in range(8)]
    world.run([*uploads, world.caller(100, at=0.1, patience=8.0), world.caller(101, at=0.2, patience=14.0)])
    assert not world.refused
    # The first upload calls at once, and the second leads already.
    assert world.order[:5] == [0, 1, 100, 2, 101]
    assert world.times[2] == pytest.approx(6.0, abs=0.01)


def test_callers_without_end_leave_the_uploads_half_of_the_rate() -> None:
    world = World()
    callers = [world.caller(1000 + number, at=number / 20) for number in range(200)]
    world.run([*(world.caller(number, background=True) for number in range(20)), *callers])
    assert not world.refused
    # Alone the twenty would take two seconds; some of them go before a second caller is there.
    assert 3.0 < max(at for number, at in world.called if number < 1000) < 4.0


@pytest.mark.parametrize(("background", "seconds"), [(False, 2.0), (True, 3.0)])
def test_who_cannot_wait_is_told_of_both_lanes(background: bool, seconds: float) -> None:
    world = World()
    waiting = [world.caller(number, background=True) for number in range(20)]
    waiting += [world.caller(number) for number in range(20, 30)]
    world.run([*waiting, world.caller(99, 0.05, patience=1.0, background=background)])
    ((number, at, error),) = world.refused
    assert (number, at, error.code) == (99, pytest.approx(0.05), "turn_too_late")
    assert error.retry_after_seconds == pytest.approx(seconds, abs=0.5)


def test_who_runs_out_of_patience_in_the_queue_goes_and_the_others_move_up() -> None:
    world = World()

    # The pace alone gave hope; other processes take most slots.
    def neighbour() -> None:
        gate = Gate(world.clock, Quota(world.blobs, "a.json", Rate(10, 1.0), world.clock))
        for _ in range(40):
            turn = gate.turn(Deadline.after(100, world.clock), price=1)
            gate.enter(turn)
            gate.leave(turn, None)

    world.run([*[neighbour] * 3, *(world.caller(number, patience=2.0) for number in range(15)), world.caller(99)])
    assert world.refused
    # At its limit, or a little sooner where the next slot would come after it.
    assert all(0.9 < at <= 2.0 + 1e-6 for _, at, _ in world.refused)
    assert {number for number, _, _ in world.refused} | set(world.order) == {*range(15), 99}


def test_failures_in_a_row_open_the_breaker_and_waiting_costs_no_call() -> None:
    world = World()
    world.service = lambda now: DOWN if now < 60.0 else None
    world.run([world.caller(number, at=number / 10, patience=200.0) for number in range(200)])
    during = [at for at in world.times if at < 60.0]
    # Five failures, what was under way by then, and the probes.
    assert FAILURES <= len(during) <= FAILURES + 5 + 4
    assert len(world.called) == 200
    probes = [at for at in during if at > 1.5]
    assert gaps(probes) == pytest.approx([10.4, 20.4], abs=0.2)


def test_who_cannot_wait_for_the_next_probe_is_told_when_it_is() -> None:
    world = World()
    world.service = lambda now: DOWN
    world.run([*(world.caller(number) for number in range(5)), world.caller(9, at=1.0, patience=2.0)])
    ((number, _, error),) = world.refused
    assert number == 9
    assert isinstance(error, VisionUnavailableError)
    assert error.retry_after_seconds == pytest.approx(0.8 + FIRST_OPEN_SECONDS - 1.0)


def test_one_probe_at_a_time_while_everybody_else_waits_for_what_it_finds() -> None:
    world = World(call_seconds=3.0)
    world.service = lambda now: DOWN if now < 5.0 else None
    world.run([world.caller(number, patience=100.0) for number in range(60)])
    half_open = 3.4 + FIRST_OPEN_SECONDS
    after = [at for at in world.times if at > 4.0]
    assert after[0] == pytest.approx(half_open)
    assert after[1] >= half_open + 3.0
    assert min(gaps(after[1:])) >= 0.1 - 1e-6
    assert len(world.called) == 60


def test_who_waits_for_a_probe_waits_to_its_limit() -> None:
    world = World()
    world.service = lambda now: DOWN
    seen: list[float] = []

    def probe() -> None:
        world.clock.sleep(7.0)
        turn = world.gate.turn(Deadline.after(100, world.clock), price=1)
        world.gate.enter(turn)
        seen.append(world.clock.now())
        world.clock.sleep(50.0)
        world.gate.leave(turn, None)

    world.run([*(world.caller(number) for number in range(5)), probe, world.caller(9, at=8.0, patience=10.0)])
    assert seen == [pytest.approx(7.0)]
    ((number, at, error),) = world.refused
    assert (number, at, error.code) == (9, pytest.approx(18.0), "vision_unavailable")


def test_a_probe_that_ends_unexpectedly_leaves_its_place_to_another() -> None:
    world = World()
    world.service = lambda now: DOWN if now < 5.0 else None

    def clumsy() -> None:
        turn = world.gate.turn(Deadline.after(100, world.clock), price=1)
        world.gate.enter(turn)
        world.clock.sleep(0.1)
        world.gate.leave(turn, KeyError("bug"))

    def waits() -> None:
        world.clock.sleep(6.0)
        clumsy()

    world.run([*(world.caller(number) for number in range(5)), waits, world.caller(9, at=6.05)])
    assert world.order[-1] == 9
    assert world.refused == []


UNSENT = [NoTokenError("no token"), NoTimeLeftError("no time")]


@pytest.mark.parametrize("error", UNSENT, ids=lambda error: error.code)
def test_calls_that_never_left_open_no_breaker(error: BlobsightError) -> None:
    gate = Gate(clock := FakeClock())
    for _ in range(2 * FAILURES):
        turn = gate.turn(Deadline.after(1, clock), price=1)
        gate.enter(turn)
        gate.leave(turn, error)
    gate.enter(gate.turn(Deadline(clock, clock.now()), price=1))


@pytest.mark.parametrize("error", UNSENT, ids=lambda error: error.code)
def test_a_probe_that_never_left_closes_no_breaker_and_leaves_its_place_to_another(error: BlobsightError) -> None:
    gate = Gate(clock := FakeClock())

    def calls(*errors: BlobsightError | None) -> None:
        for each in errors:
            turn = gate.turn(Deadline.after(10, clock), price=1)
            gate.enter(turn)
            gate.leave(turn, each)

    calls(*[DOWN] * FAILURES, error)
    # Still the breaker of before: it lets one probe through, whose failure opens it for twice as long.
    calls(DOWN)
    assert clock.now() == FIRST_OPEN_SECONDS
    with pytest.raises(VisionUnavailableError):
        gate.enter(gate.turn(Deadline.after(2 * FIRST_OPEN_SECONDS - 0.1, clock), price=1))
    calls(error, None, None)
    assert clock.now() == 3 * FIRST_OPEN_SECONDS


def test_a_call_that_never_left_is_not_paid_for() -> None:
    world = World()
    world.service = lambda now: NoTokenError("no token") if now < 1.0 else None
    world.run([world.caller(0), world.caller(1, at=3.0), world.caller(2, at=6.0, price=0)])
    assert world.paid() == 1


@pytest.mark.parametrize("error", [ImageRejectedError("no"), VisionRefusedError("no"), ThrottledError("slow")])
def test_refusals_are_answers_and_open_no_breaker(error: BlobsightError) -> None:
    world = World(call_seconds=0.01)
    world.service = lambda now: error
    world.run([world.caller(number, at=number * 3.0) for number in range(20)])
    assert len(world.called) == 20


def test_an_image_that_always_fails_opens_no_breaker() -> None:
    """Nor do two: the others are not to wait for them."""
    clock = FakeClock()
    gate = Gate(clock)
    for _ in range(2):
        turn = gate.turn(Deadline.after(100, clock), price=1)
        for _ in range(4):
            gate.enter(turn)
            gate.leave(turn, VisionUnavailableError("FailedToProcess"))
    gate.enter(gate.turn(Deadline(clock, 0.0), price=1))


def fail(gate: Gate, clock: FakeClock, key: str, times: int, error: BlobsightError = DOWN) -> list[float]:
    """Questions of four attempts each, as a poll makes them, that all fail; returns when they called."""
    called = []
    for _ in range(times):
        turn = gate.turn(Deadline.after(10, clock), price=0, background=True, key=key)
        with suppress(BlobsightError):
            for _ in range(4):
                gate.enter(turn)
                called.append(clock.now())
                gate.leave(turn, error)
        clock.advance(1.0)
    return called


def passes_at_once(gate: Gate, clock: FakeClock, error: BlobsightError | None = None) -> bool:
    """Whether a picture is let through without any wait; the service answers it so."""
    before = clock.now()
    turn = gate.turn(Deadline.after(20, clock), price=1)
    gate.enter(turn)
    gate.leave(turn, error)
    return clock.now() == before


def test_a_read_whose_polls_always_fail_opens_no_breaker_however_often_it_is_polled() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    assert len(fail(gate, clock, "read 1", 50)) == 200
    assert len(fail(gate, clock, "read 2", 50)) == 200
    assert passes_at_once(gate, clock)
    # Answers to others begin no new row for them.
    for number in range(9):
        fail(gate, clock, f"read {1 + number % 2}", 1)
        assert passes_at_once(gate, clock)


def test_a_read_that_was_answered_counts_anew() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    for key in ("read 1", "read 2"):
        fail(gate, clock, key, 1)
        turn = gate.turn(Deadline.after(10, clock), price=0, key=key)
        gate.enter(turn)
        gate.leave(turn, None)
    for key in ("read 1", "read 2", "read 3"):
        fail(gate, clock, key, 1)
    assert not passes_at_once(gate, clock)


def test_a_read_that_fails_as_a_probe_keeps_nobody_out_and_leaves_the_next_one_to_others() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    fail(gate, clock, "read 1", 1)
    for _ in range(3):
        turn = gate.turn(Deadline.after(10, clock), price=1)
        gate.enter(turn)
        gate.leave(turn, DOWN)
    clock.advance(FIRST_OPEN_SECONDS)
    # It may try, since nobody else does; but once in half a minute, and at once anybody else.
    assert len(fail(gate, clock, "read 1", 15)) == 1
    assert passes_at_once(gate, clock)
    assert passes_at_once(gate, clock)


def test_in_an_outage_in_which_nobody_but_failed_reads_asks_one_of_them_finds_its_end() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    called = [at for number in range(400) for at in fail(gate, clock, f"read {number % 4}", 1)]
    # All are spent by then: a probe in twenty seconds, as a poll waits for the last ten of half a minute.
    probes = [at for at in called if at > 60.0]
    assert (min(gaps(probes)), max(gaps(probes))) == (20.0, 20.0)
    assert len(called) - len(probes) < 20
    clock.advance(30.0)
    turn = gate.turn(Deadline.after(10, clock), price=0, key="read 1")
    gate.enter(turn)
    gate.leave(turn, None)
    assert passes_at_once(gate, clock)


def test_only_the_service_as_a_whole_makes_everybody_wait_for_a_time_that_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    gate = Gate(clock)
    fail(gate, clock, "read 1", 1)
    fail(gate, clock, "read 1", 3, VisionUnavailableError("down", retry_after_seconds=5.0))
    assert passes_at_once(gate, clock)
    fail(gate, clock, "read 1", 1, ThrottledError("slow", retry_after_seconds=5.0))
    assert not passes_at_once(gate, clock)
    assert [line.partition(" correlation")[0] for line in caplog.messages][-1] == (
        "gate.held_off code=vision_throttled seconds=5"
    )


def test_reads_that_failed_long_ago_are_forgotten() -> None:
    clock = FakeClock()
    obstacles = Gate(clock)._obstacles
    for number in range(3000):
        turn = Gate(clock).turn(Deadline.after(10, clock), price=0, key=f"read {number}")
        obstacles.learn(turn, DOWN, clock.now())
    assert len(obstacles._failures) == 1000
    assert "read 2999" in obstacles._failures


def test_stopped_paid_calls_are_refused_and_free_ones_go_on() -> None:
    world = World(stopped=True)
    world.run([world.caller(0), world.caller(1, price=0)])
    ((number, _, error),) = world.refused
    assert (number, error.code, error.status) == (0, "calls_stopped", 503)
    assert isinstance(error, CallsStoppedError)
    assert error.retry_after_seconds
    assert world.order == [1]


def test_a_call_is_counted_once_and_not_at_all_if_it_was_not_paid() -> None:
    world = World()
    world.service = lambda now: DOWN if now > 0.25 else None
    world.run([world.caller(0), world.caller(1), world.caller(2), world.caller(3), world.caller(4, 5.0, price=0)])
    assert len(world.called) == 5
    assert world.paid() == 3


def test_calls_of_other_prices_that_come_first_use_every_slot() -> None:
    """What was reserved for uploads serves the callers that overtake them; what is counted is what was billed."""
    world = World()
    prices = (1, 3, 0, 3, 1, 6)
    uploads = [world.caller(number, price=prices[number % 6], background=True) for number in range(30)]
    callers = [world.caller(100 + number, 0.05 + number / 4, price=prices[-1 - number % 6]) for number in range(12)]
    world.run([*uploads, *callers, world.caller(999, at=20.0, price=0)])
    assert not world.refused
    assert world.times[-2] == pytest.approx(4.1, abs=0.3)
    assert world.paid() == 5 * sum(prices) + 2 * sum(prices)


def test_a_slot_that_a_429_made_useless_is_not_paid_for() -> None:
    world = World(call_seconds=0.05)
    world.service = lambda now: ThrottledError("slow", retry_after_seconds=3.0) if now < 0.01 else None
    world.run([world.caller(number) for number in range(8)] + [world.caller(99, at=20.0, price=0)])
    assert len(world.called) == 9
    assert world.paid() == 7


class LateSlots:
    """A source whose grants arrive long after the slots they hold."""

    interval_seconds = 0.1

    def __init__(self, clock: Clock, delay_seconds: float) -> None:
        self._clock = clock
        self._delay_seconds = delay_seconds
        self.settled = 0

    def reserve(self, asks: Sequence[int], described: Sequence[int] = ()) -> Grant:
        now = self._clock.now()
        self._clock.sleep(self._delay_seconds)
        return Grant(tuple(Slot(now + number / 10, price) for number, price in enumerate(asks)))

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        raise AssertionError("nobody was throttled")

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
        self.settled += transactions


@pytest.mark.parametrize("delay_seconds", [0.5, 5.0])
def test_slots_that_come_late_are_used_and_not_made_up_for_in_a_bunch(delay_seconds: float) -> None:
    world = World()
    world.gate = Gate(world.clock, LateSlots(world.clock, delay_seconds))
    world.run([world.caller(number) for number in range(8)])
    assert world.times[-1] < 4 * delay_seconds
    assert min(gaps(world.times)) >= 0.1 - 1e-6


def test_a_gate_of_real_threads_lets_everybody_through_in_the_end() -> None:
    clock = SystemClock()
    gate = Gate(clock, Quota(MemoryBlobs(clock), "a.json", Rate(1000, 1.0), clock))
    done: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            turn = gate.turn(Deadline.after(60, clock), price=1)
            gate.enter(turn)
            gate.leave(turn, None)
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(20))
    assert math.isfinite(clock.now())


@pytest.mark.parametrize("kind", [ThrottledError, VisionUnavailableError, BusyError])
def test_a_refusal_that_a_record_keeps_names_no_seconds_in_its_text(kind: type[BlobsightError]) -> None:
    error = obstacles.refusal(kind, 20.0)
    assert error.retry_after_seconds == 20.0
    assert not any(character.isdigit() for character in error.message + error.action)
