import threading

import pytest
from doubles.clock import FakeClock
from doubles.parts import ENVIRONMENT, Parts, parts

from shared import health, services
from shared.errors import BusyError, StorageError, VisionUnauthorizedError
from shared.health import Health, Report


@pytest.fixture
def app() -> Parts:
    return parts()


def break_storage(app: Parts) -> None:
    def refuse(operation: str, container: str, name: str) -> None:
        raise StorageError(f"no answer for {container}")

    app.images.before = refuse


def test_all_is_well_where_every_part_answers(app: Parts) -> None:
    with services.replaced(app.services):
        report = health.look()
    assert report.up
    assert report.detailed() == {"status": "up", "problems": []}


def test_every_part_that_fails_is_told_with_what_to_do(app: Parts) -> None:
    app.vision.failing = VisionUnauthorizedError("refused the key of VISION_KEY")
    break_storage(app)
    with services.replaced(app.services):
        report = health.look()
    assert not report.up
    assert report.short() == {"status": "down"}
    assert report.detailed()["problems"] == [
        {
            "part": "vision",
            "code": "vision_unauthorized",
            "message": "refused the key of VISION_KEY",
            "action": VisionUnauthorizedError.action,
        },
        {
            "part": "images",
            "code": "storage_unavailable",
            "message": "no answer for images",
            "action": StorageError.action,
        },
    ]


def test_a_long_queue_is_no_illness(app: Parts) -> None:
    app.vision.failing = BusyError("others come first", code="turn_too_late")
    with services.replaced(app.services):
        assert health.look().up


def test_wrong_settings_are_a_problem_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)
    for name, value in {**ENVIRONMENT, "VISION_RATE": "fast"}.items():
        monkeypatch.setenv(name, value)
    (problem,) = health.look().problems
    assert (problem["part"], problem["code"]) == ("settings", "settings_invalid")
    assert "VISION_RATE" in problem["message"]


def test_parts_are_asked_at_most_twice_a_minute(app: Parts, clock: FakeClock) -> None:
    looked: list[float] = []
    app.images.before = lambda *_: looked.append(clock.now())
    watch = Health(clock)
    with services.replaced(app.services):
        for _ in range(7):
            watch.report()
            clock.advance(10)
    assert looked == [0.0, 30.0, 60.0]


def test_what_is_mended_is_seen_at_the_next_look(app: Parts, clock: FakeClock) -> None:
    watch = Health(clock)
    app.vision.failing = VisionUnauthorizedError("no")
    with services.replaced(app.services):
        assert not watch.report().up
        app.vision.failing = None
        assert not watch.report().up
        clock.advance(30)
        assert watch.report().up


def test_callers_at_once_share_one_look(app: Parts, clock: FakeClock) -> None:
    looked: list[str] = []
    app.images.before = lambda operation, *_: looked.append(operation)
    watch = Health(clock)
    found: list[Report] = []
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait()
        found.append(watch.report())

    with services.replaced(app.services):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert looked == ["page"]
    assert [report.up for report in found] == [True] * 4


@pytest.mark.parametrize(
    ("setting", "key", "opens"),
    [
        ("open-sesame", "open-sesame", True),
        ("open-sesame", "open-sesam", False),
        ("schlüssel", "schlüssel", True),
        ("open-sesame", None, False),
        ("open-sesame", "", False),
        ("", "", False),
        ("", "anything", False),
    ],
)
def test_the_details_open_with_the_health_key_alone(
    setting: str, key: str | None, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_KEY", setting)
    assert health.may_know(key) is opens
