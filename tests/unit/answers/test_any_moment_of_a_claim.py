"""
One claim, at every moment: before each storage operation and each call of an asker, something happens in turn.

Another process asks the same; the asker's process is killed; storage does what it is asked for, and its answer is lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers.claims import LEASE_SECONDS, Claims
from shared.errors import BusyError, ConflictError, StorageError
from shared.vision import questions
from shared.vision.models import Answer

QUESTION = questions.describe()
ORDERS = pytest.mark.parametrize("look_first", [True, False], ids=["look first", "claim first"])
# The longer row, of an asker who looks first: read, write, acquire, call, write, and the end.
MOMENTS = pytest.mark.parametrize("moment", range(6))


class Killed(BaseException):
    """What a killed process does next: nothing."""


class Blobs(MemoryBlobs):
    """An account that may lose the answer to what it has done."""

    lost: StorageError | None = None

    @contextmanager
    def _operation(self, operation: str, container: str, name: str) -> Iterator[None]:
        with super()._operation(operation, container, name):
            yield
        if self.lost:
            error, self.lost = self.lost, None
            raise error


class World:
    """Storage that all processes share, what was paid for, and the moments of the first asker."""

    def __init__(self, look_first: bool) -> None:
        self.clock = FakeClock()
        self.blobs = Blobs(self.clock)
        self.look_first = look_first
        self.paid: list[str] = []
        self.moments: list[str] = []
        self._happen: Callable[[], None] = lambda: None
        self._moment = -1
        self._happening = False

    def at(self, moment: int, happen: Callable[[], None]) -> None:
        self._moment, self._happen = moment, happen

    def ask(self, who: str, *, wait_seconds: float = 20.0) -> Answer:
        """Ask as a process of its own."""

        def call() -> Answer:
            if who == "first":
                self._pass("call")
            self.paid.append(who)
            return Answer(names.JSON, f'{{"requestId": "{who}"}}'.encode(), who)

        return Claims(self.blobs, self.clock).ask(
            "subject", QUESTION, call, wait_seconds=wait_seconds, look_first=self.look_first
        )

    def first(self) -> Answer:
        self.blobs.before = lambda operation, container, name: self._pass(operation)
        try:
            return self.ask("first")
        finally:
            self.blobs.before = None

    def _pass(self, moment: str) -> None:
        if self._happening:
            return
        self.moments.append(moment)
        if len(self.moments) - 1 == self._moment:
            self._happening = True
            self._happen()
            self._happening = False


@ORDERS
def test_the_moments_are_those_of_a_whole_question(look_first: bool) -> None:
    world = World(look_first)
    world.first()
    assert world.moments == [*(["read"] if look_first else []), "write", "acquire", "call", "write"]


@ORDERS
@MOMENTS
@pytest.mark.parametrize("seconds", [0, LEASE_SECONDS], ids=["goes on at once", "stands still as long as a lease"])
def test_another_process_that_asks_the_same_at_any_moment_pays_or_is_paid_for(
    look_first: bool, moment: int, seconds: int
) -> None:
    world = World(look_first)
    others: list[Answer] = []

    def other() -> None:
        try:
            # No longer than the first one's lease, which is not renewed while that one stands still.
            others.append(world.ask("other", wait_seconds=LEASE_SECONDS - 1))
        except BusyError:
            assert world.moments[-1] in ("call", "write")
        world.clock.advance(seconds)

    world.at(moment, other)
    answer = world.first()
    assert len(world.paid) == 1
    assert world.ask("later").request_id == answer.request_id == world.paid[0]
    assert all(each.request_id == answer.request_id for each in others)
    assert len(world.paid) == 1


@ORDERS
@MOMENTS
def test_a_process_that_is_killed_at_any_moment_is_followed_by_the_next_one(look_first: bool, moment: int) -> None:
    world = World(look_first)

    def kill() -> None:
        def dead(*_: Any) -> None:
            raise Killed

        world.blobs.before = dead
        raise Killed

    world.at(moment, kill)
    try:
        world.first()
    except Killed:
        assert "first" not in world.paid or world.moments[-1] == "write"
    began, lost = world.clock.now(), world.paid.copy() if moment == len(world.moments) - 1 else []
    answer = world.ask("next")
    assert world.clock.now() - began < LEASE_SECONDS + 1
    # Only what was said to a process that died before it could store it is paid for again.
    assert world.paid == ([*lost, "next"] if answer.request_id == "next" else ["first"])
    assert world.ask("later").request_id == answer.request_id


@ORDERS
@MOMENTS
@pytest.mark.parametrize("told", [ConflictError("the client repeated it and was told 409"), StorageError("no answer")])
def test_an_operation_that_is_done_and_never_answered_costs_no_second_call(
    look_first: bool, moment: int, told: StorageError
) -> None:
    world = World(look_first)

    def lose() -> None:
        # To repeat anything but a write changes nothing, so the client is told the same.
        if world.moments[-1] == "write" or (world.moments[-1] != "call" and not isinstance(told, ConflictError)):
            world.blobs.lost = told

    world.at(moment, lose)
    try:
        answer = world.first()
    except StorageError:
        assert world.paid == []
        answer = world.ask("next")
    assert world.blobs.lost is None
    assert world.paid == [answer.request_id]
    assert world.ask("later").request_id == answer.request_id
    assert len(world.paid) == 1
