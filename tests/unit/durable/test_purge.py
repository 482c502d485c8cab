"""What is kept for a week and then goes."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.operation_runs import kept_operation
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun

from shared import names
from shared.durable import inputs, read_job
from shared.durable import purge as purging
from shared.errors import StorageError
from shared.images import ImageBytes, ImageUrl

DAY = 86_400.0


class Hub:
    """Remembers what it is to purge."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime, list[str]]] = []
        self.answers = True

    async def purge_instance_history_by(
        self, created_time_from: datetime, created_time_to: datetime, runtime_status: list[Any]
    ) -> Any:
        self.asked.append((created_time_from, created_time_to, [status.value for status in runtime_status]))
        if not self.answers:
            await asyncio.Event().wait()
        return SimpleNamespace(instances_deleted=3)


@pytest.fixture
def app() -> Parts:
    app = parts()
    app.clock.advance(100 * DAY)
    return app


def purge(app: Parts, hub: Hub | None = None) -> Hub:
    hub = hub or Hub()
    asyncio.run(purging.purge(app.services, hub))
    return hub


def store(app: Parts, name: str, container: str = names.INPUTS) -> None:
    app.host.write(container, name, b"x", content_type=names.BYTES)


def test_histories_that_ended_go_after_seven_days(app: Parts) -> None:
    ((begin, end, statuses),) = purge(app).asked
    assert end == app.clock.utc() - timedelta(days=7)
    assert begin < datetime(2020, 6, 1, tzinfo=UTC)
    assert sorted(statuses) == ["Canceled", "Completed", "Failed", "Terminated"]


@pytest.mark.parametrize("container", [names.INPUTS, names.KEYS])
def test_what_was_sent_and_its_key_go_after_seven_days(app: Parts, container: str) -> None:
    for name, days in (("old", 2.0), ("almost seven days", 4.6), ("young", 0.2), ("now", 0.0)):
        store(app, name, container)
        app.clock.advance(days * DAY)
    app.clock.advance(2.1 * DAY)
    purge(app)
    assert list(app.host.contents(container)) == ["almost seven days", "now", "young"]


@pytest.mark.parametrize("container", [names.INPUTS, names.KEYS])
@pytest.mark.parametrize("again", ["a", "b", "c"])
def test_what_is_sent_again_while_the_purge_is_under_way_stays(
    app: Parts, caplog: pytest.LogCaptureFixture, container: str, again: str
) -> None:
    caplog.set_level(logging.INFO)
    for name in "abc":
        store(app, name, container)
    app.clock.advance(8 * DAY)

    def before(operation: str, where: str, name: str) -> None:
        if (operation, where, name) == ("delete", container, again):
            store(app, name, container)

    app.host.before = before
    purge(app)
    assert list(app.host.contents(container)) == [again]
    assert any(f"{container}=2" in line for line in caplog.messages)


def test_nothing_else_goes(app: Parts) -> None:
    store(app, "claim", names.CACHE)
    app.images.write(names.IMAGES, "a.jpg", b"x", content_type="image/jpeg")
    app.clock.advance(100 * DAY)
    purge(app)
    assert list(app.host.contents(names.CACHE)) == ["claim"]
    assert list(app.images.contents(names.IMAGES)) == ["a.jpg"]


def test_inputs_are_purged_page_by_page(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(1203):
        store(app, f"{number}")
    app.clock.advance(8 * DAY)
    purge(app)
    assert app.host.contents(names.INPUTS) == {}
    assert any(line.startswith("history.purged instances=3 inputs=1203 keys=0") for line in caplog.messages)


def test_a_job_that_is_older_than_its_bytes_asks_for_them_again(app: Parts) -> None:
    job = read_job.from_request(ImageBytes(picture()), app.services.settings, {})
    run = ReadRun(app, inputs.keep(app.host, job, picture()))
    app.clock.advance(8 * DAY)
    purge(app)
    assert run.finish()["problem"]["code"] == "input_gone"


def test_storage_that_fails_is_raised_so_that_the_log_has_it(app: Parts) -> None:
    def before(operation: str, *_: str) -> None:
        if operation == "page":
            raise StorageError("the account is down")

    app.host.before = before
    with pytest.raises(StorageError):
        purge(app)


def test_200_000_inputs_take_several_runs_each_of_which_ends_in_time(
    app: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # As many as make 7 pages, each of some twelve seconds; 200,000 would make 400.
    for number in range(3_400):
        store(app, f"{number:06}")
    app.clock.advance(8 * DAY)
    app.host.before = lambda operation, container, _: app.clock.advance(
        {"page": 0.0, "delete": 0.025}[operation] if container == names.INPUTS else 0.0
    )
    left = []
    while app.host.contents(names.INPUTS):
        begun = app.clock.now()
        purge(app)
        # One page after the deadline at most.
        assert app.clock.now() - begun <= purging.SENT_SECONDS + 500 * 0.025 + 0.001
        left.append(len(app.host.contents(names.INPUTS)))
    assert left == [900, 0]
    told = [line.partition("correlation")[0].strip() for line in caplog.messages if line.startswith("history.purged")]
    assert told == [
        "history.purged instances=3 inputs=2500 keys=0 more=inputs",
        "history.purged instances=3 inputs=900 keys=0 more=-",
    ]


def test_histories_that_take_too_long_keep_no_document(
    app: Parts, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(purging, "HISTORIES_SECONDS", 0.0)
    store(app, "old")
    app.clock.advance(8 * DAY)
    hub = Hub()
    hub.answers = False
    purge(app, hub)
    assert app.host.contents(names.INPUTS) == {}
    assert any("instances=- inputs=1 keys=0 more=histories" in line for line in caplog.messages)


def test_a_run_ends_before_the_platform_ends_it() -> None:
    limit = json.loads((Path(__file__).resolve().parents[3] / "host.json").read_text())["functionTimeout"]
    hours, minutes, seconds = map(int, limit.split(":"))
    assert hours * 3600 + minutes * 60 + seconds - 60 >= 3 * purging.SENT_SECONDS + purging.HISTORIES_SECONDS


def test_what_a_look_at_the_account_has_left_goes_too(app: Parts) -> None:
    store(app, names.retention("a"), names.HEALTH)
    store(app, names.HEALTH_BLOB, names.HEALTH)
    app.clock.advance(8 * DAY)
    store(app, names.retention("b"), names.HEALTH)
    purge(app)
    assert list(app.host.contents(names.HEALTH)) == [names.retention("b"), names.HEALTH_BLOB]


def test_what_operations_were_sent_goes_too(app: Parts) -> None:
    operations = [kept_operation(app), kept_operation(app, image=ImageUrl("https://example.invalid/a?sig=S3CRET"))]
    assert len(app.host.contents(names.INPUTS)) == 2
    app.clock.advance(6.9 * DAY)
    purge(app)
    assert [inputs.read(app.host, each) is None for each in operations] == [False, False]
    app.clock.advance(0.2 * DAY)
    purge(app)
    assert app.host.contents(names.INPUTS) == app.host.contents(names.KEYS) == {}
