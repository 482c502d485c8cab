import pytest
from doubles.clock import FakeClock

from shared.clock import Deadline
from shared.errors import (
    BlobsightError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionRefusedError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.pace import retry
from shared.pace.gate import Gate
from shared.pace.obstacles import LEAST_THROTTLE_SECONDS
from shared.pace.turn import Turn


def longest(_: float, high: float) -> float:
    return high


class Attempts:
    """An attempt that raises the given errors, one a time, then succeeds (or raises the last for ever)."""

    def __init__(self, *errors: BlobsightError, for_ever: bool = False) -> None:
        self.errors = list(errors)
        self.for_ever = for_ever
        self.made = 0

    def __call__(self, deadline: Deadline) -> str:
        assert deadline.remaining() > 0
        self.made += 1
        if not self.errors:
            return "answer"
        raise self.errors[0] if self.for_ever and len(self.errors) == 1 else self.errors.pop(0)


def call(attempts: Attempts, clock: FakeClock, *, seconds: float = 30.0) -> str:
    return retry.call(attempts, Deadline.after(seconds, clock), *turn(clock, seconds), jitter=longest)


def turn(clock: FakeClock, seconds: float = 30.0) -> tuple[Gate, Turn]:
    """A turn at a gate without a pace, which no other call passes."""
    gate = Gate(clock)
    return gate, gate.turn(Deadline.after(seconds, clock), price=1)


def test_a_success_is_returned_without_waiting(clock: FakeClock) -> None:
    assert call(Attempts(), clock) == "answer"
    assert clock.sleeps == []


def test_the_waits_double_and_the_fourth_failure_is_the_last(clock: FakeClock) -> None:
    attempts = Attempts(VisionUnavailableError("down"), for_ever=True)
    with pytest.raises(VisionUnavailableError):
        call(attempts, clock)
    assert attempts.made == retry.MAX_ATTEMPTS == 4
    assert clock.sleeps == [0.5, 1.0, 2.0]


def test_the_wait_is_anywhere_between_nothing_and_its_limit(clock: FakeClock) -> None:
    asked: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    retry.call(Attempts(UnexpectedAnswerError("garbled")), Deadline.after(1, clock), *turn(clock), jitter=jitter)
    assert asked == [(0.0, 0.5)]


def test_what_the_service_asks_is_waited_instead(clock: FakeClock) -> None:
    assert call(Attempts(VisionUnavailableError("busy", retry_after_seconds=7)), clock) == "answer"
    assert clock.sleeps == [7]


def test_throttling_spends_no_attempt(clock: FakeClock) -> None:
    attempts = Attempts(*[ThrottledError("slow", retry_after_seconds=1) for _ in range(9)])
    assert call(attempts, clock) == "answer"
    assert attempts.made == 10


@pytest.mark.parametrize("seconds", [None, -1.0, 0.0, 0.001])
def test_throttling_that_says_no_time_is_waited_for_a_second(seconds: float | None, clock: FakeClock) -> None:
    assert call(Attempts(ThrottledError("slow", retry_after_seconds=seconds)), clock) == "answer"
    assert clock.sleeps == [LEAST_THROTTLE_SECONDS]


@pytest.mark.parametrize("seconds", [0.0, 0.125])
def test_a_failure_that_asks_for_less_than_the_backoff_is_waited_for_as_long_as_that(
    seconds: float, clock: FakeClock
) -> None:
    attempts = Attempts(VisionUnavailableError("down", retry_after_seconds=seconds), for_ever=True)
    with pytest.raises(VisionUnavailableError):
        call(attempts, clock)
    assert attempts.made == retry.MAX_ATTEMPTS
    assert clock.now() == 0.5 + 1.0 + 2.0


@pytest.mark.parametrize(
    "error",
    [VisionRefusedError("no"), ImageRejectedError("no"), VisionUnauthorizedError("no"), BlobsightError("no")],
    ids=lambda error: type(error).__name__,
)
def test_what_waiting_cannot_help_is_not_tried_again(error: BlobsightError, clock: FakeClock) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        call(attempts, clock)
    assert attempts.made == 1
    assert clock.sleeps == []


def test_an_error_nobody_planned_passes_at_once(clock: FakeClock) -> None:
    def attempt(_: Deadline) -> str:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        retry.call(attempt, Deadline.after(30, clock), *turn(clock))


def test_no_wait_reaches_beyond_the_deadline(clock: FakeClock) -> None:
    """Longer waits are the caller's business, who is told how long."""
    attempts = Attempts(ThrottledError("slow", retry_after_seconds=30))
    with pytest.raises(ThrottledError) as caught:
        call(attempts, clock, seconds=30)
    assert caught.value.retry_after_seconds == 30
    assert clock.sleeps == []


def test_throttling_for_ever_ends_at_the_deadline(clock: FakeClock) -> None:
    attempts = Attempts(ThrottledError("slow", retry_after_seconds=4), for_ever=True)
    with pytest.raises(ThrottledError):
        call(attempts, clock, seconds=10)
    assert clock.now() <= 10
    assert attempts.made == 3
