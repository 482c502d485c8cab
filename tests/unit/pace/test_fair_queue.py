import itertools
import random

import pytest

from shared.clock import Deadline, SystemClock
from shared.pace.fair_queue import FairQueue
from shared.pace.turn import Turn

LIMIT = Deadline.after(30.0, SystemClock())


def joined(queue: FairQueue, *background: bool) -> list[Turn]:
    """Let one after the other join."""
    turns = [Turn(number, LIMIT, price=1, background=each) for number, each in enumerate(background)]
    for turn in turns:
        queue.join(turn)
    return turns


def rest(queue: FairQueue) -> list[int]:
    """Let all go; their numbers in order."""
    return [turn.number for turn in iter(queue.next, None)]


def test_lanes_alternate_and_each_goes_by_number() -> None:
    queue = FairQueue()
    joined(queue, True, True, True, False, False, True)
    assert rest(queue) == [3, 0, 4, 1, 2, 5]
    assert queue.next() is None


def test_a_turn_that_comes_again_comes_by_its_old_number() -> None:
    queue = FairQueue()
    joined(queue, False, False, False)
    first = queue.next()
    assert first
    queue.join(first)
    assert rest(queue) == [0, 1, 2]


def test_a_turn_that_has_left_does_not_come() -> None:
    queue = FairQueue()
    turns = joined(queue, True, False, True, False)
    queue.leave(turns[1])
    queue.leave(turns[0])
    queue.leave(turns[0])
    assert len(queue) == 2
    assert [turn.number for turn in queue.coming(10)] == [3, 2]
    assert rest(queue) == [3, 2]
    assert len(queue) == 0


@pytest.mark.parametrize("seed", range(20))
def test_what_is_foretold_comes_true(seed: int) -> None:
    chance = random.Random(seed)
    queue = FairQueue()
    numbers = itertools.count()
    for _ in range(200):
        if chance.random() < 0.6:
            queue.join(Turn(next(numbers), LIMIT, price=1, background=chance.random() < 0.5))
        else:
            queue.next()
    background = chance.random() < 0.5
    foretold, most = queue.before(background=background), len(queue)
    newcomer = Turn(next(numbers), LIMIT, price=1, background=background)
    queue.join(newcomer)
    coming = [turn.number for turn in queue.coming(most + 1)]
    assert coming[:5] == [turn.number for turn in queue.coming(5)]
    order = rest(queue)
    assert order == coming
    assert order.index(newcomer.number) == foretold
