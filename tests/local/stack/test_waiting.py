import threading
from datetime import UTC, datetime, timedelta

import pytest
from doubles.clock import FakeClock

from local.app import AppClient, ImageState, Step
from local.errors import LocalError
from local.waiting import FEWEST, MAX_DELAY_SECONDS, MOST, POLL_SECONDS, Watch, wait_for_images


class Counted(AppClient):
    """An app without a host: images are pending unless *states* says otherwise."""

    def __init__(self) -> None:
        super().__init__(1)
        self.states: dict[str, str] = {}
        self.asked: list[str] = []
        self.again: list[str] = []
        self.host_answers = True
        # Until when each is deferred, as it was found out now.
        self.until: dict[str, datetime] = {}

    def image(self, name: str) -> ImageState | None:
        self.asked.append(name)
        if name in self.until:
            step = Step("analysis", "deferred", last=datetime.now(UTC), until=self.until[name])
            return ImageState(name, "deferred", steps=(step,))
        return ImageState(name, self.states.get(name, "pending"))

    def process_again(self, name: str) -> bool:
        self.again.append(name)
        return self.host_answers


def watch_of(app: AppClient, count: int, clock: FakeClock) -> Watch:
    watch = Watch(app, threading.Event(), now=clock.now)
    for number in range(count):
        watch.add(str(number), already_there=False)
    return watch


def test_a_busy_app_is_asked_for_a_few_and_not_at_once_again() -> None:
    app, clock = Counted(), FakeClock()
    watch = watch_of(app, 1000, clock)
    for _ in range(10):
        watch.ask()
        assert watch.pause_seconds == POLL_SECONDS
        clock.advance(POLL_SECONDS)
    assert len(app.asked) == 10 * FEWEST


def test_images_are_asked_for_in_the_order_of_their_uploads_and_slow_ones_do_not_hold_up_the_others() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {str(number): "complete" for number in range(FEWEST, 200)}
    watch = watch_of(app, 200, clock)
    watch.ask()
    assert sorted(app.asked, key=int) == [str(number) for number in range(FEWEST)]
    for _ in range(8):
        watch.ask()
    assert set(watch.unsettled) == {str(number) for number in range(FEWEST)}


def test_when_most_are_settled_more_are_asked_for_without_a_pause() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {str(number): "complete" for number in range(1000)}
    rounds = []
    watch = watch_of(app, 1000, clock)
    while not watch.is_over:
        rounds.append(len(watch.ask()))
        assert (watch.pause_seconds == 0) == (not watch.is_over)
    assert rounds[:5] == [FEWEST, 32, 64, MOST, MOST]
    assert sum(rounds) == len(app.asked) == 1000


def test_no_image_waits_for_its_turn_for_long() -> None:
    app, clock = Counted(), FakeClock()
    watch = watch_of(app, FEWEST + 1, clock)
    for _ in range(100):
        watch.ask()
        clock.advance(MAX_DELAY_SECONDS)
    assert min(app.asked.count(str(number)) for number in range(FEWEST)) >= 90


def test_what_was_there_is_processed_again_once_the_host_takes_it_and_only_once() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {"done": "complete", "bad": "failed", "late": "deferred"}
    app.host_answers = False
    watch = Watch(app, threading.Event(), now=clock.now)
    for name in ("done", "bad", "late"):
        watch.add(name, already_there=True)
    watch.add("new", already_there=False)
    watch.ask()
    app.host_answers = True
    for _ in range(3):
        watch.ask()
    assert app.again == ["late", "late"]
    assert set(watch.unsettled) == {"late", "new"}


def test_nobody_waits_for_what_is_put_off_until_after_the_time_is_up() -> None:
    app = Counted()
    app.states = {"done": "complete"}
    app.until = {"late": datetime.now(UTC) + timedelta(hours=5)}
    states = wait_for_images(app, ["done", "late"], timeout_seconds=3600, stop=threading.Event())
    assert {name: state.state for name, state in states.items()} == {"done": "complete", "late": "deferred"}


def test_waiting_is_in_vain_only_if_it_is_for_every_image_and_known_since_it_began() -> None:
    app, moment = Counted(), datetime(2026, 1, 1, tzinfo=UTC)
    watch = Watch(app, threading.Event(), utc=lambda: moment)
    assert not watch.is_in_vain(60)
    for name, seconds in (("soon", 30), ("late", 90)):
        watch.add(name, already_there=False)
        app.until[name] = moment + timedelta(seconds=seconds)
    assert not watch.is_in_vain(60)
    watch.ask()
    assert not watch.is_in_vain(60)
    assert watch.is_in_vain(20)
    later = Watch(app, threading.Event(), utc=lambda: datetime.now(UTC) + timedelta(minutes=1))
    later.add("late", already_there=True)
    later.ask()
    assert not later.is_in_vain(0)


def test_no_answer_is_waited_for_once_waiting_is_to_end() -> None:
    """As on Ctrl-C while the app hangs."""
    stop, released = threading.Event(), threading.Event()

    class Hanging(Counted):
        def image(self, name: str) -> ImageState | None:
            stop.set()
            released.wait()
            return super().image(name)

    try:
        assert wait_for_images(Hanging(), ["a", "b"], timeout_seconds=3600, stop=stop) == {}
    finally:
        released.set()


def test_what_an_answer_raises_ends_the_waiting() -> None:
    class Refusing(Counted):
        def image(self, name: str) -> ImageState | None:
            raise LocalError("the host checks keys")

    with pytest.raises(LocalError, match="checks keys"):
        wait_for_images(Refusing(), ["a"], timeout_seconds=3600, stop=threading.Event())
