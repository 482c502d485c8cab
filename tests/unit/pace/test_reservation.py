"""What becomes of the ledger: slots, waits, backlog, spending."""

import itertools
import math
from datetime import UTC, datetime

import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from shared.pace import reservation
from shared.pace.ledger import NO_LIMITS, Ledger, Limits, Rate
from shared.pace.reservation import HORIZON_SECONDS, Exhausted, Reserved
from shared.transport.error_answers import MAX_RETRY_AFTER_SECONDS

TEN = Rate(10, 1.0)
F0 = Rate(20, 60.0)
NOW = datetime(2026, 1, 30, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def reserve(
    ledger: Ledger, now: float = NOW, asks: int = 1, rate: Rate = TEN, limits: Limits = NO_LIMITS
) -> tuple[Ledger, Reserved]:
    return reservation.reserve(ledger, now, [1] * asks, rate, limits)


def seconds_until_reset(outcome: tuple[Ledger, Reserved]) -> float:
    """Until the limit begins anew that a refused reservation met."""
    assert outcome[1].exhausted
    return outcome[1].exhausted.seconds


def test_the_first_who_comes_may_go_at_once() -> None:
    assert reserve(Ledger())[1].slots == (0.0,)


@pytest.mark.parametrize(("calls", "seconds"), [(10, 1.0), (20, 60.0), (200, 1.0)])
def test_a_tiers_pace_forgives_a_window_some_delay_and_is_hardly_slower(calls: int, seconds: float) -> None:
    """One call more than the tier takes does not fit into its time, even if the first comes a little late."""
    pace = Rate.for_tier(calls, seconds)
    assert calls * pace.interval_seconds == pytest.approx(1.015 * seconds, rel=0.001)


def test_slots_follow_each_other_at_the_rate() -> None:
    ledger, reserved = reserve(Ledger(), asks=5)
    assert reserved.slots == pytest.approx((0.0, 0.1, 0.2, 0.3, 0.4))
    assert reserve(ledger)[1].slots == pytest.approx((0.5,))


def test_nobody_reserves_further_ahead_than_the_horizon() -> None:
    ledger, reserved = reserve(Ledger(), asks=1000)
    assert max(reserved.slots) <= HORIZON_SECONDS
    assert len(reserved.slots) == 11
    again = reserve(ledger)[1]
    assert again.slots == ()
    assert again.ask_again == pytest.approx(0.1)


def test_who_needs_one_slot_comes_before_who_needs_many() -> None:
    """So that an HTTP caller in a quiet process is not kept waiting by a busy one."""
    ledger, _ = reserve(Ledger(), asks=1000)
    assert reserve(ledger, asks=1)[1].ask_again < reserve(ledger, asks=1000)[1].ask_again


def test_who_has_waited_longest_for_slots_may_reserve_furthest_ahead() -> None:
    """So that a process whose clock is behind gets its share: the others have just had theirs."""
    ledger, _ = reserve(Ledger(), asks=6)

    def slots(waited: float) -> int:
        return len(reservation.reserve(ledger, NOW, [1] * 9, TEN, waited_seconds=waited)[1].slots)

    counts = [slots(waited) for waited in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 500.0)]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == slots(math.inf) == 5


@given(st.floats(0.0, 8.0), st.integers(0, 10), st.integers(1, 20))
def test_who_is_told_to_ask_again_does_not_come_too_late_and_gets_there_in_a_few_steps(
    waited: float, taken: int, asks: int
) -> None:
    ledger, _ = reserve(Ledger(), asks=taken) if taken else (Ledger(), None)
    now, asked = NOW, 0
    while True:
        reserved = reservation.reserve(ledger, now, [1] * asks, TEN, waited_seconds=waited)[1]
        if reserved.slots:
            break
        assert not reservation.reserve(
            ledger, now + 0.9 * reserved.ask_again, [1] * asks, TEN, waited_seconds=waited + 0.9 * reserved.ask_again
        )[1].slots
        now, waited, asked = now + reserved.ask_again + 1e-6, waited + reserved.ask_again + 1e-6, asked + 1
    assert asked <= 3


def test_time_that_nobody_used_is_not_made_up_for() -> None:
    ledger, _ = reserve(Ledger(), asks=3)
    assert reserve(ledger, NOW + 1000)[1].slots == (0.0,)


def test_a_slow_tier_gives_one_slot_at_a_time() -> None:
    ledger, first = reserve(Ledger(), asks=9, rate=F0)
    again = reserve(ledger, asks=9, rate=F0)[1]
    assert (first.slots, again.slots) == ((0.0,), ())
    assert again.ask_again == pytest.approx(3.0 - HORIZON_SECONDS)
    assert reserve(ledger, NOW + again.ask_again, asks=9, rate=F0)[1].slots == pytest.approx((1.0,))


@given(
    arrivals=st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 40)), min_size=1, max_size=30),
    calls=st.integers(1, 200),
    seconds=st.sampled_from([1.0, 60.0]),
)
def test_whoever_comes_whenever_no_two_slots_are_closer_than_the_rate(
    arrivals: list[tuple[float, int]], calls: int, seconds: float
) -> None:
    rate = Rate(calls, seconds)
    ledger, now, taken = Ledger(), NOW, []
    for pause, asks in arrivals:
        now += pause
        ledger, reserved = reserve(ledger, now, asks, rate)
        taken += [now + slot for slot in reserved.slots]
        assert bool(reserved.slots) != (reserved.ask_again > 0)
        if not reserved.slots:
            later = now + reserved.ask_again + 1e-5
            assert reserve(ledger, later, asks, rate)[1].slots, "asked again in vain"
    assert all(after - before >= rate.interval_seconds - 1e-5 for before, after in itertools.pairwise(taken))


def test_a_wait_that_the_service_asks_for_moves_everybodys_next_slot() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 55.0, TEN, throttled=True)
    refused = reserve(ledger, NOW + 15)[1]
    assert (refused.slots, refused.held_off, refused.ask_again) == ((), 40.0, 40.0)
    assert reserve(ledger, NOW + 55)[1].slots == (0.0,)


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 55.0, TEN, throttled=True)
    ledger = reservation.held_off(ledger, NOW, 1.0, TEN, throttled=True)
    assert reserve(ledger)[1].held_off == 55.0


def test_no_wait_keeps_everybody_away_for_longer_than_an_hour() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 999_999_999.0, TEN, throttled=True)
    assert reserve(ledger)[1].held_off == MAX_RETRY_AFTER_SECONDS


def test_too_many_calls_slow_everybody_down_for_a_while() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 1.0, TEN, throttled=True)
    slower = reserve(ledger, NOW + 1, asks=2)[1].slots[1]
    assert 0.1 < slower < 0.11
    assert reserve(ledger, NOW + 60, asks=2)[1].slots[1] == pytest.approx(0.1)


def test_several_429s_of_one_burst_slow_down_once() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 1.0, TEN, throttled=True)
    assert reservation.held_off(ledger, NOW + 0.5, 1.0, TEN, throttled=True).share == ledger.share


def test_a_rate_that_is_far_too_high_is_found_out_and_never_comes_to_nothing() -> None:
    ledger, now = Ledger(), NOW
    for _ in range(200):
        ledger = reservation.held_off(ledger, now, 0.5, TEN, throttled=True)
        now += 1.0
    assert reserve(ledger, now, asks=2, rate=TEN)[1].slots[1] == pytest.approx(1.0, rel=0.1)


def test_a_wait_for_an_outage_does_not_slow_anybody_down_afterwards() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 1.0, TEN, throttled=False)
    assert reserve(ledger, NOW + 1, asks=2)[1].slots[1] == pytest.approx(0.1)


@pytest.mark.parametrize("ahead", [120.0, 400 * DAY])
def test_a_machine_with_a_wrong_clock_stops_nobody(ahead: float) -> None:
    ledger, _ = reserve(Ledger(), NOW + ahead, asks=5)
    ledger = reservation.held_off(
        ledger, NOW + ahead + MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS, TEN, throttled=True
    )
    assert reserve(ledger, asks=2)[1].slots == pytest.approx((0.0, 0.1))


@pytest.mark.parametrize(("calls", "seconds"), [(1, 90.0), (1, 120.0), (1, 3600.0)])
def test_a_machine_with_a_wrong_clock_stops_nobody_at_a_slow_rate_either(calls: int, seconds: float) -> None:
    rate = Rate(calls, seconds)
    ledger, _ = reserve(Ledger(), NOW + 62.0, rate=rate)
    assert reserve(ledger, rate=rate)[1].slots == (0.0,)


def granted(ledger: Ledger, rate: Rate, seconds: int) -> int:
    """How many slots a process gets that asks for one every second."""
    count = 0
    for second in range(seconds):
        ledger, reserved = reserve(ledger, NOW + second, rate=rate)
        count += len(reserved.slots)
    return count


@pytest.mark.parametrize(("rate", "share", "calls"), [((1, 120.0), 1.0, 5), ((1, 90.0), 1.0, 7), ((5, 60.0), 0.15, 8)])
def test_a_rate_slower_than_one_call_a_minute_is_kept(rate: tuple[int, float], share: float, calls: int) -> None:
    """A slot more than a minute ahead is not a wrong clock's where there is a slot every two minutes."""
    assert granted(Ledger(share=share, cut_at=NOW), Rate.for_tier(*rate), 600) == calls


@fuzzed
@given(
    calls=st.integers(1, 50),
    seconds=st.floats(1.0, 3600.0),
    share=st.floats(0.1, 1.0),
    arrivals=st.lists(st.tuples(st.floats(0.0, 600.0), st.integers(1, 20)), min_size=1, max_size=60),
)
def test_whatever_the_rate_and_the_share_no_more_is_granted_than_the_rate_and_one_burst(
    calls: int, seconds: float, share: float, arrivals: list[tuple[float, int]]
) -> None:
    """And whoever is told when to ask again gets a slot then, so a slow rate is no standstill."""
    rate = Rate(calls, seconds)
    ledger, now, count = Ledger(share=share, cut_at=NOW), NOW, 0
    for pause, asks in arrivals:
        now += pause
        ledger, reserved = reserve(ledger, now, asks, rate)
        count += len(reserved.slots)
        if not reserved.slots:
            assert reserve(ledger, now + reserved.ask_again + 1e-5, asks, rate)[1].slots
    # Its share when all is over is the largest that it had.
    elapsed = now - NOW
    most = rate.slowed(min(1.0, share + elapsed / rate.interval_seconds * 0.0002)).interval_seconds
    assert count <= (elapsed + HORIZON_SECONDS + 1e-5) / most + 1


def test_the_backlog_is_left_at_the_rate_and_in_order() -> None:
    ledger, turns = Ledger(), []
    for _ in range(4):
        ledger, turn = reservation.postponed(ledger, NOW, 20.0, 1, TEN)
        turns.append(turn)
    assert turns == pytest.approx([20.0, 20.1, 20.2, 20.3])


def test_what_makes_several_calls_takes_several_slots_of_the_backlog() -> None:
    ledger, _ = reservation.postponed(Ledger(), NOW, 0.0, 3, TEN)
    assert reservation.postponed(ledger, NOW, 0.0, 1, TEN)[1] == pytest.approx(0.3)


def test_a_later_turn_is_not_before_what_was_asked_for() -> None:
    ledger, _ = reservation.postponed(Ledger(), NOW, 5.0, 1, TEN)
    assert reservation.postponed(ledger, NOW, 60.0, 1, TEN)[1] == pytest.approx(60.0)


def test_what_may_not_come_until_later_leaves_no_gap_in_the_backlog() -> None:
    """One image that has to wait for an hour must not have all others wait that long."""
    ledger, _ = reservation.postponed(Ledger(), NOW, 0.0, 20, TEN)
    ledger, turn = reservation.postponed(ledger, NOW, 3600.0, 1, TEN)
    assert turn == pytest.approx(3600.0)
    assert reservation.backlog_seconds(ledger, NOW) == pytest.approx(2.0)
    assert reservation.postponed(ledger, NOW, 0.0, 1, TEN)[1] == pytest.approx(2.0)


def test_what_may_come_now_does_not_wait_for_a_backlog_that_begins_much_later() -> None:
    """Images that wait for the next day must not have one wait that somebody wants to be tried at once."""
    ledger, _ = reservation.postponed(Ledger(), NOW, 3600.0, 50, TEN)
    turns = []
    for _ in range(3):
        ledger, turn = reservation.postponed(ledger, NOW, 0.0, 20, TEN)
        turns.append(turn)
    assert turns == pytest.approx([0.0, 2.0, 4.0])
    assert reservation.backlog_seconds(ledger, NOW) == pytest.approx(6.0)
    assert reservation.postponed(ledger, NOW, 3600.0, 1, TEN)[1] == pytest.approx(3600.0)


def test_what_may_come_a_little_before_a_backlog_begins_joins_it() -> None:
    ledger, _ = reservation.postponed(Ledger(), NOW, 50.0, 20, TEN)
    assert reservation.postponed(ledger, NOW, 1.0, 1, TEN)[1] == pytest.approx(52.0)


def test_nobody_is_due_before_the_first_turn_of_the_backlog() -> None:
    ledger, _ = reservation.postponed(Ledger(), NOW, 60.0, 50, TEN)
    assert reservation.backlog_seconds(ledger, NOW) == 0.0
    assert reservation.backlog_seconds(ledger, NOW + 59.5) == pytest.approx(5.5)
    assert reservation.backlog_seconds(ledger, NOW + 64.5) == 0.0


def test_a_postponed_call_comes_no_sooner_than_the_service_wants_one() -> None:
    ledger = reservation.held_off(Ledger(), NOW, 55.0, TEN, throttled=True)
    assert reservation.postponed(ledger, NOW, 1.0, 1, TEN)[1] == pytest.approx(55.0)


def test_a_backlog_of_years_is_somebodys_wrong_clock() -> None:
    ledger, _ = reservation.postponed(Ledger(), NOW + 400 * DAY, 0.0, 1, TEN)
    assert reservation.postponed(ledger, NOW, 0.0, 1, TEN)[1] == 0.0


def test_paid_slots_are_counted_and_others_are_not() -> None:
    ledger, _ = reservation.reserve(Ledger(), NOW, [1, 0, 1], TEN)
    assert (ledger.paid_of_day, ledger.paid_of_month, ledger.day, ledger.month) == (2, 2, "2026-01-30", "2026-01")


@pytest.mark.parametrize("limits", [Limits(per_day=3), Limits(per_month=3), Limits(3, 3), Limits(3, 99)])
def test_no_more_is_reserved_than_may_be_paid(limits: Limits) -> None:
    ledger, reserved = reserve(Ledger(), asks=5, limits=limits)
    assert len(reserved.slots) == 3
    ledger, refused = reserve(ledger, NOW + 1, limits=limits)
    assert refused.slots == ()
    assert refused.exhausted is not None


def test_what_the_calls_will_cost_is_counted_in_advance() -> None:
    ledger, reserved = reservation.reserve(Ledger(), NOW, [3, 0, 1], TEN)
    assert len(reserved.slots) == 3
    assert (ledger.paid_of_day, ledger.paid_of_month) == (4, 4)


@pytest.mark.parametrize("limits", [Limits(per_day=7), Limits(per_month=7), Limits(7, 100)])
@pytest.mark.parametrize(
    ("asks", "fit"), [((3, 3, 3), 2), ((3, 3, 1, 1), 3), ((6, 3, 1), 1), ((3, 5, 0), 1), ((7, 0, 0, 1), 3)]
)
def test_the_asks_that_fit_in_the_limit_one_after_the_other_get_slots(
    limits: Limits, asks: tuple[int, ...], fit: int
) -> None:
    ledger, reserved = reservation.reserve(Ledger(), NOW, asks, TEN, limits)
    assert len(reserved.slots) == fit
    assert ledger.paid_of_day == sum(asks[:fit]) <= 7


def test_what_fits_in_the_rest_goes_on_where_more_does_not() -> None:
    limits = Limits(per_day=5)
    ledger, _ = reservation.reserve(Ledger(), NOW, [3], TEN, limits)
    refused = reservation.reserve(ledger, NOW + 1, [3, 1], TEN, limits)[1]
    assert refused.exhausted == Exhausted("day", 5, 2, 12 * 3600.0 - 1)
    assert reservation.reserve(ledger, NOW + 1, [1, 1, 1], TEN, limits)[1].slots == pytest.approx((0.0, 0.1))


def test_a_call_waits_for_the_window_that_has_no_room_for_it() -> None:
    limits = Limits(per_day=5, per_month=8)
    ledger, _ = reservation.reserve(Ledger(), NOW, [4], TEN, limits)
    assert seconds_until_reset(reservation.reserve(ledger, NOW, [2], TEN, limits)) == 12 * 3600.0
    assert seconds_until_reset(reservation.reserve(ledger, NOW, [5], TEN, limits)) == 1.5 * DAY


def test_free_calls_go_on_at_the_limit() -> None:
    ledger, _ = reserve(Ledger(), limits=Limits(per_day=1))
    assert reservation.reserve(ledger, NOW + 1, [0, 1], TEN, Limits(per_day=1))[1].slots == (0.0,)


def test_the_day_begins_anew_at_midnight_and_the_month_on_its_first() -> None:
    day, _ = reserve(Ledger(), limits=Limits(per_day=1))
    assert seconds_until_reset(reserve(day, limits=Limits(per_day=1))) == 12 * 3600.0
    assert reserve(day, NOW + 12 * 3600, limits=Limits(per_day=1))[1].slots == (0.0,)
    # The 30th of January at noon.
    assert seconds_until_reset(reserve(day, limits=Limits(per_month=1))) == 1.5 * DAY
    assert reserve(day, NOW + 1.5 * DAY, limits=Limits(1, 1))[1].slots == (0.0,)


def test_where_both_are_reached_the_month_counts() -> None:
    ledger, _ = reserve(Ledger(), limits=Limits(1, 1))
    assert seconds_until_reset(reserve(ledger, limits=Limits(1, 1))) == 1.5 * DAY


def test_a_limit_of_nothing_allows_nothing() -> None:
    assert seconds_until_reset(reserve(Ledger(), limits=Limits(per_day=0))) == 12 * 3600.0


def test_a_clock_that_is_behind_at_midnight_does_not_begin_yesterday_anew() -> None:
    midnight = NOW + 12 * 3600
    ledger, _ = reserve(Ledger(), midnight + 0.1, asks=2)
    ledger, _ = reserve(ledger, midnight - 0.1)
    assert ledger.paid_of_day == 3


def test_what_was_not_paid_after_all_is_taken_back() -> None:
    ledger, _ = reserve(Ledger(), asks=3)
    assert reservation.settled(ledger, NOW, -1).paid_of_day == 2
    assert reservation.settled(ledger, NOW, 199).paid_of_month == 202
    assert reservation.settled(ledger, NOW, -9).paid_of_day == 0
