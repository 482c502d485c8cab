"""What a process holds of slots, and of the transactions that are counted for them."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pace.reservation import HORIZON_SECONDS
from shared.pace.slots import Grant, HeldSlots, Slot


class Source:
    """`shared.pace.slots.SlotSource` that remembers what came back."""

    interval_seconds = 0.0

    def __init__(self) -> None:
        self.given_back = 0

    def reserve(self, asks: Sequence[int], described: Sequence[int] = ()) -> Grant:
        raise AssertionError("the gate reserves")

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        raise AssertionError("nobody was throttled")

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
        self.given_back -= transactions


def held(*counted: int) -> tuple[HeldSlots, Source]:
    source = Source()
    slots = HeldSlots(source)
    slots.add([Slot(float(number) / 10, each) for number, each in enumerate(counted)], 0.0)
    return slots, source


def use(slots: HeldSlots, price: int, now: float = 0.0) -> bool:
    """Have a call of that price go with the next slot; False if none is fit for it."""
    departure = slots.departure(now, price)
    if departure is None:
        return False
    slots.take(departure, price)
    return True


@pytest.mark.parametrize("order", [(3, 1, 0), (0, 1, 3), (1, 3, 0), (1, 0, 3)])
def test_calls_may_come_in_another_order_than_they_were_counted_in(order: tuple[int, ...]) -> None:
    slots, source = held(3, 1, 0)
    assert [use(slots, price) for price in order] == [True] * 3
    assert source.given_back == 0


def test_a_call_goes_with_no_slot_for_which_too_little_is_counted() -> None:
    slots, source = held(1, 1)
    assert slots.departure(0.0, 3) is None
    assert source.given_back == 2, "what was counted is given back, and counted anew with the next reservation"
    assert slots.departure(0.0, 0) is None, "the slots are gone"


def test_a_free_call_uses_a_slot_and_none_of_what_is_counted() -> None:
    slots, source = held(3, 1)
    assert use(slots, 0)
    assert use(slots, 1)
    assert source.given_back == 3, "the last slot gives back what is left"


def test_slots_that_are_over_take_nothing_with_them_while_others_are_held() -> None:
    slots, source = held(3, 1)
    assert use(slots, 4, HORIZON_SECONDS + 0.05)
    assert source.given_back == 0


def test_all_that_is_over_is_given_back() -> None:
    slots, source = held(3, 1)
    assert not use(slots, 1, HORIZON_SECONDS + 5.0)
    assert source.given_back == 4


@given(
    counted=st.lists(st.integers(0, 8), max_size=12),
    prices=st.lists(st.tuples(st.integers(0, 8), st.floats(0.0, 3.0)), max_size=30),
)
def test_whatever_comes_nothing_goes_uncounted_and_nothing_counted_is_lost(
    counted: list[int], prices: list[tuple[int, float]]
) -> None:
    slots, source = held(*counted)
    used = sum(price for price, now in prices if use(slots, price, now))
    assert used + source.given_back <= sum(counted)
    assert slots.departure(math.inf, 0) is None
    assert used + source.given_back == sum(counted)


def test_what_was_counted_as_descriptions_and_not_used_is_given_back_too() -> None:
    given_back: list[tuple[int, int]] = []

    class Both(Source):
        def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
            given_back.append((transactions, described))

    slots = HeldSlots(Both())
    slots.add([Slot(0.0, 3, 1), Slot(0.1, 1, 1), Slot(0.2, 1, 0)], 0.0)
    slots.take(0.0, 1, 0)
    slots.take(0.1, 1, 1)
    slots.drop()
    assert given_back == [(-3, -1)]
