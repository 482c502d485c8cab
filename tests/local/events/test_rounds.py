"""When the watcher looks again, and what it says of what is in its way; on a clock that stands still by itself."""

import sqlite3
import threading
from collections.abc import Callable, Sequence

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from local.events.rounds import MAX_PAUSE_SECONDS, Rounds
from local.events.webhook import NotDeliveredError
from local.trouble import Trouble

INTERVAL_SECONDS = 0.5


class World:
    """A clock, and a stop event whose waits pass at once on it and which is set after the last look."""

    def __init__(self, *looks: tuple[float, Exception | None]) -> None:
        """Each look takes so many seconds, and then raises or not."""
        self.seconds = 0.0
        self.pauses: list[float] = []
        self.said: list[str] = []
        self._looks = list(looks)
        self._stop = threading.Event()
        self._stop.wait = self._pass  # type: ignore[method-assign, assignment]
        trouble = Trouble(self._say, lambda: self.seconds)
        self.rounds = Rounds(self._stop, trouble, interval_seconds=INTERVAL_SECONDS, clock=lambda: self.seconds)

    def look(self) -> None:
        took, error = self._looks.pop(0)
        self.seconds += took
        if not self._looks:
            self._stop.set()
        if error:
            raise error

    def _pass(self, timeout: float) -> bool:
        self.pauses.append(timeout)
        self.seconds += timeout
        return self._stop.is_set()

    def _say(self, text: str) -> None:
        self.said.append(text)


def timed_out() -> Exception:
    return ServiceResponseTimeoutError("HTTPConnection at 0x7f: read timed out")


def pauses_after(*looks: tuple[float, Exception | None]) -> Sequence[float]:
    world = World(*looks)
    world.rounds.until_stopped(world.look)
    return world.pauses


def test_after_a_look_that_hung_and_failed_the_next_follows_at_the_base_interval() -> None:
    assert pauses_after((120, timed_out()), (0.01, None)) == [INTERVAL_SECONDS, INTERVAL_SECONDS]


def test_looks_that_take_long_take_a_tenth_of_the_time_at_most() -> None:
    assert pauses_after((1, None), (1, None), (2, None)) == [INTERVAL_SECONDS, 9, 9]


def test_no_pause_is_longer_than_the_bound() -> None:
    assert pauses_after((100, None), (100, None))[-1] == MAX_PAUSE_SECONDS


def test_one_look_that_hung_and_succeeded_in_the_end_costs_no_pause() -> None:
    assert set(pauses_after((0.01, None), (9, None), (0.01, None))) == {INTERVAL_SECONDS}


def test_pauses_after_failures_double_up_to_their_bound_and_begin_anew_after_a_success() -> None:
    refused = NotDeliveredError("no")
    world = World(*[(0.01, refused)] * 5, (0.01, None), (0.01, refused))
    rounds = Rounds(
        world.rounds._stop,
        world.rounds._trouble,
        interval_seconds=INTERVAL_SECONDS,
        longest_after_failures=7,
        clock=lambda: world.seconds,
    )
    rounds.until_stopped(world.look)
    assert world.pauses == [1, 2, 4, 7, 7, INTERVAL_SECONDS, 1]


def test_a_base_interval_beyond_the_bound_is_kept() -> None:
    world = World((100, None), (100, None))
    world.rounds._interval_seconds = 60.0
    world.rounds.until_stopped(world.look)
    assert world.pauses == [60, 60]


def test_a_hung_storage_is_told_of_once_then_rarely_and_how_long_it_was_when_it_is_over() -> None:
    world = World((0.01, None), *[(10, timed_out())] * 11, (0.01, None))
    world.rounds.until_stopped(world.look)
    what = "storage does not answer within 10 s"
    assert world.said == [what, f"{what} (for 62 s now)", f"over after 116 s: {what}"]


def test_what_is_over_at_once_is_not_told_of() -> None:
    world = World((0.01, NotDeliveredError("the host is starting")), (0.01, None), (0.01, None))
    world.rounds.until_stopped(world.look)
    assert world.said == []


def test_another_trouble_is_told_of_by_itself() -> None:
    refused = ServiceRequestError("refused")
    world = World(*[(0, refused)] * 20, *[(0, NotDeliveredError("the host answered 503"))] * 20, (0, None))
    world.rounds.until_stopped(world.look)
    storage, host = "storage cannot be reached", "the host answered 503"
    assert world.said == [storage, host, f"over after 20 s: {host}"]


def _answered(status: int) -> HttpResponseError:
    error = HttpResponseError("The specified container does not exist.\nRequestId:0815")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_answered(404), "storage answers 404: The specified container does not exist."),
        (ServiceResponseError("reset"), "storage breaks the connection off"),
        (
            sqlite3.OperationalError("database or disk is full"),
            "the list of what was told cannot be used: database or disk is full",
        ),
    ],
)
def test_what_is_wrong_is_said_without_what_differs_each_time(error: Exception, said: str) -> None:
    world = World((6, error))
    world.rounds.until_stopped(world.look)
    assert world.said == [said]


@pytest.mark.parametrize(
    "find", [lambda world: world.rounds.until_one_succeeds, lambda world: world.rounds.until_stopped]
)
def test_what_nobody_foresaw_ends_it_so_that_the_supervisor_starts_it_anew(
    find: Callable[[World], Callable[..., object]],
) -> None:
    world = World((0, ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        find(world)(world.look)


def test_the_first_look_is_tried_until_it_succeeds() -> None:
    world = World((0, timed_out()), (0, timed_out()), (0, None))
    assert world.rounds.until_one_succeeds(world.look)
    assert world.pauses == [INTERVAL_SECONDS] * 2


def test_the_first_look_is_given_up_when_told_to_stop() -> None:
    world = World((0, timed_out()))
    assert not world.rounds.until_one_succeeds(world.look)
