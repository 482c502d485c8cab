from doubles.clock import FakeClock

from local.app import AppClient, ImageState
from local.waiting import FEWEST, MAX_DELAY_SECONDS, MOST, POLL_SECONDS, Watch


class Counted(AppClient):
    """An app without a host: images are pending unless *states* says otherwise."""

    def __init__(self) -> None:
        super().__init__(1)
        self.states: dict[str, str] = {}
        self.asked: list[str] = []
        self.again: list[str] = []
        self.host_answers = True

    def image(self, name: str) -> ImageState | None:
        self.asked.append(name)
        return ImageState(name, self.states.get(name, "pending"))

    def process_again(self, name: str) -> bool:
        self.again.append(name)
        return self.host_answers


def watch_of(app: AppClient, count: int, clock: FakeClock) -> Watch:
    watch = Watch(app, now=clock.now)
    for number in range(count):
        watch.add(str(number), already_there=False)
    return watch


def test_a_busy_app_is_asked_for_a_few_and_not_at_once_again() -> None:
    app, clock = Counted(), FakeClock()
    with watch_of(app, 1000, clock) as watch:
        for _ in range(10):
            watch.ask()
            assert watch.pause_seconds == POLL_SECONDS
            clock.advance(POLL_SECONDS)
    assert len(app.asked) == 10 * FEWEST


def test_images_are_asked_for_in_the_order_of_their_uploads_and_slow_ones_do_not_hold_up_the_others() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {str(number): "complete" for number in range(FEWEST, 200)}
    with watch_of(app, 200, clock) as watch:
        watch.ask()
        assert sorted(app.asked, key=int) == [str(number) for number in range(FEWEST)]
        for _ in range(8):
            watch.ask()
        assert set(watch.unsettled) == {str(number) for number in range(FEWEST)}


def test_when_most_are_settled_more_are_asked_for_without_a_pause() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {str(number): "complete" for number in range(1000)}
    rounds = []
    with watch_of(app, 1000, clock) as watch:
        while watch.unsettled:
            rounds.append(len(watch.ask()))
            assert (watch.pause_seconds == 0) == bool(watch.unsettled)
    assert rounds[:5] == [FEWEST, 32, 64, MOST, MOST]
    assert sum(rounds) == len(app.asked) == 1000


def test_no_image_waits_for_its_turn_for_long() -> None:
    app, clock = Counted(), FakeClock()
    with watch_of(app, FEWEST + 1, clock) as watch:
        for _ in range(100):
            watch.ask()
            clock.advance(MAX_DELAY_SECONDS)
    assert min(app.asked.count(str(number)) for number in range(FEWEST)) >= 90


def test_what_was_there_is_processed_again_once_the_host_takes_it_and_only_once() -> None:
    app, clock = Counted(), FakeClock()
    app.states = {"done": "complete", "bad": "failed", "late": "deferred"}
    app.host_answers = False
    with Watch(app, now=clock.now) as watch:
        for name in ("done", "bad", "late"):
            watch.add(name, already_there=True)
        watch.add("new", already_there=False)
        watch.ask()
        app.host_answers = True
        for _ in range(3):
            watch.ask()
    assert app.again == ["late", "late"]
    assert set(watch.unsettled) == {"late", "new"}
