import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest
from doubles.clock import FakeClock

from shared.errors import ConflictError, StorageDeniedError, StorageError, StorageRefusedError
from shared.storage.bulkhead import SILENT_SECONDS, Bulkhead, Full


def fail(bulkhead: Bulkhead, error: Exception) -> None:
    with suppress(type(error)), bulkhead.place():
        raise error


def refused_after(bulkhead: Bulkhead, clock: FakeClock) -> float:
    begun = clock.now()
    with pytest.raises(Full), bulkhead.place():
        pass
    return clock.now() - begun


def test_where_nobody_inside_is_answered_whoever_comes_waits_once_and_is_refused_at_once_from_then_on(
    clock: FakeClock,
) -> None:
    clock.advance(1000)
    bulkhead = Bulkhead(2, clock)
    with bulkhead.place(), bulkhead.place():
        assert refused_after(bulkhead, clock) == SILENT_SECONDS
        assert [refused_after(bulkhead, clock) for _ in range(5)] == [0.0] * 5
    with bulkhead.place():
        pass  # a place is free again


def test_who_waits_gets_the_next_place(clock: FakeClock) -> None:
    """With a clock that goes on, at each wait, to the moment at which one inside is answered."""
    inside = ExitStack()
    clock.wait = lambda event, seconds: _answered(inside, clock, event)  # type: ignore[method-assign]
    bulkhead = Bulkhead(1, clock)
    inside.enter_context(bulkhead.place())
    with bulkhead.place():
        assert clock.now() == SILENT_SECONDS / 2


def _answered(inside: ExitStack, clock: FakeClock, event: threading.Event) -> bool:
    clock.advance(SILENT_SECONDS / 2)
    inside.close()
    return event.is_set()


@pytest.mark.parametrize("answer", [None, ConflictError("412"), StorageRefusedError("400"), StorageDeniedError("403")])
def test_while_some_are_answered_who_comes_is_not_refused(answer: Exception | None, clock: FakeClock) -> None:
    """One inside hangs; the others' answers keep the bulkhead open for who waits."""
    bulkhead = Bulkhead(2, clock)
    waits: list[float] = []

    def wait(event: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        clock.advance(seconds / 2)
        bulkhead._leave(answered=True)
        return event.is_set()

    clock.wait = wait  # type: ignore[method-assign]
    with bulkhead.place():
        clock.advance(SILENT_SECONDS * 10)
        with suppress(StorageError), bulkhead.place():
            if answer:
                raise answer
        bulkhead._enter()
        with bulkhead.place():
            assert waits == [SILENT_SECONDS]


def test_after_a_failure_nobody_is_given_time_for_the_same_again(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, clock)
    clock.advance(100)
    with suppress(StorageError), bulkhead.place():
        clock.advance(SILENT_SECONDS)
        raise StorageError("Blob storage did not answer in time.")
    with bulkhead.place():
        assert refused_after(bulkhead, clock) == 0.0


@pytest.mark.parametrize("mends", ["an answer", "time"])
def test_a_failure_is_forgotten(mends: str, clock: FakeClock) -> None:
    heal: dict[str, Callable[[], None]] = {
        "an answer": lambda: fail(bulkhead, ConflictError("412")),
        "time": lambda: clock.advance(31),
    }
    bulkhead = Bulkhead(1, clock)
    fail(bulkhead, StorageError("500"))
    heal[mends]()
    with bulkhead.place():
        assert refused_after(bulkhead, clock) == SILENT_SECONDS


def test_a_place_is_given_back_whatever_happens(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, clock)
    for error in (StorageError("500"), ConflictError("412"), RuntimeError("a mistake"), KeyboardInterrupt()):
        with pytest.raises(type(error)), bulkhead.place():
            raise error
    with bulkhead.place():
        pass
