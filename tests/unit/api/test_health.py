import asyncio
import threading

import pytest
from doubles.clock import FakeClock
from doubles.parts import ENVIRONMENT, Parts, parts

from shared import __version__, names, services
from shared.api import health
from shared.api.health import Health, Look, Report
from shared.errors import BusyError, StorageError, VisionUnauthorizedError


@pytest.fixture
def app() -> Parts:
    return parts()


def break_storage(app: Parts) -> None:
    def refuse(operation: str, container: str, name: str) -> None:
        raise StorageError(f"no answer for {container}")

    app.images.before = refuse


def test_all_is_well_where_every_part_answers(app: Parts) -> None:
    with services.replaced(app.services):
        report = Look()()
    assert report.up
    assert report.detailed() == {
        "status": "up",
        "version": __version__,
        "problems": [],
        "warnings": [],
        "spending": {
            "day": {"date": "2026-01-01", "transactions": 0, "limit": None},
            "month": {"date": "2026-01", "transactions": 0, "limit": None},
        },
        "reconciliation": None,
    }


def test_the_spending_is_what_the_ledger_counts_of_today_beside_the_limits() -> None:
    app = parts(VISION_DAILY_LIMIT="100", VISION_MONTHLY_LIMIT="1000")
    app.services.quota.settle(7, at_once=True)
    app.clock.advance(86_400.0)
    app.services.quota.settle(3, at_once=True)
    with services.replaced(app.services):
        report = Look()()
    assert report.spending == {
        "day": {"date": "2026-01-02", "transactions": 3, "limit": 100},
        "month": {"date": "2026-01", "transactions": 10, "limit": 1000},
    }
    assert "spending" not in report.short()


def test_one_look_reads_the_ledger_once(app: Parts) -> None:
    looked: list[str] = []
    app.host.before = lambda operation, container, name: looked.append(operation) if container == names.QUOTA else None
    with services.replaced(app.services):
        Look()()
    assert looked == ["read"]


def test_a_ledger_that_cannot_be_read_is_no_figure_and_no_problem_of_its_own(app: Parts) -> None:
    def refuse(operation: str, container: str, name: str) -> None:
        if container == names.QUOTA:
            raise StorageError("no answer")

    app.host.before = refuse
    with services.replaced(app.services):
        report = Look()()
    assert (report.up, report.spending) == (True, None)


def test_a_ledger_that_hangs_is_no_figure_in_time_and_is_asked_again_when_it_has_answered(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.2)
    go_on, looked = threading.Event(), []

    def hang(operation: str, container: str, name: str) -> None:
        if container == names.QUOTA:
            looked.append(operation)
            assert go_on.wait(60)

    app.host.before = hang
    look = Look()
    with services.replaced(app.services):
        for _ in range(3):
            report = look()
            assert (report.up, report.spending) == (True, None)
        assert looked == ["read"]
        go_on.set()
        monkeypatch.setattr(health, "LOOK_SECONDS", 60.0)
        assert look().spending


def test_every_part_that_fails_is_told_with_what_to_do(app: Parts) -> None:
    app.vision.failing = VisionUnauthorizedError("refused the key of VISION_KEY")
    break_storage(app)
    with services.replaced(app.services):
        report = Look()()
    assert not report.up
    assert report.short() == {"status": "down", "version": __version__}
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
        assert Look()().up


def test_wrong_settings_are_a_problem_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)
    for name, value in {**ENVIRONMENT, "VISION_RATE": "fast"}.items():
        monkeypatch.setenv(name, value)
    (problem,) = Look()().problems
    assert (problem["part"], problem["code"]) == ("settings", "settings_invalid")
    assert "VISION_RATE" in problem["message"]


def test_parts_are_asked_at_most_twice_a_minute(app: Parts, clock: FakeClock) -> None:
    looked: list[float] = []
    app.images.before = lambda *_: looked.append(clock.now())
    watch = Health(clock)
    with services.replaced(app.services):
        for _ in range(7):
            asyncio.run(watch.report())
            clock.advance(10)
    assert looked == [0.0, 30.0, 60.0]


def test_what_is_mended_is_seen_at_the_next_look(app: Parts, clock: FakeClock) -> None:
    watch = Health(clock)
    app.vision.failing = VisionUnauthorizedError("no")
    with services.replaced(app.services):
        assert not asyncio.run(watch.report()).up
        app.vision.failing = None
        assert not asyncio.run(watch.report()).up
        clock.advance(30)
        assert asyncio.run(watch.report()).up


def test_callers_at_once_share_the_first_look_and_hold_no_thread_meanwhile(app: Parts, clock: FakeClock) -> None:
    looked: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(operation: str, *_: str) -> None:
        looked.append(operation)
        begun.set()
        assert go_on.wait(60)

    app.images.before = slow
    watch = Health(clock)

    async def ask() -> list[Report]:
        asked = [asyncio.create_task(watch.report()) for _ in range(16)]
        while not begun.is_set():
            await asyncio.sleep(0)
        # The event loop and the threads of others are free.
        assert not any(each.done() for each in asked)
        go_on.set()
        return await asyncio.gather(*asked)

    with services.replaced(app.services):
        assert [report.up for report in asyncio.run(ask())] == [True] * 16
    assert looked == ["page"]


def test_who_comes_during_a_look_is_told_the_last_report_at_once(app: Parts, clock: FakeClock) -> None:
    watch = Health(clock)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: str) -> None:
        begun.set()
        assert go_on.wait(60)

    async def ask() -> Report:
        first = asyncio.create_task(watch.report())
        while not begun.is_set():
            await asyncio.sleep(0)
        assert [(await watch.report()).up for _ in range(3)] == [True] * 3
        assert not first.done()
        app.vision.failing = None
        go_on.set()
        return await first

    with services.replaced(app.services):
        asyncio.run(watch.report())
        clock.advance(30)
        app.images.before, app.vision.failing = slow, VisionUnauthorizedError("no")
        asyncio.run(ask())


def test_a_report_is_as_old_as_the_end_of_its_look(app: Parts, clock: FakeClock) -> None:
    """Taken at its beginning, the report of a look of half a minute would be too old for all who wait for it."""
    looked: list[float] = []

    def long(*_: str) -> None:
        looked.append(clock.now())
        clock.advance(31)

    app.images.before = long
    watch = Health(clock)
    with services.replaced(app.services):
        for _ in range(3):
            asyncio.run(watch.report())
    assert looked == [0.0]


def test_a_part_that_does_not_answer_is_named_in_time_and_not_asked_again_before_it_has(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.2)
    go_on, looked = threading.Event(), []

    def hang(operation: str, *_: str) -> None:
        looked.append(operation)
        assert go_on.wait(60)

    app.images.before = hang
    look = Look()
    with services.replaced(app.services):
        for _ in range(3):
            (problem,) = look().problems
            assert (problem["part"], problem["code"]) == ("images", "storage_unavailable")
            assert "0.2 s" in problem["message"]
        assert looked == ["page"]
        go_on.set()
        monkeypatch.setattr(health, "LOOK_SECONDS", 60.0)
        assert look().up
        app.images.before = None
        assert look().up


def test_an_account_that_takes_no_write_is_a_problem_though_it_can_be_read(app: Parts) -> None:
    def full(operation: str, container: str, name: str) -> None:
        if operation == "write":
            raise StorageError(f"Blob storage answered 500 (InternalError) for {container}/{name}.")

    app.host.before = full
    with services.replaced(app.services):
        (problem,) = Look()().problems
    assert (problem["part"], problem["code"]) == ("host", "storage_unavailable")


def test_looks_leave_one_small_blob(app: Parts) -> None:
    with services.replaced(app.services):
        for _ in range(3):
            Look()()
    assert app.host.contents(names.HEALTH) == {names.HEALTH_BLOB: b""}


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
