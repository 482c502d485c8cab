import itertools
import random

import pytest

from shared.pace.fair_queue import Lanes, Waiter


def joined(lanes: Lanes[Waiter], *background: bool) -> list[Waiter]:
    """Let one after the other join."""
    waiters = [Waiter(number, background=each) for number, each in enumerate(background)]
    for waiter in waiters:
        lanes.join(waiter)
    return waiters


def rest(lanes: Lanes[Waiter]) -> list[int]:
    """Let all go; their numbers in order."""
    return [waiter.number for waiter in iter(lanes.next, None)]


def test_lanes_take_turns_and_each_goes_by_number() -> None:
    lanes: Lanes[Waiter] = Lanes()
    joined(lanes, True, True, True, False, False, True)
    assert rest(lanes) == [3, 0, 4, 1, 2, 5]
    assert lanes.next() is None


def test_whoever_comes_again_comes_by_its_old_number() -> None:
    lanes: Lanes[Waiter] = Lanes()
    joined(lanes, False, False, False)
    first = lanes.next()
    assert first
    lanes.join(first)
    assert rest(lanes) == [0, 1, 2]


def test_whoever_has_left_does_not_come() -> None:
    lanes: Lanes[Waiter] = Lanes()
    waiters = joined(lanes, True, False, True, False)
    lanes.leave(waiters[1])
    lanes.leave(waiters[0])
    lanes.leave(waiters[0])
    assert len(lanes) == 2
    assert [waiter.number for waiter in lanes.coming(10)] == [3, 2]
    assert rest(lanes) == [3, 2]
    assert len(lanes) == 0


@pytest.mark.parametrize("seed", range(20))
def test_what_is_foretold_comes_true(seed: int) -> None:
    chance = random.Random(seed)
    lanes: Lanes[Waiter] = Lanes()
    numbers = itertools.count()
    for _ in range(200):
        if chance.random() < 0.6:
            lanes.join(Waiter(next(numbers), background=chance.random() < 0.5))
        else:
            lanes.next()
    background = chance.random() < 0.5
    foretold, most = lanes.before(background=background), len(lanes)
    newcomer = Waiter(next(numbers), background=background)
    lanes.join(newcomer)
    coming = [waiter.number for waiter in lanes.coming(most + 1)]
    assert coming[:5] == [waiter.number for waiter in lanes.coming(5)]
    order = rest(lanes)
    assert order == coming
    assert order.index(newcomer.number) == foretold
