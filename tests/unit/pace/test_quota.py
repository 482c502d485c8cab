"""The pace and the spending of several processes on one blob."""

import itertools
import json
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.memory import MemoryBlobs

from bench.virtual import VirtualClock
from shared import names
from shared.clock import Deadline
from shared.errors import ConflictError, QuotaExhaustedError, StorageError, ThrottledError
from shared.pace.gate import Gate
from shared.pace.ledger import NO_LIMITS, Ledger, Limits, Rate
from shared.pace.quota import OFFLINE_SECONDS, Quota
from shared.pace.slots import Grant

TEN = Rate(10, 1.0)
NAME = "vision.json"


class World:
    """One account, and processes on it."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.blobs = MemoryBlobs(self.clock)
        self.operations: list[str] = []
        self.blobs.before = self.count

    def count(self, operation: str, container: str, name: str) -> None:
        self.operations.append(operation)

    def process(self, rate: Rate = TEN, limits: Limits = NO_LIMITS) -> Quota:
        return Quota(self.blobs, NAME, rate, self.clock, limits, jitter=lambda low, high: high)

    def break_down(self, broken: bool = True) -> None:
        def refuse(operation: str, container: str, name: str) -> None:
            raise StorageError("down")

        self.blobs.before = refuse if broken else self.count

    @property
    def ledger(self) -> Ledger:
        return Ledger.from_json(self.blobs.contents(names.QUOTA)[NAME])


@pytest.fixture
def world() -> World:
    return World()


def offsets(grant: Grant, clock: FakeClock) -> list[float]:
    return [slot.at - clock.now() for slot in grant.slots]


def test_processes_share_one_row_of_slots(world: World) -> None:
    one, two = world.process(), world.process()
    assert offsets(one.reserve([1] * 2), world.clock) == pytest.approx([0.0, 0.1])
    assert offsets(two.reserve([1] * 2), world.clock) == pytest.approx([0.2, 0.3])
    # The first one's copy of the ledger is out of date: it loses the race once, and looks again.
    world.clock.advance(0.2)
    assert one.reserve([1]).slots[0].at == pytest.approx(0.4, abs=0.02)


def test_a_process_that_has_waited_comes_before_one_that_has_just_had_slots(world: World) -> None:
    one, two = world.process(), world.process()
    one.reserve([1] * 4)
    assert two.reserve([1] * 4).slots == ()
    world.clock.advance(0.16)
    assert one.reserve([1] * 4).slots == ()
    assert two.reserve([1] * 4).slots


def test_one_reservation_is_one_write_for_all_who_wait(world: World) -> None:
    quota = world.process()
    quota.reserve([1] * 8)
    assert world.operations == ["read", "write"]


def test_a_process_alone_on_the_blob_need_not_read_it_each_time(world: World) -> None:
    quota = world.process()
    for _ in range(5):
        quota.reserve([1])
        world.clock.advance(0.1)
    assert world.operations == ["read"] + ["write"] * 5


def test_the_blob_can_be_read_by_a_person(world: World) -> None:
    quota = world.process()
    quota.reserve([1, 0])
    stored = json.loads(world.blobs.contents(names.QUOTA)[NAME])
    assert stored["nextSlot"] == (EPOCH + timedelta(seconds=0.2)).isoformat(timespec="microseconds")
    assert (stored["day"], stored["paidOfDay"], stored["month"], stored["paidOfMonth"]) == (
        "2026-01-01",
        1,
        "2026-01",
        1,
    )


@pytest.mark.parametrize("moment", range(4))
@pytest.mark.parametrize(
    "happening",
    [
        lambda other: other.reserve([1] * 3),
        lambda other: other.hold_off(5.0, throttled=True),
        lambda other: other.postpone(),
        lambda other: other.settle(1, at_once=True),
    ],
    ids=["reserve", "hold_off", "postpone", "settle"],
)
def test_whatever_another_process_does_at_any_moment_no_slot_is_given_twice(
    world: World, moment: int, happening: Callable[[Quota], object]
) -> None:
    one, two, seen, taken = world.process(), world.process(), [0], list[float]()

    def before(operation: str, container: str, name: str) -> None:
        seen[0] += 1
        if seen[0] - 1 == moment:
            result = happening(two)
            if isinstance(result, Grant):
                taken.extend(slot.at for slot in result.slots)

    world.blobs.before = before
    for _ in range(4):
        grant = one.reserve([1] * 2)
        taken += [slot.at for slot in grant.slots]
        world.clock.advance(max(0.0, grant.ask_again_at - world.clock.now()))
    world.blobs.before = None
    assert len(taken) >= 4
    assert len({round(at, 6) for at in taken}) == len(taken)
    assert min(abs(a - b) for a in taken for b in taken if a != b) >= 0.1 - 1e-6


def test_a_push_reaches_the_other_processes(world: World) -> None:
    one, two = world.process(), world.process()
    two.reserve([1])
    one.hold_off(55.0, throttled=True)
    world.clock.advance(2.0)
    grant = two.reserve([1])
    assert grant.slots == ()
    assert grant.held_off_until == pytest.approx(55.0)


def test_a_push_that_everybody_knows_costs_no_write(world: World) -> None:
    quota = world.process()
    quota.hold_off(5.0, throttled=True)
    world.operations.clear()
    quota.hold_off(5.0, throttled=True)
    assert "write" not in world.operations


def test_postponed_work_comes_back_at_the_rate_whichever_process_postponed_it(world: World) -> None:
    one, two = world.process(), world.process()
    turns = [quota.postpone(at_least_seconds=30.0) for quota in (one, two, one, two)]
    assert turns == pytest.approx([30.0, 30.1, 30.2, 30.3], abs=0.05)


def test_new_work_sees_the_backlog_while_it_lies_ahead(world: World) -> None:
    one, two = world.process(), world.process()
    assert two.backlog_seconds() == 0.0
    one.postpone(calls=300)
    world.clock.advance(1.0)
    assert two.backlog_seconds() == pytest.approx(29.0)
    world.clock.advance(29.0)
    assert two.backlog_seconds() == 0.0


def test_nobody_waits_for_those_who_are_not_due_yet(world: World) -> None:
    one, two = world.process(), world.process()
    one.postpone(at_least_seconds=30.0, calls=20)
    world.clock.advance(1.0)
    assert two.backlog_seconds() == 0.0
    world.clock.advance(28.5)
    assert two.backlog_seconds() == pytest.approx(2.5)


def test_looking_at_the_backlog_reads_the_blob_once_a_second(world: World) -> None:
    quota = world.process()
    quota.postpone(at_least_seconds=30.0)
    world.operations.clear()
    for _ in range(10):
        quota.backlog_seconds()
    assert world.operations == []


def test_the_limit_holds_for_all_processes_together(world: World) -> None:
    one, two = (world.process(limits=Limits(per_day=5)) for _ in range(2))
    assert len(one.reserve([1] * 3).slots) == 3
    world.clock.advance(0.3)
    assert len(two.reserve([1] * 3).slots) == 2
    world.clock.advance(2.0)
    for quota in (one, two):
        with pytest.raises(QuotaExhaustedError) as caught:
            quota.reserve([1])
        assert caught.value.code == "quota_exhausted"
        assert caught.value.retry_after_seconds == pytest.approx(86_400.0, abs=5.0)
    world.clock.advance(86_400.0)
    assert len(one.reserve([1]).slots) == 1


@pytest.mark.parametrize(
    ("limits", "asks", "message", "action"),
    [
        (
            Limits(per_day=5),
            [3, 3],
            "Billed transactions: the call costs 3, and VISION_DAILY_LIMIT=5 leaves 2 of the day (UTC).",
            QuotaExhaustedError.action,
        ),
        (
            Limits(per_month=3),
            [3, 1],
            "Billed transactions: the call costs 1, and VISION_MONTHLY_LIMIT=3 leaves 0 of the month (UTC).",
            QuotaExhaustedError.action,
        ),
        (
            Limits(per_day=5),
            [0, 6],
            "Billed transactions: the call costs 6, and VISION_DAILY_LIMIT=5 leaves 5 of the day (UTC).",
            "Raise VISION_DAILY_LIMIT, or ask for less: no day has room for this call.",
        ),
    ],
)
def test_the_refusal_tells_the_price_the_setting_and_what_it_leaves(
    world: World, limits: Limits, asks: list[int], message: str, action: str
) -> None:
    quota = world.process(limits=limits)
    for price in asks[:-1]:
        quota.reserve([price])
        world.clock.advance(1.0)
    with pytest.raises(QuotaExhaustedError) as caught:
        quota.reserve(asks[-1:])
    assert (caught.value.message, caught.value.action) == (message, action)


def test_free_calls_go_on_at_the_limit(world: World) -> None:
    quota = world.process(limits=Limits(per_day=0))
    assert len(quota.reserve([0]).slots) == 1


def test_what_was_not_paid_makes_room_again(world: World) -> None:
    quota = world.process(limits=Limits(per_day=2))
    quota.reserve([1, 1])
    quota.settle(-1)
    assert len(quota.reserve([1]).slots) == 1
    assert world.ledger.paid_of_day == 2


def test_many_pages_are_written_at_once(world: World) -> None:
    world.process().settle(199, at_once=True)
    assert world.ledger.paid_of_day == 199


def test_corrections_that_lose_a_race_are_kept(world: World) -> None:
    one, two = world.process(), world.process()
    one.reserve([1])
    two.reserve([1])
    one.settle(-1)
    one.reserve([1])
    assert world.ledger.paid_of_day == 2


def test_the_limit_is_told_once_for_each_reset(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quota = world.process(limits=Limits(per_day=0))
    for _ in range(5):
        with pytest.raises(QuotaExhaustedError):
            quota.reserve([1])
        world.clock.advance(10.0)
    assert caplog.text.count("quota.exhausted") == 1


def test_two_limits_that_are_reached_in_turn_are_told_once_each(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quota = world.process(limits=Limits(per_day=4, per_month=6))
    quota.reserve([4])
    for price in (1, 3, 1, 3):
        world.clock.advance(1.0)
        with pytest.raises(QuotaExhaustedError):
            quota.reserve([price])
    assert caplog.text.count("quota.exhausted") == 2


def test_the_spending_is_that_of_today_and_looking_at_it_writes_nothing(world: World) -> None:
    quota = world.process()
    assert world.process().spending()[6:] == ("2026-01-01", 0, "2026-01", 0, 0, 0)
    quota.reserve([7], [2])
    world.operations.clear()
    assert quota.spending()[6:] == ("2026-01-01", 7, "2026-01", 7, 2, 2)
    world.clock.advance(86_400.0)
    assert quota.spending()[6:] == ("2026-01-02", 0, "2026-01", 7, 0, 2)
    assert set(world.operations) <= {"read"}


def test_descriptions_and_text_are_counted_apart_and_corrected_as_the_others(world: World) -> None:
    quota = world.process()
    quota.reserve([3, 1, 1], [1, 0, 1])
    quota.settle(-1, -1)
    quota.settle(11, 11, at_once=True)
    found = world.process().spending()
    assert (found.paid_of_day, found.described_of_day) == (15, 12)
    assert (found.paid_of_month, found.described_of_month) == (15, 12)


def test_that_a_limit_is_near_is_told_once_for_each_day_and_month(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    quota = world.process(limits=Limits(per_day=10, per_month=1000))
    quota.settle(7)
    quota.reserve([0])
    assert "spending.neared" not in caplog.text, "seven of ten are not near"
    for _ in range(3):
        world.clock.advance(1.0)
        quota.reserve([1])
    (line,) = [line for line in caplog.messages if line.startswith("spending.neared")]
    assert line == "spending.neared window=day date=2026-01-01 used=8 limit=10 correlation=-"
    world.clock.advance(86_400.0)
    quota.settle(797, at_once=True)
    told = [line.split(" used")[0] for line in caplog.messages if line.startswith("spending.neared")]
    assert told[1:] == ["spending.neared window=day date=2026-01-02", "spending.neared window=month date=2026-01"]


def test_a_limit_of_nothing_is_never_near(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.process(limits=Limits(per_day=0)).reserve([0])
    assert "spending.neared" not in caplog.text


def test_what_was_paid_is_told_every_ten_minutes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quota = world.process()
    for _ in range(21):
        quota.reserve([1])
        world.clock.advance(60.0)
    told = [line for line in caplog.messages if line.startswith("spending.counted")]
    assert told == [f"spending.counted of_day={paid} of_month={paid} correlation=-" for paid in (1, 11, 21)]


def test_without_the_blob_a_process_goes_on_slower_and_comes_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    quota = world.process()
    quota.reserve([1])
    world.clock.advance(5.0)
    world.break_down()
    assert offsets(quota.reserve([1] * 3), world.clock) == pytest.approx([0.0, 0.2, 0.4])
    assert caplog.text.count("quota.unreachable") == 1
    world.break_down(broken=False)
    world.operations.clear()
    quota.reserve([1])
    assert world.operations == [], "it was asked again too soon"
    world.clock.advance(OFFLINE_SECONDS)
    assert offsets(quota.reserve([1] * 2), world.clock) == pytest.approx([0.0, 0.1])
    assert caplog.text.count("quota.reached_again") == 1
    # What was paid meanwhile is counted now.
    assert world.ledger.paid_of_day == 1 + 3 + 1 + 2


def test_a_process_that_begins_without_the_blob_goes_on_slower_too(world: World) -> None:
    world.break_down()
    assert offsets(world.process().reserve([1] * 2), world.clock) == pytest.approx([0.0, 0.2])


def test_what_calls_without_the_blob_cost_is_counted_afterwards(world: World) -> None:
    quota = world.process(limits=Limits(per_day=10))
    quota.reserve([3])
    world.clock.advance(5.0)
    world.break_down()
    assert len(quota.reserve([3, 3, 3]).slots) == 2, "one left of ten"
    world.break_down(broken=False)
    world.clock.advance(OFFLINE_SECONDS)
    quota.reserve([1])
    assert world.ledger.paid_of_day == 10


def test_without_the_blob_the_limit_holds_as_far_as_it_is_known(world: World) -> None:
    quota = world.process(limits=Limits(per_day=4))
    quota.reserve([1] * 2)
    world.clock.advance(5.0)
    world.break_down()
    assert len(quota.reserve([1] * 3).slots) == 2
    world.clock.advance(5.0)
    with pytest.raises(QuotaExhaustedError):
        quota.reserve([1])


def test_where_nobody_knows_what_was_paid_a_limit_stops_paid_calls(world: World) -> None:
    world.break_down()
    with pytest.raises(StorageError) as caught:
        world.process(limits=Limits(per_day=1000)).reserve([1])
    assert caught.value.retry_after_seconds


def test_without_the_blob_postponing_and_pushing_do_not_fail(world: World) -> None:
    world.break_down()
    quota = world.process()
    assert 30.0 <= quota.postpone(at_least_seconds=30.0) <= 90.0
    quota.hold_off(5.0, throttled=True)
    quota.settle(5, at_once=True)
    assert quota.backlog_seconds() == 0.0


def test_who_loses_every_race_asks_again_soon(world: World) -> None:
    quota = world.process()
    quota.reserve([1])

    def always_first(operation: str, container: str, name: str) -> None:
        if operation == "write":
            raise ConflictError("somebody else was faster")

    world.blobs.before = always_first
    grant = quota.reserve([1])
    assert grant.slots == ()
    assert 0 < grant.ask_again_at - world.clock.now() < 1.0


def test_threads_of_one_process_do_not_race_each_other() -> None:
    """Sixteen that are postponed at once go into few writes, and each gets a turn of its own."""
    clock = VirtualClock()
    blobs = MemoryBlobs(clock)
    operations: list[str] = []

    def slowly(operation: str, container: str, name: str) -> None:
        operations.append(operation)
        clock.sleep(0.01)

    blobs.before = slowly
    quota = Quota(blobs, NAME, TEN, clock)
    turns: list[float] = []
    clock.run([lambda: turns.append(clock.now() + quota.postpone(at_least_seconds=30.0))] * 16)
    assert operations.count("write") == 2
    assert len({round(turn, 3) for turn in turns}) == 16


@pytest.mark.parametrize("seed", range(3))
def test_four_processes_use_the_whole_rate_and_no_more(seed: int) -> None:
    clock = VirtualClock()
    blobs = MemoryBlobs(clock)
    chance = random.Random(seed)
    blobs.before = lambda operation, container, name: clock.sleep(chance.uniform(0.003, 0.02))
    random.seed(seed)
    taken: list[float] = []

    def process() -> None:
        quota = Quota(blobs, NAME, TEN, clock)
        for _ in range(25):
            grant = quota.reserve([1] * 4)
            taken.extend(slot.at for slot in grant.slots)
            until = max([grant.ask_again_at, *(slot.at for slot in grant.slots)])
            clock.sleep(max(0.0, until - clock.now()))

    clock.run([process] * 4)
    taken.sort()
    assert min(after - before for before, after in itertools.pairwise(taken)) >= 0.1 - 1e-5
    assert taken[-1] - taken[0] == pytest.approx((len(taken) - 1) / 10, rel=0.02)


@pytest.mark.parametrize("seed", range(12))
def test_processes_with_calls_of_any_price_spend_the_limit_and_no_more(seed: int) -> None:
    """What is spent and under way never passes the limit, and no transaction gets lost, whatever the calls come to."""
    clock = VirtualClock()
    blobs, chance, limit = MemoryBlobs(clock), random.Random(seed), 60
    blobs.before = lambda operation, container, name: clock.sleep(chance.uniform(0.003, 0.02))
    gates = [Gate(clock, Quota(blobs, NAME, Rate(50, 1.0), clock, Limits(per_day=limit))) for _ in range(4)]
    spent = under_way = refused = 0

    def caller(gate: Gate) -> None:
        nonlocal spent, under_way, refused
        for _ in range(8):
            price = chance.choice((0, 1, 1, 3, 6))
            turn = gate.turn(Deadline.after(60.0, clock), price=price, background=chance.random() < 0.5)
            try:
                gate.enter(turn)
            except QuotaExhaustedError:
                refused += 1
                continue
            under_way += price
            assert spent + under_way <= limit
            clock.sleep(chance.uniform(0.0, 0.5))
            turn.billed = chance.choice((0, price, price, price // 2))
            under_way -= price
            spent += turn.billed
            error = None if turn.billed else ThrottledError("slow", retry_after_seconds=chance.uniform(0.0, 2.0))
            gate.leave(turn, error)

    clock.run([partial(caller, gate) for gate in gates for _ in range(3)])
    assert refused, "the calls would cost more than the limit"

    # Each process has corrections left, which go with its next reservation.
    def go_free(gate: Gate) -> None:
        clock.sleep(3.0)
        turn = gate.turn(Deadline.after(60.0, clock), price=0)
        gate.enter(turn)
        gate.leave(turn, None)

    clock.run([partial(go_free, gate) for gate in gates])
    assert Ledger.from_json(blobs.contents(names.QUOTA)[NAME]).paid_of_day == spent <= limit
