"""The time, the deadline, and the clock that tests have instead."""

import json
import threading
from datetime import UTC, timedelta

import pytest
from doubles.clock import FakeClock

from shared.clock import Deadline, SystemClock, short


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0"), (4.0, "4"), (4, "4"), (2.26, "2.3"), (2.96, "3"), (-0.04, "0"), (86_400.0, "86400")],
)
def test_seconds_are_told_as_short_numbers(seconds: float, told: str) -> None:
    assert json.dumps(short(seconds)) == told


def test_the_deadline_never_shows_less_than_nothing(clock: FakeClock) -> None:
    deadline = Deadline.after(2, clock)
    assert deadline.remaining() == 2
    clock.advance(5)
    assert deadline.remaining() == 0


def test_the_systems_clock_waits_for_an_event_or_gives_up() -> None:
    clock, event = SystemClock(), threading.Event()
    assert not clock.wait(event, 0)
    threading.Timer(0.01, event.set).start()
    assert clock.wait(event, 60)


def test_the_systems_clock_goes_forward_and_knows_its_zone() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0)
    clock.sleep(-0.5)  # its moment had passed already
    assert clock.now() >= before
    assert clock.utc().tzinfo is UTC


def test_the_fake_clock_moves_only_by_sleeping() -> None:
    clock = FakeClock(start=5.0)
    date = clock.utc()
    threads = [threading.Thread(target=clock.sleep, args=(0.5,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 7.0
    assert clock.sleeps == [0.5] * 4
    assert clock.utc() - date == timedelta(seconds=2)
