"""What a run tells of itself: the log, the blob, and the health report."""

from typing import Any

import pytest
from doubles.parts import Parts, parts

from shared import names, services
from shared.api import health
from shared.api.health import Look
from shared.errors import ConflictError, StorageError
from shared.lifecycle import adoption, plans, report
from shared.lifecycle.reconcile_loop import Plan

COUNTS = {"images": 9, "without_result": 2, "started": 2, "older": 3, "records_deleted": 4, "answers_forgotten": 1}


def work(plan: Plan, *, ended: bool, problem: str | None = None) -> Any:
    counts = COUNTS if ended else {}
    return {"plan": plan, "phase": "report", "continuation": None, "counts": counts, "ended": ended, "problem": problem}


def told(app: Parts, plan: Plan, *, ended: bool = True, problem: str | None = None) -> dict[str, Any]:
    report.tell(app.services, work(plan, ended=False))
    if ended:
        app.clock.advance(30)
        report.tell(app.services, work(plan, ended=True, problem=problem))
    section = report.section(app.services)
    return {} if section is None else section


def test_before_the_first_there_is_nothing_to_tell() -> None:
    assert report.section(parts().services) is None


def test_the_first_is_running() -> None:
    app = parts(RECONCILE="report")
    section = told(app, plans.by_request(app.services), ended=False)
    assert {key: value for key, value in section.items() if value is not None} == {
        "state": "running",
        "mode": "report",
        "since": "2026-01-01T00:00:00+00:00",
    }


def test_the_last_is_told_with_its_number_and_when_it_began() -> None:
    app = parts()
    assert told(app, plans.by_timer(app.services)) == {
        "imagesWithoutResult": 2,
        "checkedAt": "2026-01-01T00:00:00+00:00",
        "images": 9,
        "started": 2,
        "waitForBackfill": 3,
        "recordsRemoved": 4,
        "answersForgotten": 1,
        "mode": "repair",
        "state": "ended",
        "since": "2026-01-01T00:00:00+00:00",
    }


def test_while_the_next_is_running_the_last_is_told() -> None:
    app = parts()
    told(app, plans.by_timer(app.services))
    section = told(app, plans.by_request(app.services), ended=False)
    assert (section["state"], section["imagesWithoutResult"]) == ("running", 2)


def test_one_that_was_given_up_tells_no_number() -> None:
    app = parts()
    section = told(app, plans.by_timer(app.services), problem="the account is down")
    assert (section["state"], section["imagesWithoutResult"], section["images"]) == ("failed", None, 9)


@pytest.mark.parametrize("kind", ["forgetting", "of_directory", "off"])
def test_runs_that_compare_not_everything_leave_the_number_as_it_is(kind: str) -> None:
    app = parts(RECONCILE="off" if kind == "off" else "repair")
    adoption.note(app.services, app.clock.utc().isoformat())
    made = {
        "forgetting": plans.forgetting,
        "of_directory": lambda app: plans.of_directory(app, images="new/", records="old/"),
        "off": plans.by_timer,
    }
    assert told(app, made[kind](app.services)) == {}
    first = told(app, plans.by_request(app.services))
    assert told(app, made[kind](app.services)) == first


def test_a_page_of_the_report_that_is_done_twice_tells_the_same() -> None:
    app = parts()
    plan = plans.by_timer(app.services)
    first = told(app, plan)
    report.tell(app.services, work(plan, ended=True))
    assert report.section(app.services) == first


def test_two_writers_lose_nothing_of_each_other() -> None:
    app = parts()
    nightly, wanted = plans.by_timer(app.services), plans.by_request(app.services)

    def before(operation: str, container: str, name: str) -> None:
        if operation == "write" and name == names.LAST_RECONCILIATION:
            app.host.before = None
            report.tell(app.services, work(nightly, ended=False))

    app.host.before = before
    report.tell(app.services, work(wanted, ended=True))
    document = report.read(app.services)
    assert document["timer"] == nightly["began"]
    assert document["last"]
    assert document["last"]["by"] == "request"


def test_a_blob_that_others_write_again_and_again_is_an_error() -> None:
    app = parts()
    plan = plans.by_timer(app.services)

    def before(operation: str, container: str, name: str) -> None:
        if operation == "write":
            app.host.write(container, name, b"{}", content_type=names.JSON)

    app.host.before = before
    with pytest.raises(ConflictError):
        report.tell(app.services, work(plan, ended=False))


def test_the_log_tells_beginning_and_end_with_all_counts(caplog: pytest.LogCaptureFixture) -> None:
    app = parts()
    with caplog.at_level("INFO"):
        told(app, plans.by_timer(app.services))
        told(app, plans.by_request(app.services), problem="the account is down")
    lines = [(each.levelname, each.getMessage()) for each in caplog.records]
    assert [line.split()[0] for _, line in lines] == ["reconciliation.started", "reconciliation.ended"] * 2
    assert lines[1][0] == "INFO"
    for count in ("images=9", "without_result=2", "started=2", "older=3", "records_deleted=4", "answers_forgotten=1"):
        assert count in lines[1][1]
    assert lines[3][0] == "ERROR"
    assert 'problem="the account is down"' in lines[3][1]


def test_health_has_it_for_the_operator_with_one_read_a_look() -> None:
    app = parts()
    told(app, plans.by_timer(app.services))
    reads: list[str] = []
    app.host.before = lambda operation, container, name: (
        reads.append(f"{operation} {name}") if container == names.RECONCILIATION else None
    )
    with services.replaced(app.services):
        found = Look()()
    assert reads == ["read last.json"]
    assert found.up
    assert found.detailed()["reconciliation"] == report.section(app.services)
    assert "reconciliation" not in found.short()


@pytest.mark.parametrize("trouble", ["out", "hangs"])
def test_health_is_neither_down_nor_slow_because_of_it(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    app = parts()
    told(app, plans.by_timer(app.services))
    free = threading.Event()

    def before(operation: str, container: str, name: str) -> None:
        if container == names.RECONCILIATION:
            if trouble == "hangs":
                free.wait(30)
            raise StorageError("the account is down")

    app.host.before = before
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.2)
    with services.replaced(app.services):
        found = Look()()
    free.set()
    assert found.up
    assert found.detailed()["reconciliation"] is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"timer": 5, "last": 3, "running": [1]}',
        b'{"timer": "soon", "last": {}, "running": {}}',
        b'{"timer": "2026-01-01T00:00:00", "last": {"state": "ended", "counts": {"images": 1}}}',
    ],
)
def test_a_blob_that_is_damaged_is_as_none_and_written_anew(data: bytes) -> None:
    app = parts()
    app.host.write(names.RECONCILIATION, names.LAST_RECONCILIATION, data, content_type=names.JSON)
    with services.replaced(app.services):
        found = Look()()
    assert (found.up, found.reconciliation) == (True, None)
    assert report.read(app.services)["timer"] is None
    assert told(app, plans.by_timer(app.services))["imagesWithoutResult"] == 2


def test_one_that_was_ended_from_outside_is_not_told_as_running_for_ever() -> None:
    app = parts(RECONCILE="off")
    adoption.note(app.services, app.clock.utc().isoformat())
    first = told(app, plans.by_request(app.services))
    assert told(app, plans.by_request(app.services), ended=False)["state"] == "running"
    assert told(app, plans.by_timer(app.services)) == first
